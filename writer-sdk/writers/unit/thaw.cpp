// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/thaw.hpp"

#include <algorithm>
#include <exception>
#include <ranges>
#include <system_error>
#include <thread>

#include "writer-sdk/writers/unit/control_group.hpp"
#include "writer-sdk/writers/unit/systemd_bus.hpp"

namespace vss::unit {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTellLimit{3};  // for all units together
constexpr std::chrono::seconds kCatchUpLimit{1};
constexpr std::chrono::milliseconds kPause{200};

void append(std::string& text, const std::string& more, const char* between = "; ") {
  if (!text.empty() && !more.empty()) text += between;
  text += more;
}

// Nothing is known of the group while FreezeUnit is not answered.
bool is_answered(const FrozenUnit& unit) { return unit.id != 0; }

bool is_the_one(const FrozenUnit& unit, const ControlGroup& group) {
  return !is_answered(unit) || group.id() == unit.id;
}

std::string thaw_by_kernel(const std::vector<FrozenUnit>& units, const std::filesystem::path& cgroups) {
  std::string failures;
  for (const FrozenUnit& unit : units | std::views::reverse) {
    const ControlGroup group(cgroups, unit.control_group);
    if (!is_the_one(unit, group)) continue;
    if (const std::error_code error = group.thaw())
      append(failures, unit.name + " cannot be thawed: " + error.message());
  }
  return failures;
}

void tell_systemd(const std::vector<FrozenUnit>& units, const std::filesystem::path& cgroups,
                  ServiceManager& manager, const Log& log) {
  const auto end = Clock::now() + kTellLimit;
  for (const FrozenUnit& unit : units | std::views::reverse) {
    if (!is_the_one(unit, ControlGroup(cgroups, unit.control_group))) continue;
    try {
      manager.thaw(unit.name, std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()));
    } catch (const ManagerError& error) {
      log(unit.name + " goes on, but systemd may not show it: " + error.what());
    }
  }
}

std::string not_caught_up(const std::vector<FrozenUnit>& unanswered, const std::string& why) {
  std::string names;
  for (const FrozenUnit& unit : unanswered) append(names, unit.name, ", ");
  return names.empty() ? "" : "systemd may yet freeze " + names + ": " + why;
}

std::vector<FrozenUnit> unanswered_of(const std::vector<FrozenUnit>& units) {
  std::vector<FrozenUnit> unanswered;
  std::ranges::remove_copy_if(units, std::back_inserter(unanswered), &is_answered);
  return unanswered;
}

// A FreezeUnit that was not answered can be carried out after the thaw, and the ThawUnit behind it does
// nothing as long as the kernel has not come to freeze it: only what is written after both holds.
std::string thaw_what_came_late(const std::vector<FrozenUnit>& units, const std::filesystem::path& cgroups,
                                ServiceManager& manager) {
  const std::vector<FrozenUnit> unanswered = unanswered_of(units);
  if (unanswered.empty()) return "";
  try {
    manager.catch_up(kCatchUpLimit);
  } catch (const ManagerError& error) {
    return not_caught_up(unanswered, error.what());
  }
  std::string failures = thaw_by_kernel(unanswered, cgroups);
  for (const FrozenUnit& unit : unanswered) {
    if (ControlGroup(cgroups, unit.control_group).is_told_to_freeze())
      append(failures, unit.name + " was told to freeze again");
  }
  return failures;
}

std::string thaw_once(const std::vector<FrozenUnit>& units, const std::filesystem::path& cgroups,
                      const Log& log) {
  std::string failures = thaw_by_kernel(units, cgroups);
  try {
    SystemdBus systemd;
    return thaw_units(units, cgroups, systemd, log);
  } catch (const ManagerError& error) {
    append(failures, not_caught_up(unanswered_of(units), error.what()));
    if (failures.empty()) log(std::string("the units go on, but systemd may not show it: ") + error.what());
    return failures;
  }
}

// One that was not answered stays: a writer that was only stopped may be about to send its FreezeUnit.
void note_thawed(const Record& record, const std::vector<FrozenUnit>& units, const Log& log) {
  try {
    for (const FrozenUnit& unit : units) {
      if (is_answered(unit)) record.remove(unit);
    }
  } catch (const std::system_error& error) {
    log(error.what());
  }
}

}  // namespace

std::string thaw_units(const std::vector<FrozenUnit>& units, const std::filesystem::path& cgroups,
                       ServiceManager& manager, const Log& log) {
  std::string failures = thaw_by_kernel(units, cgroups);
  tell_systemd(units, cgroups, manager, log);
  append(failures, thaw_what_came_late(units, cgroups, manager));
  return failures;
}

bool thaw_recorded(const Record& record, const std::filesystem::path& cgroups, const Log& log,
                   Clock::time_point end) {
  std::string said;
  for (;;) {
    const std::vector<FrozenUnit> units = record.read();
    if (said.empty()) {
      for (const FrozenUnit& unit : units) log(unit.name + " was left frozen: thawing it");
    }
    const std::string failures = units.empty() ? "" : thaw_once(units, cgroups, log);
    if (failures.empty()) {
      note_thawed(record, units, log);
      return true;
    }
    if (failures != said) log(failures);
    said = failures;
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace vss::unit
