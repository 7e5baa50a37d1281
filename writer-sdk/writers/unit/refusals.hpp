// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Units that must not stand still, as then nobody could let them go on.

#include <optional>
#include <string>
#include <vector>

#include "writer-sdk/writers/unit/service_manager.hpp"

namespace vss::unit {

// Why a unit of this name is never frozen, or nothing.
[[nodiscard]] std::optional<std::string> why_never(const std::string& unit);

struct VitalProcess {
  std::string name;
  std::string control_group;
};
// This process, vssd, and the bus. Throws ManagerError.
[[nodiscard]] std::vector<VitalProcess> vital_processes(ServiceManager& manager);

// Why a unit that was named cannot be frozen now, or nothing; one that is not active is no fault.
[[nodiscard]] std::optional<std::string> why_not(const UnitFacts& unit,
                                                 const std::vector<VitalProcess>& vital);

}  // namespace vss::unit
