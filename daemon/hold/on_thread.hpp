// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Awaits a function that may block for ever, in a thread of its own. Nothing ties the two together but shared
// memory and an eventfd: if the coroutine or its executor goes away first, the function still runs to its
// end.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <cerrno>
#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include "daemon/core/error.hpp"
#include "daemon/core/unique_fd.hpp"

namespace vss::hold {

namespace detail {
template <typename Function>
struct ThreadCall {
  explicit ThreadCall(Function function_in) : function(std::move(function_in)) {}

  void execute() noexcept {
    try {
      result.emplace(function());
    } catch (const std::exception& error) {
      result.emplace(core::fail(ErrorCode::Unexpected, error.what()));
    }
    eventfd_write(done.get(), 1);
  }

  Function function;
  std::optional<std::invoke_result_t<Function&>> result;  // the thread's until `done` is readable
  core::UniqueFd done{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};
}  // namespace detail

// `function` returns a core::Result and owns all it needs.
template <typename Function>
asio::awaitable<std::invoke_result_t<Function&>> on_thread(Function function) {
  using Value = std::invoke_result_t<Function&>;
  const auto executor = co_await asio::this_coro::executor;
  const auto call = std::make_shared<detail::ThreadCall<Function>>(std::move(function));
  core::UniqueFd done(fcntl(call->done.get(), F_DUPFD_CLOEXEC, 3));
  if (!done) co_return Value(core::fail(core::errno_error(errno, "eventfd")));
  asio::posix::stream_descriptor event(executor, done.release());
  std::optional<core::Error> failure;
  try {
    std::thread([call] { call->execute(); }).detach();
  } catch (const std::system_error& error) {
    failure = core::errno_error(error.code().value(), "starting a thread");
  }
  if (failure) co_return Value(core::fail(std::move(*failure)));
  asio::error_code ignored;
  co_await event.async_wait(asio::posix::stream_descriptor::wait_read,
                            asio::redirect_error(asio::use_awaitable, ignored));
  co_return std::move(*call->result);
}

}  // namespace vss::hold
