// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/hold_plan.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <set>

namespace vss::core {
namespace {

// What is captured by one call, and the superblocks that are held for it.
struct Unit {
  std::vector<const PlanMember*> members;
  HoldAbility hold = HoldAbility::Freeze;
  bool holdable() const { return hold == HoldAbility::Freeze || hold == HoldAbility::Suspend; }

  PlanStep capture() const {
    PlanStep step{.kind = PlanStep::Kind::Capture,
                  .target = 0,
                  .provider = members.front()->provider,
                  .snapshots = {},
                  .at_once = false};
    for (const PlanMember* member : members) step.snapshots.push_back(member->snapshot_id);
    return step;
  }
  bool uses(const std::string& superblock) const {
    return std::ranges::any_of(members,
                               [&](const PlanMember* m) { return m->volume.superblock == superblock; });
  }
  bool stands_on(const std::string& superblock) const {
    return std::ranges::any_of(members, [&](const PlanMember* m) {
      return std::ranges::find(m->volume.depends_on, superblock) != m->volume.depends_on.end();
    });
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> list;
    for (const PlanMember* member : members) list.push_back(member->volume.path);
    return list;
  }
  std::string names() const {
    std::string text;
    for (const PlanMember* member : members) text += (text.empty() ? "" : ", ") + member->volume.path;
    return text;
  }
};

std::vector<Unit> make_units(const std::vector<PlanMember>& members) {
  std::vector<Unit> units;
  for (const PlanMember& member : members) {
    const auto same = std::ranges::find_if(units, [&](const Unit& unit) {
      const PlanMember& first = *unit.members.front();
      return !member.group.empty() && first.group == member.group && first.provider == member.provider;
    });
    if (same == units.end()) {
      units.push_back({{&member}, member.hold});
    } else {
      same->members.push_back(&member);
    }
  }
  return units;
}

// One volume per superblock that is to be held, root last.
std::vector<const PlanMember*> to_be_held(const std::vector<Unit>& units) {
  std::vector<const PlanMember*> members;
  std::set<std::string> seen;
  for (const bool root : {false, true}) {
    for (const Unit& unit : units) {
      if (!unit.holdable()) continue;
      for (const PlanMember* member : unit.members) {
        if (member->volume.is_root == root && seen.insert(member->volume.superblock).second)
          members.push_back(member);
      }
    }
  }
  return members;
}

struct Held {
  const PlanMember* member;
  bool at_once;  // with the one before it
};

// Whatever stands on another comes before it. A freeze waits for everybody who is in the middle of a write,
// and what was held before stands still meanwhile: those of which none stands on another are frozen at the
// same time.
std::vector<Held> order_of_holding(const std::vector<Unit>& units) {
  std::vector<const PlanMember*> waiting = to_be_held(units);
  std::vector<Held> ordered;
  while (!waiting.empty()) {
    const auto has_to_wait = [&](const PlanMember* candidate) {
      return std::ranges::any_of(waiting, [&](const PlanMember* other) {
        const auto& needs = other->volume.depends_on;
        const bool stands_on_it = std::ranges::find(needs, candidate->volume.superblock) != needs.end();
        return other != candidate && (stands_on_it || (candidate->volume.is_root && !other->volume.is_root));
      });
    };
    auto rest = std::stable_partition(waiting.begin(), waiting.end(), std::not_fn(has_to_wait));
    if (rest == waiting.begin()) ++rest;  // a cycle cannot be mounted; any order is as good
    const auto suspended = std::stable_partition(
        waiting.begin(), rest, [](const PlanMember* member) { return member->hold == HoldAbility::Freeze; });
    for (auto next = waiting.begin(); next != rest; ++next)
      ordered.push_back({*next, next != waiting.begin() && next < suspended});
    waiting.erase(waiting.begin(), rest);
  }
  return ordered;
}

// Captures that cannot be part of the common instant, and why. A filesystem that cannot be held and stands on
// one that can would block on it: it is captured before anything is held.
struct Unholdable {
  std::vector<const Unit*> before_holding;
  std::vector<const Unit*> while_held;
  std::string reason;
};

Unholdable sort_unholdable(const std::vector<Unit>& units, const std::vector<Held>& held) {
  Unholdable result;
  for (const Unit& unit : units) {
    if (unit.hold != HoldAbility::Impossible) continue;
    const auto blocker = std::ranges::find_if(
        held, [&](const Held& below) { return unit.stands_on(below.member->volume.superblock); });
    if (blocker != held.end()) {
      result.before_holding.push_back(&unit);
      result.reason = unit.names() + " cannot be held and stands on " + blocker->member->volume.path;
    } else {
      result.while_held.push_back(&unit);
    }
  }
  if (result.before_holding.empty() && result.while_held.size() > 1) {
    result.reason = "filesystems that cannot be held:";
    for (const Unit* unit : result.while_held) {
      result.reason += (unit == result.while_held.front() ? " " : "; ") + unit->names();
    }
  }
  return result;
}

// While all that can be held is held, one filesystem that cannot be shows the same instant, and a second one
// another.
Instants instants_of(const std::vector<Unit>& units, const Unholdable& unholdable) {
  std::vector<std::string> held;
  for (const Unit& unit : units) {
    if (unit.hold != HoldAbility::Impossible) std::ranges::copy(unit.paths(), std::back_inserter(held));
  }
  Instants instants;
  for (const Unit* unit : unholdable.while_held) {
    instants.push_back(held);
    std::ranges::copy(unit->paths(), std::back_inserter(instants.back()));
  }
  if (instants.empty() && !held.empty()) instants.push_back(held);
  for (const Unit* unit : unholdable.before_holding) instants.push_back(unit->paths());
  return instants;
}

HoldTarget target_for(const PlanMember& member) {
  return {.ability = member.hold,
          .mount_point = member.volume.mount_point,
          .superblock = member.volume.superblock};
}

}  // namespace

HoldPlan make_hold_plan(const std::vector<PlanMember>& members) {
  const std::vector<Unit> units = make_units(members);
  const std::vector<Held> held = order_of_holding(units);
  const Unholdable unholdable = sort_unholdable(units, held);

  HoldPlan plan;
  plan.reason = unholdable.reason;
  plan.level = plan.reason.empty() ? ConsistencyLevel::Cut : ConsistencyLevel::PerVolume;
  plan.instants = instants_of(units, unholdable);
  for (const Unit* unit : unholdable.before_holding) plan.steps.push_back(unit->capture());
  for (const auto& [member, at_once] : held) {
    plan.steps.push_back({PlanStep::Kind::Hold, plan.targets.size(), {}, {}, at_once});
    plan.targets.push_back(target_for(*member));
  }
  for (const Unit* unit : unholdable.while_held) plan.steps.push_back(unit->capture());
  for (const Unit& unit : units) {
    if (unit.hold == HoldAbility::NotNeeded) plan.steps.push_back(unit.capture());
  }

  // Reverse order: what others stand on was held last. It is captured and released first, because the capture
  // of those others may have to write to it.
  std::vector<const Unit*> to_capture;
  for (const Unit& unit : units) {
    if (unit.holdable()) to_capture.push_back(&unit);
  }
  for (std::size_t i = held.size(); i-- > 0;) {
    const std::string& superblock = held[i].member->volume.superblock;
    std::erase_if(to_capture, [&](const Unit* unit) {
      if (!unit->uses(superblock)) return false;
      plan.steps.push_back(unit->capture());
      return true;
    });
    plan.steps.push_back({PlanStep::Kind::Release, i, {}, {}, false});
  }
  return plan;
}

}  // namespace vss::core
