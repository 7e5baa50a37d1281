// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/unit_freezer.hpp"

#include <exception>
#include <system_error>

#include "writer-sdk/writers/unit/control_group.hpp"

namespace vss::unit {
namespace {

// An exception of another kind means the same here.
template <typename Function>
auto naming(const std::string& unit, Function&& function) {
  try {
    return function();
  } catch (const std::exception& error) {
    throw FreezeError(unit + " cannot be frozen: " + error.what());
  }
}

}  // namespace

UnitFreezer::Found UnitFreezer::find(const std::string& unit, ServiceManager& manager,
                                     const std::vector<VitalProcess>& vital) const {
  const UnitFacts facts = manager.look(unit);
  if (const auto fault = why_not(facts, vital)) throw FreezeError(*fault);
  Found nothing{std::nullopt, facts.started};
  if (facts.control_group.empty()) return nothing;
  const ControlGroup group(cgroups_, facts.control_group);
  if (facts.active_state != "active") {
    // KillMode=process and none leave some.
    if (group.is_populated()) throw FreezeError("it is " + facts.active_state + " with processes left");
    return nothing;
  }
  if (group.id() == 0) throw FreezeError("it has no control group");
  if (group.is_told_to_freeze() || group.is_frozen())
    throw FreezeError("somebody else has frozen it, or a slice above it, already");
  return {FrozenUnit{facts.id, facts.control_group, group.id()}, facts.started};
}

void UnitFreezer::check(ServiceManager& manager) const {
  const std::vector<VitalProcess> vital = vital_processes(manager);
  for (const std::string& unit : units_) (void)naming(unit, [&] { return find(unit, manager, vital); });
}

void UnitFreezer::freeze_one(const FrozenUnit& unit, ServiceManager& manager,
                             std::chrono::milliseconds limit) {
  // From here on it is ours, whatever becomes of the call and of us, and whichever group it is in by then.
  frozen_.push_back({unit.name, unit.control_group, 0});
  record_.add(frozen_.back());
  manager.freeze(unit.name, limit);
  const ControlGroup group(cgroups_, unit.control_group);
  frozen_.back().id = group.id();
  record_.add(frozen_.back());
  if (frozen_.back().id != unit.id) throw FreezeError("it was started anew, or ended, meanwhile");
  if (!group.is_frozen()) throw FreezeError("its processes do not stand still");
}

void UnitFreezer::freeze(ServiceManager& manager, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  try {
    const std::vector<VitalProcess> vital = vital_processes(manager);
    record_.begin();
    left_alone_.clear();
    for (const std::string& unit : units_) {
      naming(unit, [&] {
        const auto found = find(unit, manager, vital);
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left <= left.zero()) throw FreezeError("the time for it is up");
        if (found.unit) {
          freeze_one(*found.unit, manager, left);
        } else {
          left_alone_.push_back({unit, found.started});
          log_(unit + " is not active, and left alone");
        }
      });
    }
  } catch (const std::exception& error) {
    const std::string failures = thaw(manager);
    throw FreezeError(error.what() + (failures.empty() ? "" : "; " + failures));
  }
}

std::string UnitFreezer::disturbed() const {
  std::string names;
  for (const FrozenUnit& unit : frozen_) {
    const ControlGroup group(cgroups_, unit.control_group);
    if (group.id() != unit.id || !group.is_told_to_freeze()) names += (names.empty() ? "" : ", ") + unit.name;
  }
  return names;
}

std::string UnitFreezer::started_since(ServiceManager& manager) const {
  std::string names;
  for (const LeftAlone& unit : left_alone_) {
    const std::uint64_t started = manager.look(unit.name).started;
    // 0: systemd has forgotten a unit that ended, and was not started since.
    if (started != unit.started && started != 0) names += (names.empty() ? "" : ", ") + unit.name;
  }
  return names;
}

std::string UnitFreezer::thaw(ServiceManager& manager) {
  std::string failures = thaw_units(frozen_, cgroups_, manager, log_);
  if (!failures.empty()) return failures;
  frozen_.clear();
  try {
    record_.clear();
  } catch (const std::system_error& error) {
    log_(error.what());
  }
  return failures;
}

std::string UnitFreezer::thaw_again(ServiceManager& manager) {
  frozen_ = record_.read();
  return thaw(manager);
}

}  // namespace vss::unit
