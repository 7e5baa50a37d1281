// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// How what stands still goes on, whoever sees to it: the writer, its guard, or who comes after both.

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "writer-sdk/writers/unit/record.hpp"
#include "writer-sdk/writers/unit/service_manager.hpp"

namespace vss::unit {

using Log = std::function<void(const std::string&)>;

// Lets them go on, the last one first, by the kernel itself: it needs no bus and no systemd, and one that
// fails does not keep the others from it. A group that is another one by now is left alone. What failed, ""
// if nothing.
[[nodiscard]] std::string thaw_by_kernel(const std::vector<FrozenUnit>& units,
                                         const std::filesystem::path& cgroups);

// So that systemd shows them as what they are. They go on already: what fails is only logged.
void tell_systemd(const std::vector<FrozenUnit>& units, const std::filesystem::path& cgroups,
                  ServiceManager& manager, const Log& log);

// What a dead writer has left. Logs what it does; false if a unit may stand still yet, and the record is
// kept.
[[nodiscard]] bool thaw_recorded(const Record& record, const std::filesystem::path& cgroups, const Log& log);

}  // namespace vss::unit
