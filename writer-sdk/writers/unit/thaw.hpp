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

// Lets them go on, the last one first, and says what failed, "" if nothing. By the kernel itself: it needs no
// bus and no systemd, and one that fails does not keep the others from it. A group that is another one by now
// is left alone. Then systemd is told, so that it shows them as what they are; what fails of that is only
// logged, unless it may yet carry out a FreezeUnit that it has not answered.
[[nodiscard]] std::string thaw_units(const std::vector<FrozenUnit>& units,
                                     const std::filesystem::path& cgroups, ServiceManager& manager,
                                     const Log& log);

// What a dead writer has left; what fails is tried again until `end`. Logs what it does; false if a unit may
// stand still yet. Throws std::system_error.
[[nodiscard]] bool thaw_recorded(const Record& record, const std::filesystem::path& cgroups, const Log& log,
                                 std::chrono::steady_clock::time_point end);

}  // namespace vss::unit
