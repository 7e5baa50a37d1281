// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/refusals.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "writer-sdk/writers/unit/control_group.hpp"

namespace vss::unit {
namespace {

struct Never {
  std::string_view start;  // of the name; up to the end, or to "@"
  std::string_view why;
};

constexpr std::string_view kBus = "the message bus carries the word to go on";
constexpr std::string_view kStorage = "the volumes cannot be captured without it";
constexpr std::string_view kWriter = "it is a part of vssd";

constexpr std::array<Never, 15> kNever = {{{"dbus", kBus},
                                           {"dbus-broker", kBus},
                                           {"systemd-journald", "everything that logs would wait for it"},
                                           {"auditd", "what the kernel notes down of others can wait for it"},
                                           {"systemd-udevd", kStorage},
                                           {"dm-event", kStorage},
                                           {"lvm2-lvmpolld", kStorage},
                                           {"multipathd", kStorage},
                                           {"iscsid", kStorage},
                                           {"polkit", "vssd and systemd ask it whether they may"},
                                           {"vssd", kWriter},
                                           {"vss-writer-command", kWriter},
                                           {"vss-writer-unit", kWriter},
                                           {"vss-writer-mariadb", kWriter},
                                           {"vss-writer-postgresql", kWriter}}};

}  // namespace

std::optional<std::string> why_never(const std::string& unit) {
  if (unit == "init.scope") return "it is systemd itself";
  if (!unit.ends_with(".service") && !unit.ends_with(".scope"))
    return "only services and scopes can be named; of a slice, name what is in it";
  const std::string name = unit.substr(0, std::min(unit.rfind('.'), unit.find('@')));
  const auto* const found = std::ranges::find(kNever, name, &Never::start);
  if (found == kNever.end()) return std::nullopt;
  return std::string(found->why);
}

std::vector<VitalProcess> vital_processes(ServiceManager& manager) {
  std::vector<VitalProcess> vital;
  const auto add = [&](const char* name, std::optional<pid_t> process) {
    if (!process) return;
    if (const auto group = control_group_of(*process)) vital.push_back({name, *group});
  };
  add("this writer", ::getpid());
  add("vssd", manager.owner_of("org.vssd.Vss1"));
  add("the message bus", manager.owner_of("org.freedesktop.DBus"));
  return vital;
}

std::optional<std::string> why_not(const UnitFacts& unit, const std::vector<VitalProcess>& vital) {
  if (const auto never = why_never(unit.id)) return unit.id + " is never frozen: " + *never;
  if (unit.load_state != "loaded") return "there is no such unit (" + unit.load_state + ")";
  if (unit.active_state != "active" && unit.active_state != "inactive" && unit.active_state != "failed")
    return "it is " + unit.active_state;
  if (unit.control_group.empty()) return std::nullopt;
  for (const VitalProcess& process : vital) {
    if (is_within(process.control_group, unit.control_group)) return process.name + " runs in it";
  }
  return std::nullopt;
}

}  // namespace vss::unit
