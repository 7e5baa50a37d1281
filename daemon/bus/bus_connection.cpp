// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/bus_connection.hpp"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>
#include <asio/post.hpp>

namespace vss::bus {

core::Result<std::shared_ptr<BusConnection>> BusConnection::open(asio::io_context& loop,
                                                                 std::function<void()> on_lost) {
  try {
    auto connection = connect_system_bus();
    return std::shared_ptr<BusConnection>(new BusConnection(loop, std::move(connection), std::move(on_lost)));
  } catch (const sdbus::Error& error) {
    return core::fail(ErrorCode::Unexpected, "connect to the system bus: " + error.getMessage());
  } catch (const std::exception& error) {
    return core::fail(ErrorCode::Unexpected, std::string("connect to the system bus: ") + error.what());
  }
}

BusConnection::BusConnection(asio::io_context& loop, std::unique_ptr<sdbus::IConnection> connection,
                             std::function<void()> on_lost)
    : loop_(loop),
      connection_(std::move(connection)),
      on_lost_(std::move(on_lost)),
      // A duplicate: asio and sd-bus each close their own.
      descriptor_(loop, ::fcntl(connection_->getEventLoopPollData().fd, F_DUPFD_CLOEXEC, 3)),
      timer_(loop) {}

BusConnection::~BusConnection() { *alive_ = false; }

core::Status BusConnection::start(const std::string& name) {
  try {
    connection_->requestName(ServiceName(name));
  } catch (const sdbus::Error& error) {
    return core::fail(ErrorCode::Unexpected, "request the name " + name + ": " + error.getMessage());
  }
  touch();
  return {};
}

void BusConnection::touch() {
  if (lost_ || std::exchange(touched_, true)) return;
  asio::post(loop_, [this, alive = alive_] {
    if (*alive) pump();
  });
}

void BusConnection::pump() {
  touched_ = false;
  if (lost_) return;
  try {
    while (process_pending(*connection_)) {
    }
    arm();
  } catch (const sdbus::Error& error) {
    lose(error.getMessage());
  } catch (const std::exception& error) {
    lose(error.what());
  }
}

void BusConnection::arm() {
  const auto poll_data = connection_->getEventLoopPollData();
  const auto ready = [this, alive = alive_](bool BusConnection::*flag) {
    return [this, alive, flag](const asio::error_code& error) {
      if (!*alive) return;
      this->*flag = false;
      if (error != asio::error::operation_aborted) pump();
    };
  };
  if ((poll_data.events & POLLIN) != 0 && !std::exchange(reading_, true)) {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, ready(&BusConnection::reading_));
  }
  if ((poll_data.events & POLLOUT) != 0 && !std::exchange(writing_, true)) {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_write, ready(&BusConnection::writing_));
  }
  const auto timeout = relative_timeout(poll_data);
  if (!timeout) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(*timeout);
  timer_.async_wait([this, alive = alive_](const asio::error_code& error) {
    if (*alive && !error) pump();
  });
}

void BusConnection::lose(const std::string& why) {
  if (std::exchange(lost_, true)) return;
  spdlog::error("the connection to the bus is lost: {}", why);
  asio::error_code ignored;
  descriptor_.cancel(ignored);
  timer_.cancel();
  asio::post(loop_, std::exchange(on_lost_, [] {}));
}

}  // namespace vss::bus
