// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

namespace vss::test {

// Runs one awaitable on `context` until it has its result; throws if it has none within a minute.
template <typename T>
T awaited(asio::io_context& context, asio::awaitable<T> operation) {
  std::optional<T> result;
  asio::co_spawn(context, std::move(operation), [&result](std::exception_ptr failure, T value) {
    if (failure) std::rethrow_exception(failure);
    result.emplace(std::move(value));
  });
  context.restart();
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!result && context.run_one_until(end) != 0) {
  }
  if (!result) throw std::runtime_error("the operation did not end");
  return std::move(*result);
}

}  // namespace vss::test
