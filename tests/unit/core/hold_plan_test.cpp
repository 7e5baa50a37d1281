// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/hold_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace vss::core {
namespace {

struct Spec {
  std::string name;
  HoldAbility hold = HoldAbility::Freeze;
  std::vector<std::string> stands_on = {};
  std::string group = {};
  bool root = false;
};

// The plan as text: "+a" hold, "+a+b" at once, "=a" capture, "-a" release; members captured together are
// joined by '&'.
class PlanText {
 public:
  explicit PlanText(const std::vector<Spec>& specs) {
    std::vector<PlanMember> members;
    std::map<Guid, std::string> names;
    for (const Spec& spec : specs) {
      PlanMember member;
      member.snapshot_id = Guid::random();
      member.provider = spec.group.empty() ? "image" : "btrfs";
      member.volume.path = "/" + spec.name;
      member.volume.mount_point = "/" + spec.name;
      member.volume.superblock = spec.group.empty() ? spec.name : spec.group;
      member.volume.is_root = spec.root;
      member.volume.depends_on = spec.stands_on;
      member.hold = spec.hold;
      member.group = spec.group;
      names[member.snapshot_id] = spec.name;
      members.push_back(member);
    }
    plan = make_hold_plan(members);
    for (const PlanStep& step : plan.steps) {
      if (!text.empty() && !step.at_once) text += ' ';
      switch (step.kind) {
        case PlanStep::Kind::Hold:
          text += "+" + plan.targets[step.target].superblock;
          break;
        case PlanStep::Kind::Release:
          text += "-" + plan.targets[step.target].superblock;
          break;
        case PlanStep::Kind::Capture:
          for (const Guid id : step.snapshots) text += (id == step.snapshots.front() ? "=" : "&") + names[id];
          break;
      }
    }
  }
  HoldPlan plan;
  std::string text;
};

struct PlanCase {
  std::string rule;
  std::vector<Spec> volumes;
  std::string steps;
  ConsistencyLevel level;
  std::string reason_names;
};

class HoldPlanRules : public testing::TestWithParam<PlanCase> {};

TEST_P(HoldPlanRules, GiveTheseStepsAndThisLevel) {
  const PlanCase& rule = GetParam();
  const PlanText plan(rule.volumes);
  EXPECT_EQ(plan.text, rule.steps) << rule.rule;
  EXPECT_EQ(plan.plan.level, rule.level) << rule.rule;
  EXPECT_EQ(plan.plan.reason.empty(), rule.reason_names.empty()) << plan.plan.reason;
  EXPECT_THAT(plan.plan.reason, testing::HasSubstr(rule.reason_names));
  EXPECT_EQ(plan.plan.instants.size() <= 1, rule.level == ConsistencyLevel::Cut) << rule.rule;
}

constexpr auto kImpossible = HoldAbility::Impossible;
constexpr auto kFreeze = HoldAbility::Freeze;
constexpr auto kCut = ConsistencyLevel::Cut;
constexpr auto kPerVolume = ConsistencyLevel::PerVolume;

INSTANTIATE_TEST_SUITE_P(
    Table, HoldPlanRules,
    testing::Values(
        PlanCase{"an empty set is trivially one instant", {}, "", kCut, ""},
        PlanCase{"one volume is released as soon as it is captured", {{"a"}}, "+a =a -a", kCut, ""},
        PlanCase{"all are held before the first is captured", {{"a"}, {"b"}}, "+a+b =b -b =a -a", kCut, ""},
        PlanCase{"what cannot be held is captured first, while all others are held",
                 {{"s", kImpossible, {}, "fs"}, {"a"}, {"b"}},
                 "+a+b =s =b -b =a -a",
                 kCut,
                 ""},
        PlanCase{"subvolumes of one filesystem are one unit",
                 {{"s1", kImpossible, {}, "fs"}, {"a"}, {"s2", kImpossible, {}, "fs"}},
                 "+a =s1&s2 =a -a",
                 kCut,
                 ""},
        PlanCase{"two that cannot be held are no cut, and are named",
                 {{"s", kImpossible, {}, "fs1"}, {"t", kImpossible, {}, "fs2"}, {"a"}},
                 "+a =s =t =a -a",
                 kPerVolume,
                 "/s; /t"},
        PlanCase{"what stands on another is held before it and captured after it",
                 {{"outer"}, {"inner", kFreeze, {"outer"}, ""}},
                 "+inner +outer =outer -outer =inner -inner",
                 kCut,
                 ""},
        PlanCase{"what stands on the same other one is held at once, that one afterwards",
                 {{"a", kFreeze, {"outer"}, ""}, {"outer"}, {"b", kFreeze, {"outer"}, ""}},
                 "+a+b +outer =outer -outer =b -b =a -a",
                 kCut,
                 ""},
        PlanCase{"as many at once as there can be, whatever the order of the request",
                 {{"srv"}, {"db", kFreeze, {"srv"}, ""}, {"var"}, {"pg", kFreeze, {"var"}, ""}},
                 "+db+pg +srv+var =var -var =srv -srv =pg -pg =db -db",
                 kCut,
                 ""},
        PlanCase{"a device that is suspended is held by itself",
                 {{"a"}, {"b", HoldAbility::Suspend}, {"c"}},
                 "+a+c +b =b -b =c -c =a -a",
                 kCut,
                 ""},
        PlanCase{"the order of the request does not matter for that",
                 {{"inner", kFreeze, {"outer"}, ""}, {"outer"}},
                 "+inner +outer =outer -outer =inner -inner",
                 kCut,
                 ""},
        PlanCase{"root is held last",
                 {{"root", kFreeze, {}, "", true}, {"a"}},
                 "+a +root =root -root =a -a",
                 kCut,
                 ""},
        PlanCase{"an image on a btrfs of the set is held while the btrfs is captured",
                 {{"s", kImpossible, {}, "fs"}, {"image", kFreeze, {"fs"}, ""}},
                 "+image =s =image -image",
                 kCut,
                 ""},
        PlanCase{"an unholdable one on a held one would block: it comes before the hold and spoils the cut",
                 {{"s", kImpossible, {"outer"}, "fs"}, {"outer"}},
                 "=s +outer =outer -outer",
                 kPerVolume,
                 "/s cannot be held and stands on /outer"},
        PlanCase{"what needs no hold does no harm",
                 {{"f", HoldAbility::NotNeeded, {}, ""}, {"s", kImpossible, {}, "fs"}},
                 "=s =f",
                 kCut,
                 ""},
        PlanCase{"a chain of three",
                 {{"b", kFreeze, {"c"}, ""}, {"a", kFreeze, {"b", "c"}, ""}, {"c"}},
                 "+a +b +c =c -c =b -b =a -a",
                 kCut,
                 ""}));

TEST(HoldPlan, VolumesOfOneInstantAreListedTogether) {
  const Spec s{"s", kImpossible, {}, "fs1"};
  const Spec t{"t", kImpossible, {}, "fs2"};
  const Spec on_a{"on-a", kImpossible, {"a"}, "fs3"};
  const std::pair<std::vector<Spec>, Instants> cases[] = {
      {{}, {}},
      {{{"a"}, {"b"}}, {{"/a", "/b"}}},
      {{s, {"a"}, {"b"}}, {{"/a", "/b", "/s"}}},
      {{s, t, {"a"}}, {{"/a", "/s"}, {"/a", "/t"}}},
      {{s, t}, {{"/s"}, {"/t"}}},
      {{on_a, {"a"}}, {{"/a"}, {"/on-a"}}},
      {{on_a, {"a"}, s}, {{"/a", "/s"}, {"/on-a"}}},
  };
  for (const auto& [volumes, instants] : cases) EXPECT_EQ(PlanText(volumes).plan.instants, instants);
}

TEST(HoldPlan, ACycleOfDependenciesStillEnds) {
  const PlanText plan({{"a", kFreeze, {"b"}, ""}, {"b", kFreeze, {"a"}, ""}});
  EXPECT_EQ(plan.plan.targets.size(), 2U);
  EXPECT_EQ(plan.plan.steps.size(), 6U);
}

TEST(HoldPlan, EveryHeldTargetIsReleasedExactlyOnceAfterItsCapture) {
  std::vector<Spec> specs;
  for (int i = 0; i < 64; ++i) specs.push_back({"v" + std::to_string(i)});
  const PlanText plan(specs);
  std::map<std::size_t, int> held;
  for (const PlanStep& step : plan.plan.steps) {
    if (step.kind == PlanStep::Kind::Hold) ++held[step.target];
    if (step.kind == PlanStep::Kind::Release) {
      EXPECT_EQ(--held[step.target], 0);
    }
  }
  EXPECT_EQ(held.size(), 64U);
}

}  // namespace
}  // namespace vss::core
