// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Who calls: credentials of the peers on the bus, and what they may do. Root may do everything; others what
// polkit, or for writers the configuration, allows. Read-only members are open to everybody and ask nothing
// here.

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/bus/async_call.hpp"
#include "daemon/bus/bus_connection.hpp"
#include "daemon/core/error.hpp"

namespace vss::bus {

struct Caller {
  std::string bus_name;
  std::uint32_t uid = 0;
  std::uint32_t pid = 0;
  std::string unit;  // systemd unit, "" if none
};

enum class Action : std::uint8_t { RequestBackup, ManageSnapshots, RegisterWriter };

class Callers {
 public:
  using UnitOfPid = std::function<asio::awaitable<std::string>(std::uint32_t pid)>;
  Callers(std::shared_ptr<BusConnection> bus, UnitOfPid unit_of_pid, std::vector<std::uint32_t> writer_uids);

  // Credentials of a peer. AccessDenied if it is gone.
  asio::awaitable<core::Result<Caller>> identify(std::string bus_name);
  // AccessDenied if the caller may not do this, or is gone meanwhile.
  asio::awaitable<core::Status> authorize(Caller caller, Action action);

  // identify() remembers its peers until they leave the bus; a peer that left in between is not alive.
  [[nodiscard]] bool is_alive(const std::string& bus_name) const {
    return alive_.contains(bus_name) && !bus_->is_lost();
  }
  void gone(const std::string& bus_name) { alive_.erase(bus_name); }

 private:
  asio::awaitable<core::Status> ask_polkit(Caller caller, Action action);

  std::shared_ptr<BusConnection> bus_;
  UnitOfPid unit_of_pid_;
  std::vector<std::uint32_t> writer_uids_;
  std::shared_ptr<sdbus::IProxy> bus_daemon_;
  std::shared_ptr<sdbus::IProxy> polkit_;
  std::set<std::string> alive_;
};

}  // namespace vss::bus
