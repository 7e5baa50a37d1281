// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// An outgoing D-Bus call as something to co_await. The call is sent before the coroutine suspends; it keeps
// the connection and the proxy until it is answered.

#include <chrono>
#include <memory>
#include <string>
#include <tuple>

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <tl/expected.hpp>

#include "daemon/bus/bus_connection.hpp"
#include "daemon/bus/sdbus_compat.hpp"

namespace vss::bus {

// A D-Bus error reply, or that none came in time.
struct CallFailure {
  std::string name;
  std::string message;
};

template <typename... Out>
using CallResult = tl::expected<std::tuple<Out...>, CallFailure>;

// Calls `method`; `Out` are the types of its results. Nothing is thrown.
template <typename... Out, typename... In>
asio::awaitable<CallResult<Out...>> async_call(std::shared_ptr<BusConnection> bus,
                                               std::shared_ptr<sdbus::IProxy> proxy, const char* interface,
                                               const char* method, std::chrono::microseconds limit,
                                               In... in) {
  auto initiate = [&](auto handler) {
    const auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    const auto complete = [shared, &loop = bus->loop()](CallResult<Out...> result) {
      asio::post(loop,
                 [shared, result = std::move(result)]() mutable { std::move (*shared)(std::move(result)); });
    };
    try {
      proxy->callMethodAsync(method)
          .onInterface(interface)
          .withTimeout(limit)
          .withArguments(in...)
          .uponReplyInvoke([complete](ReplyError error, Out... out) {
            if (error) {
              complete(tl::unexpected(CallFailure{error->getName(), error->getMessage()}));
            } else {
              complete(CallResult<Out...>(std::tuple<Out...>(std::move(out)...)));
            }
          });
    } catch (const sdbus::Error& error) {
      complete(tl::unexpected(CallFailure{error.getName(), error.getMessage()}));
    }
    bus->touch();
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(CallResult<Out...>)>(
      initiate, asio::use_awaitable);
}

}  // namespace vss::bus
