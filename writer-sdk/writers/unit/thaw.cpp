// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/thaw.hpp"

#include <algorithm>
#include <exception>
#include <ranges>

#include "writer-sdk/writers/unit/control_group.hpp"
#include "writer-sdk/writers/unit/systemd_bus.hpp"

namespace vss::unit {
namespace {

// For all units together.
constexpr std::chrono::seconds kTellLimit{3};

}  // namespace

std::string thaw_by_kernel(const std::vector<FrozenUnit>& units, const std::filesystem::path& cgroups) {
  std::string failures;
  for (const FrozenUnit& unit : units | std::views::reverse) {
    const ControlGroup group(cgroups, unit.control_group);
    if (group.id() != unit.id) continue;
    if (const std::error_code error = group.thaw())
      failures += (failures.empty() ? "" : "; ") + unit.name + " cannot be thawed: " + error.message();
  }
  return failures;
}

void tell_systemd(const std::vector<FrozenUnit>& units, const std::filesystem::path& cgroups,
                  ServiceManager& manager, const Log& log) {
  const auto end = std::chrono::steady_clock::now() + kTellLimit;
  for (const FrozenUnit& unit : units | std::views::reverse) {
    if (ControlGroup(cgroups, unit.control_group).id() != unit.id) continue;
    try {
      manager.thaw(unit.name,
                   std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()));
    } catch (const ManagerError& error) {
      log(unit.name + " goes on, but systemd may not show it: " + error.what());
    }
  }
}

bool thaw_recorded(const Record& record, const std::filesystem::path& cgroups, const Log& log) {
  const std::vector<FrozenUnit> units = record.read();
  for (const FrozenUnit& unit : units) log(unit.name + " was left frozen: thawing it");
  const std::string failures = thaw_by_kernel(units, cgroups);
  if (!failures.empty()) log(failures);
  if (units.empty()) return true;
  try {
    SystemdBus systemd;
    tell_systemd(units, cgroups, systemd, log);
  } catch (const ManagerError& error) {
    log(std::string("the units go on, but systemd may not show it: ") + error.what());
  }
  return failures.empty();
}

}  // namespace vss::unit
