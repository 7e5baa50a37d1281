// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Drives coroutines from a test.

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

namespace vss::test {

// Runs the context until the condition holds. Throws when it does not within the limit.
template <typename Condition>
void run_until(asio::io_context& context, Condition condition,
               std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) throw std::runtime_error("not within the limit");
    context.restart();
    context.run_one_for(std::chrono::milliseconds(5));
  }
}

// The result of an awaitable that was started.
template <typename T>
struct Started {
  std::optional<T> value;
  std::exception_ptr failure;
  [[nodiscard]] bool done() const { return value || failure; }
};

template <typename T>
std::shared_ptr<Started<T>> start(asio::io_context& context, asio::awaitable<T> work) {
  auto started = std::make_shared<Started<T>>();
  asio::co_spawn(context, std::move(work), [started](std::exception_ptr failure, T value) {
    started->failure = failure;
    if (!failure) started->value = std::move(value);
  });
  return started;
}

template <typename T>
T run(asio::io_context& context, asio::awaitable<T> work) {
  const auto started = start(context, std::move(work));
  run_until(
      context, [&] { return started->done(); }, std::chrono::seconds(60));
  if (started->failure) std::rethrow_exception(started->failure);
  return *std::move(started->value);
}

}  // namespace vss::test
