// SPDX-License-Identifier: LGPL-2.1-or-later
// Sets that are broken: vssd forgets them, their volumes live on, whatever happens in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/fakes.hpp"
#include "tests/unit/core/persistent_set.hpp"

namespace vss::core {
namespace {

using fakes::Behaviour;
using fakes::World;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class SnapshotBreak : public fakes::PersistentSet {
 protected:
  Result<std::vector<BrokenVolume>> break_set(bool writable = false) {
    return world.await(world.coordinator.breaker().break_set(set, writable));
  }
};

TEST_F(SnapshotBreak, ABrokenSetIsForgottenAndItsVolumesStay) {
  make_set();
  const auto volumes = break_set(true);
  ASSERT_TRUE(volumes) << volumes.error().message;
  ASSERT_THAT(*volumes, SizeIs(2));
  EXPECT_EQ(volumes->at(0).snapshot_id, snapshots[0]);
  EXPECT_EQ(volumes->at(0).volume, "/a");
  EXPECT_EQ(volumes->at(0).provider, "fake");
  EXPECT_EQ(volumes->at(0).where.location, "/broken/a");
  EXPECT_EQ(volumes->at(0).where.device, "/dev/broken");
  EXPECT_THAT(world.trace, Contains("provider break_snapshot rw").Times(2));
  EXPECT_THAT(world.trace, Not(Contains("provider remove")));
  EXPECT_THAT(world.mounter.mounted, IsEmpty());
  EXPECT_THAT(world.catalogue.records, IsEmpty());
  EXPECT_EQ(world.coordinator.store().find(set), nullptr);
  EXPECT_THAT(world.provider.broken, SizeIs(2));
  EXPECT_EQ(break_set().error().code, ErrorCode::ObjectNotFound);
}

TEST_F(SnapshotBreak, AVolumeStaysReadOnlyUnlessItIsToBeWritable) {
  make_set();
  ASSERT_TRUE(break_set());
  EXPECT_THAT(world.trace, Contains("provider break_snapshot ro").Times(2));
}

TEST_F(SnapshotBreak, ASetThatASessionUsesIsNotBroken) {
  make_set(Release::No);
  EXPECT_EQ(break_set().error().code, ErrorCode::VolumeInUse);
  EXPECT_EQ(world.catalogue.records.at(set).state, SetState::Created);
  EXPECT_THAT(world.provider.broken, IsEmpty());
}

TEST_F(SnapshotBreak, ASetThatIsNotWholeIsNotBroken) {
  make_set();
  world.provider.existing.erase(snapshots[1]);
  const auto broken = break_set();
  EXPECT_EQ(broken.error().code, ErrorCode::ObjectNotFound);
  EXPECT_THAT(broken.error().message, HasSubstr(snapshots[1].str()));
  EXPECT_THAT(world.provider.broken, IsEmpty());
  EXPECT_EQ(world.catalogue.records.at(set).state, SetState::Created);
}

TEST_F(SnapshotBreak, ARefusalBeforeTheFirstVolumeLeavesTheSetAsItWas) {
  make_set();
  world.provider.script["break_snapshot ro"].kind = Behaviour::Kind::Fail;
  EXPECT_EQ(break_set().error().code, ErrorCode::ProviderVeto);
  EXPECT_EQ(world.catalogue.records.at(set).state, SetState::Created);
  EXPECT_THAT(world.coordinator.store().list({}), SizeIs(1));
  run_until([&] { return world.mounter.mounted.size() == 2; });
  world.provider.script.clear();
  EXPECT_TRUE(break_set());
}

TEST_F(SnapshotBreak, WhatCannotBeRecordedIsNotBegun) {
  make_set();
  world.catalogue.full = true;
  EXPECT_EQ(break_set().error().code, ErrorCode::InsufficientStorage);
  EXPECT_THAT(world.provider.broken, IsEmpty());
  world.catalogue.full = false;
  EXPECT_TRUE(break_set());
}

TEST_F(SnapshotBreak, AfterTheFirstVolumeTheRestFollowsAndNothingIsEverDeleted) {
  make_set();
  world.provider.break_fails_after = 1;
  const auto broken = break_set();
  ASSERT_EQ(broken.error().code, ErrorCode::ProviderVeto);
  EXPECT_THAT(broken.error().message, HasSubstr("1 of 2 volumes are broken away, the rest follows"));
  const SetRecord& record = world.catalogue.records.at(set);
  EXPECT_EQ(record.state, SetState::Breaking);
  EXPECT_TRUE(record.snapshots[0].broken);
  EXPECT_EQ(record.snapshots[0].path, "/broken/a");
  EXPECT_FALSE(record.snapshots[1].broken);

  SnapshotStore& store = world.coordinator.store();
  EXPECT_THAT(store.list({}), IsEmpty());
  EXPECT_EQ(world.await(store.collect_garbage())->deleted, 0U);
  EXPECT_EQ(world.await(store.remove_set(set, true)).error().code, ErrorCode::VolumeInUse);
  EXPECT_EQ(world.await(store.remove_snapshot(snapshots[0], true)).error().code, ErrorCode::VolumeInUse);
  EXPECT_EQ(world.await(store.remove_all(true))->deleted, 0U);
  EXPECT_EQ(break_set().error().code, ErrorCode::VolumeInUse) << "it is at work";
  EXPECT_THAT(world.trace, Not(Contains("provider remove")));

  world.provider.break_fails_after = SIZE_MAX;
  run_until([&] { return world.catalogue.records.empty(); });
  EXPECT_THAT(world.provider.broken, SizeIs(2));
}

TEST_F(SnapshotBreak, TheNextRunFinishesWhatWasBegunAndCollectsNoneOfIt) {
  make_set();
  // Killed after the provider was done with the first and before that was noted.
  SetRecord record = world.catalogue.records.at(set);
  record.state = SetState::Breaking;
  record.break_writable = true;
  world.provider.broken.insert(snapshots[0]);
  world.provider.existing.erase(snapshots[0]);

  World next;
  next.catalogue.records[set] = record;
  next.provider.broken = world.provider.broken;
  next.provider.existing = world.provider.existing;
  ASSERT_TRUE(next.await(next.coordinator.start()));
  fakes::run_until(next, [&] { return next.catalogue.records.empty(); });
  EXPECT_THAT(next.provider.broken, SizeIs(2));
  EXPECT_THAT(next.trace, Contains("provider break_snapshot rw").Times(2));
  EXPECT_THAT(next.trace, Not(Contains("provider remove")));
}

TEST_F(SnapshotBreak, WhatIsGoneByThenIsForgotten) {
  make_set();
  SetRecord record = world.catalogue.records.at(set);
  record.state = SetState::Breaking;
  record.snapshots[0].broken = true;
  World next;
  next.catalogue.records[set] = record;
  ASSERT_TRUE(next.await(next.coordinator.start()));
  fakes::run_until(next, [&] { return next.catalogue.records.empty(); });
  EXPECT_THAT(next.trace, Contains("provider break_snapshot ro").Times(1));
}

}  // namespace
}  // namespace vss::core
