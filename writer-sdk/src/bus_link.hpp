// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The way to vssd: connects to the bus, follows who owns org.vssd.Vss1, registers, and begins anew whenever
// one of them goes away. Loop thread; nothing is thrown.

#include <memory>
#include <optional>
#include <string>

#include "writer-sdk/src/engine.hpp"
#include "writer-sdk/src/sdbus_compat.hpp"

namespace vss {

class BusLink {
 public:
  explicit BusLink(Engine& engine);
  ~BusLink();
  BusLink(const BusLink&) = delete;
  BusLink& operator=(const BusLink&) = delete;

  // Does what is due: connect, take messages, register again.
  void step(TimePoint now);
  // What to wait for; fd -1 while there is no connection.
  [[nodiscard]] sdbus_compat::PollRequest poll_request();
  [[nodiscard]] std::optional<TimePoint> next_retry() const { return retry_at_; }
  // Something does not work any more: begins anew after a while.
  void give_up(const std::string& why) noexcept;
  // Unregisters and disconnects; nothing is due afterwards.
  void close();

 private:
  struct Bus;

  void connect();
  void take_messages();
  void owner_is(const std::string& owner);
  void register_writer();
  void registered(const std::string& owner, const std::string& instance);
  void not_registered(const std::string& owner, const sdbus::Error& error);
  void bus_lost(const std::string& why);
  void vssd_lost(const std::string& why);
  void retry_later();
  void report(vss_writer_state state, const std::string& message);
  template <typename Body>
  void guarded(Body body) noexcept;

  Engine& engine_;
  std::string owner_;  // unique name of vssd; outlives bus_
  std::string instance_;
  std::unique_ptr<Bus> bus_;
  std::string broken_;  // a callback failed: why the connection is given up
  std::optional<TimePoint> retry_at_ = TimePoint{};
  std::chrono::milliseconds backoff_{};
  std::optional<vss_writer_state> reported_;
};

}  // namespace vss
