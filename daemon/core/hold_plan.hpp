// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The hold plan: in which order the volumes of a set are held, captured and released, and what that
// guarantees.
//
// If every other volume is held at the moment t at which a volume is captured, and each stays held until its
// own capture, all snapshots show the state at t. So at most one member that cannot be held may be in a set,
// it is captured first, while all the others are held, and each volume is released as soon as it is captured.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/guid.hpp"
#include "daemon/core/hold.hpp"
#include "daemon/core/provider.hpp"

namespace vss::core {

// Cut: all snapshots show one instant. PerVolume: each is consistent in itself, no order between them is
// promised.
enum class ConsistencyLevel : std::uint8_t { PerVolume, Cut };

[[nodiscard]] constexpr std::string_view to_string(ConsistencyLevel level) noexcept {
  switch (level) {
    case ConsistencyLevel::PerVolume:
      return "per-volume";
    case ConsistencyLevel::Cut:
      return "cut";
  }
  return "";
}

// One member of the set, as the plan sees it.
struct PlanMember {
  Guid snapshot_id;
  std::string provider;
  Volume volume;
  HoldAbility hold = HoldAbility::Freeze;
  std::string group;  // of the provider: members with an equal, non-empty group are captured by one call
};

struct PlanStep {
  enum class Kind : std::uint8_t { Hold, Capture, Release };
  Kind kind = Kind::Hold;
  std::size_t target = 0;       // Hold, Release: index into HoldPlan::targets
  std::string provider;         // Capture
  std::vector<Guid> snapshots;  // Capture: together, by one call
  bool at_once = false;         // Hold: does not wait for the Hold before it
};

// Lists of paths of volumes. Those of one list show one instant together, those that are together in none do
// not: with no list at all, each shows its own. A cut is one list.
using Instants = std::vector<std::vector<std::string>>;

struct HoldPlan {
  std::vector<HoldTarget> targets;  // one per superblock, in the order in which they are held
  std::vector<PlanStep> steps;
  ConsistencyLevel level = ConsistencyLevel::Cut;
  std::string reason;  // which volumes keep it from being a cut, "" for a cut
  Instants instants;
};

// Pure: depends on its argument only.
[[nodiscard]] HoldPlan make_hold_plan(const std::vector<PlanMember>& members);

}  // namespace vss::core
