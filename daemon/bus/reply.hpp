// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Answers to method calls. A Reply that is dropped answers with an error: no caller waits for ever. answer()
// is the exception wall of all handlers.

#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include <spdlog/spdlog.h>
#include <asio/awaitable.hpp>

#include "daemon/bus/bus_connection.hpp"
#include "daemon/bus/sdbus_compat.hpp"
#include "daemon/bus/utf8.hpp"
#include "daemon/core/async.hpp"
#include "daemon/core/error.hpp"

namespace vss::bus {

template <typename... T>
class Reply {
 public:
  Reply(std::shared_ptr<BusConnection> bus, sdbus::Result<T...>&& result)
      : bus_(std::move(bus)), result_(std::move(result)) {}
  ~Reply() {
    if (!answered_) error({ErrorCode::Unexpected, "the call was dropped"});
  }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  void results(const T&... values) noexcept {
    send([&] { result_.returnResults(values...); });
  }
  void error(const core::Error& error) noexcept {
    send([&] { result_.returnError(make_error(bus_name(error.code), to_utf8(error.message))); });
  }

 private:
  template <typename Send>
  void send(Send send) noexcept {
    answered_ = true;
    if (bus_->is_lost()) return;
    try {
      send();
      bus_->touch();
    } catch (const std::exception& e) {
      spdlog::warn("an answer could not be sent: {}", e.what());
    }
  }

  std::shared_ptr<BusConnection> bus_;
  sdbus::Result<T...> result_;
  bool answered_ = false;
};

namespace detail {
// What a handler's Result<...> holds, as the arguments of the answer.
template <typename... T>
void send_results(Reply<T...>& reply, std::tuple<T...>& values) {
  std::apply([&](const T&... value) { reply.results(value...); }, values);
}
}  // namespace detail

// The handlers' outcome for answers with values `T...`: a tuple of them.
template <typename... T>
using Answer = core::Result<std::tuple<T...>>;

inline Answer<> no_values(core::Status status) {
  if (!status) return core::fail(std::move(status.error()));
  return std::tuple<>();
}

// An answer that nothing has to be waited for.
inline asio::awaitable<Answer<>> at_once(core::Status status) { co_return no_values(std::move(status)); }

inline asio::awaitable<Answer<>> when_done(asio::awaitable<core::Status> work) {
  co_return no_values(co_await std::move(work));
}

// Waits for the handler and sends its outcome. `owner` is what the handler works on; it lives as long as the
// handler.
template <typename... T>
asio::awaitable<void> answer(std::shared_ptr<Reply<T...>> reply, asio::awaitable<Answer<T...>> handler,
                             [[maybe_unused]] std::shared_ptr<const void> owner) {
  try {
    Answer<T...> outcome = co_await std::move(handler);
    if (outcome) {
      detail::send_results(*reply, *outcome);
    } else {
      reply->error(outcome.error());
    }
    co_return;
  } catch (const std::exception& e) {
    spdlog::critical("a method handler threw: {}", e.what());
  } catch (...) {
    spdlog::critical("a method handler threw something foreign");
  }
  reply->error({ErrorCode::Unexpected, "an internal error; the journal of vssd has the details"});
}

// Starts the handler of a call, to be answered when it is done.
template <typename... T>
void answer_with(std::shared_ptr<BusConnection> bus, sdbus::Result<T...>&& result,
                 asio::awaitable<Answer<T...>> handler, std::shared_ptr<const void> owner) {
  const auto reply = std::make_shared<Reply<T...>>(bus, std::move(result));
  core::spawn(bus->loop().get_executor(), answer<T...>(reply, std::move(handler), std::move(owner)));
}

}  // namespace vss::bus
