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

std::optional<FrozenUnit> UnitFreezer::find(const std::string& unit, ServiceManager& manager,
                                            const std::vector<VitalProcess>& vital) const {
  const UnitFacts facts = manager.look(unit);
  if (const auto fault = why_not(facts, vital)) throw FreezeError(*fault);
  if (facts.active_state != "active" || facts.control_group.empty()) return std::nullopt;
  const ControlGroup group(cgroups_, facts.control_group);
  if (group.is_told_to_freeze() || group.is_frozen())
    throw FreezeError("somebody else has frozen it, or a slice above it, already");
  return FrozenUnit{facts.id, facts.control_group, group.id()};
}

void UnitFreezer::check(ServiceManager& manager) const {
  const std::vector<VitalProcess> vital = vital_processes(manager);
  for (const std::string& unit : units_) (void)naming(unit, [&] { return find(unit, manager, vital); });
}

void UnitFreezer::freeze_one(const FrozenUnit& unit, ServiceManager& manager,
                             std::chrono::milliseconds limit) {
  // From here on it is ours, whatever becomes of the call and of us.
  record_.add(unit);
  frozen_.push_back(unit);
  manager.freeze(unit.name, limit);
  if (!ControlGroup(cgroups_, unit.control_group).is_frozen())
    throw FreezeError("its processes do not stand still");
}

void UnitFreezer::freeze(ServiceManager& manager, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  try {
    const std::vector<VitalProcess> vital = vital_processes(manager);
    record_.begin();
    for (const std::string& unit : units_) {
      naming(unit, [&] {
        const auto found = find(unit, manager, vital);
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left <= left.zero()) throw FreezeError("the time for it is up");
        if (found) {
          freeze_one(*found, manager, left);
        } else {
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

std::string UnitFreezer::thaw(ServiceManager& manager) {
  std::string failures = thaw_by_kernel(frozen_, cgroups_);
  tell_systemd(frozen_, cgroups_, manager, log_);
  if (!failures.empty()) return failures;
  frozen_.clear();
  try {
    record_.clear();
  } catch (const std::system_error& error) {
    log_(error.what());
  }
  return failures;
}

}  // namespace vss::unit
