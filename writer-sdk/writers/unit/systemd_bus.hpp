// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// systemd, on the system bus.

#include <systemd/sd-bus.h>

#include <memory>
#include <string>

#include "writer-sdk/writers/unit/service_manager.hpp"

namespace vss::unit {

// Thread rule: one at a time.
class SystemdBus final : public ServiceManager {
 public:
  // Connects to the system bus, DBUS_SYSTEM_BUS_ADDRESS if that is set. Throws ManagerError.
  SystemdBus();

  [[nodiscard]] UnitFacts look(const std::string& unit) override;
  void freeze(const std::string& unit, std::chrono::milliseconds limit) override;
  void thaw(const std::string& unit, std::chrono::milliseconds limit) override;
  void catch_up(std::chrono::milliseconds limit) override;
  [[nodiscard]] std::optional<pid_t> owner_of(const std::string& bus_name) override;

 private:
  struct Close {
    void operator()(sd_bus* bus) const noexcept { sd_bus_close_unref(bus); }
  };
  void call(const char* interface, const char* method, const std::string* unit,
            std::chrono::milliseconds limit);
  [[nodiscard]] std::string property(const std::string& object, const char* interface, const char* name);

  std::unique_ptr<sd_bus, Close> bus_;
};

}  // namespace vss::unit
