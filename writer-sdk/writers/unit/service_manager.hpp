// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What the writer asks of systemd.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace vss::unit {

struct UnitFacts {
  std::string id;             // its name, where it was asked for by an alias
  std::string load_state;     // "loaded", "not-found", ...
  std::string active_state;   // "active", "inactive", ...
  std::string control_group;  // "" if it has none, and so no process
  std::uint64_t started = 0;  // when it was last, by the clock of systemd; 0 if it was not, as it knows
};

// What systemd answered, or why it did not.
struct ManagerError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// All of them throw ManagerError, when the limit has passed too.
class ServiceManager {
 public:
  ServiceManager() = default;
  virtual ~ServiceManager() = default;
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  [[nodiscard]] virtual UnitFacts look(const std::string& unit) = 0;
  // Returns when all its processes stand still.
  virtual void freeze(const std::string& unit, std::chrono::milliseconds limit) = 0;
  virtual void thaw(const std::string& unit, std::chrono::milliseconds limit) = 0;
  // Returns when it has done what it was asked before, by whomever.
  virtual void catch_up(std::chrono::milliseconds limit) = 0;
  // The process that owns a name on the bus; nothing if nobody does.
  [[nodiscard]] virtual std::optional<pid_t> owner_of(const std::string& bus_name) = 0;
};

}  // namespace vss::unit
