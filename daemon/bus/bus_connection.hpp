// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Our connection to the system bus, driven from the coordinator's loop. One thread. Whoever uses a proxy, a
// reply or an object of the connection shares it: it must not go before them.

#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "daemon/bus/sdbus_compat.hpp"
#include "daemon/core/error.hpp"

namespace vss::bus {

class BusConnection {
 public:
  // `on_lost` is called once, from the loop, when the bus is gone; the connection is then of no further use.
  static core::Result<std::shared_ptr<BusConnection>> open(asio::io_context& loop,
                                                           std::function<void()> on_lost);
  ~BusConnection();

  [[nodiscard]] sdbus::IConnection& sdbus() { return *connection_; }
  [[nodiscard]] asio::io_context& loop() { return loop_; }
  [[nodiscard]] bool is_lost() const { return lost_; }

  // Starts dispatching. Objects and matches are registered before, the name is requested after.
  core::Status start(const std::string& name);

  // To be called after each outgoing message: what the socket did not take at once and the new time-outs have
  // to be watched. Cheap, done once per turn of the loop.
  void touch();

 private:
  BusConnection(asio::io_context& loop, std::unique_ptr<sdbus::IConnection> connection,
                std::function<void()> on_lost);
  void pump();
  void arm();
  void lose(const std::string& why);

  asio::io_context& loop_;
  std::unique_ptr<sdbus::IConnection> connection_;
  std::function<void()> on_lost_;
  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer timer_;
  bool reading_ = false;
  bool writing_ = false;
  bool touched_ = false;
  bool lost_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace vss::bus
