// SPDX-License-Identifier: LGPL-2.1-or-later
// Volumes that are reverted, and where snapshots are stored.
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
using testing::Not;
using testing::SizeIs;

class SnapshotRevert : public fakes::PersistentSet {
 protected:
  Result<RevertReport> revert(bool force = false) {
    return world.await(world.coordinator.reverter().revert(snapshots[0], force));
  }
  Result<RevertReport> status(const std::string& path = "/a") {
    return world.await(world.coordinator.reverter().status(path));
  }
  [[nodiscard]] std::size_t listed() {
    const auto sets = world.coordinator.store().list({});
    return sets.empty() ? 0 : sets.front().snapshots.size();
  }
};

TEST_F(SnapshotRevert, TheSnapshotIsUnmountedMeanwhileAndMountedAgain) {
  make_set();
  const auto reverted = revert();
  ASSERT_TRUE(reverted) << reverted.error().message;
  EXPECT_EQ(reverted->volume, "/a");
  EXPECT_EQ(reverted->provider, "fake");
  EXPECT_EQ(reverted->status.state, RevertState::Done);
  EXPECT_THAT(world.trace, Contains("provider revert"));
  run_until([&] { return world.mounter.mounted.size() == 2; });
  EXPECT_EQ(listed(), 2U);
  EXPECT_FALSE(world.catalogue.records.at(set).snapshots[0].reverting);
  EXPECT_EQ(status()->status.state, RevertState::Done) << "of the run that began it";
  EXPECT_EQ(status("/b")->status.state, RevertState::None);
  EXPECT_EQ(status("/b")->provider, "");
}

TEST_F(SnapshotRevert, ASnapshotThatIsUsedUpIsForgotten) {
  make_set();
  world.provider.revert_uses_up = true;
  world.provider.revert_answer = {RevertState::PendingReboot, -1, "at the next activation"};
  const auto reverted = revert(true);
  ASSERT_TRUE(reverted) << reverted.error().message;
  EXPECT_THAT(world.trace, Contains("provider revert force"));
  EXPECT_EQ(listed(), 1U);
  EXPECT_THAT(world.catalogue.records.at(set).snapshots, SizeIs(1));
  EXPECT_THAT(world.trace, Not(Contains("provider remove")));
  world.provider.revert_state = {RevertState::PendingReboot, -1, "at the next activation"};
  EXPECT_EQ(status()->status.state, RevertState::PendingReboot);
  EXPECT_EQ(status()->status.message, "at the next activation");
}

TEST_F(SnapshotRevert, OnlyRollbackContextsAreReverted) {
  session = world.session();
  ASSERT_TRUE(session->set_context("file-share-backup"));
  ASSERT_TRUE(world.await(session->start_snapshot_set()));
  snapshots.push_back(*world.await(session->add_to_snapshot_set("/a", "")));
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  EXPECT_EQ(revert(true).error().code, ErrorCode::UnsupportedContext);
}

TEST_F(SnapshotRevert, WhatIsNotThereIsNotFound) {
  snapshots.push_back(Guid::random());
  EXPECT_EQ(revert().error().code, ErrorCode::ObjectNotFound);
  snapshots.clear();
  make_set();
  world.provider.existing.clear();
  EXPECT_EQ(revert().error().code, ErrorCode::ObjectNotFound);
  EXPECT_THAT(world.trace, Not(Contains("provider revert")));
}

TEST_F(SnapshotRevert, ASetThatASessionUsesIsNotRevertedTo) {
  make_set(Release::No);
  EXPECT_EQ(revert(true).error().code, ErrorCode::VolumeInUse);
}

TEST_F(SnapshotRevert, AVolumeOfASetThatIsBeingCreatedIsNotReverted) {
  make_set();
  SetRecord creating = world.catalogue.records.at(set);
  creating.set_id = Guid::random();
  for (SnapshotRecord& snapshot : creating.snapshots) snapshot.snapshot_id = Guid::random();
  creating.state = SetState::Creating;
  ASSERT_TRUE(world.await(world.coordinator.store().put(creating)));
  EXPECT_EQ(revert(true).error().code, ErrorCode::VolumeInUse);
}

TEST_F(SnapshotRevert, OneThatIsUnderWayIsNotBegunAgain) {
  make_set();
  for (const RevertState state : {RevertState::Running, RevertState::PendingReboot}) {
    world.provider.revert_state = {state, -1, "not mounted again"};
    const auto refused = revert(true);
    EXPECT_EQ(refused.error().code, ErrorCode::RevertInProgress);
    EXPECT_THAT(refused.error().message, HasSubstr("not mounted again"));
  }
  EXPECT_THAT(world.trace, Not(Contains("provider revert force")));
}

TEST_F(SnapshotRevert, ARefusalLeavesTheSnapshotAsItWas) {
  make_set();
  world.provider.script["revert"].kind = Behaviour::Kind::Fail;
  EXPECT_EQ(revert().error().code, ErrorCode::ProviderVeto);
  EXPECT_FALSE(world.catalogue.records.at(set).snapshots[0].reverting);
  run_until([&] { return world.mounter.mounted.size() == 2; });
  EXPECT_EQ(status()->status.state, RevertState::None);
}

TEST_F(SnapshotRevert, WhatCannotBeRecordedIsNotBegun) {
  make_set();
  world.catalogue.full = true;
  EXPECT_EQ(revert().error().code, ErrorCode::InsufficientStorage);
  EXPECT_THAT(world.trace, Not(Contains("provider revert")));
  world.catalogue.full = false;
  EXPECT_TRUE(revert());
}

TEST_F(SnapshotRevert, TheNextRunFindsOutWhatBecameOfTheSnapshots) {
  make_set();
  SetRecord record = world.catalogue.records.at(set);
  for (SnapshotRecord& snapshot : record.snapshots) snapshot.reverting = true;
  World next;
  next.catalogue.records[set] = record;
  next.provider.existing = {snapshots[1]};  // the first one was used up
  next.provider.revert_state = {RevertState::Running, 30, ""};
  ASSERT_TRUE(next.await(next.coordinator.start()));
  fakes::run_until(next, [&] { return next.mounter.mounted.contains(snapshots[1]); });
  const SetRecord& settled = next.catalogue.records.at(set);
  ASSERT_THAT(settled.snapshots, SizeIs(1));
  EXPECT_EQ(settled.snapshots[0].snapshot_id, snapshots[1]);
  EXPECT_FALSE(settled.snapshots[0].reverting);
  const auto running = next.await(next.coordinator.reverter().status("/a"));
  ASSERT_TRUE(running);
  EXPECT_EQ(running->status.state, RevertState::Running) << "told by the provider alone";
  EXPECT_EQ(running->provider, "fake");
}

TEST_F(SnapshotRevert, AProviderThatCannotTellIsAnError) {
  EXPECT_EQ(status("relative").error().code, ErrorCode::InvalidArgument);
  world.provider.script["revert_status"].kind = Behaviour::Kind::Fail;
  EXPECT_EQ(status().error().code, ErrorCode::ProviderVeto);
}

class Storage : public SnapshotRevert {};

TEST_F(Storage, EachVolumeWithSnapshotsIsListedOnce) {
  make_set();
  snapshots.clear();
  make_set();
  const auto places = world.await(world.coordinator.storage().list());
  ASSERT_TRUE(places);
  ASSERT_THAT(*places, SizeIs(2));
  EXPECT_EQ(places->at(0).volume, "/a");
  EXPECT_EQ(places->at(0).provider, "fake");
  EXPECT_EQ(places->at(0).place.used, std::optional<std::uint64_t>(10));
  EXPECT_EQ(places->at(0).error, "");
}

TEST_F(Storage, WhatCannotBeToldIsAnEntryWithTheReason) {
  make_set();
  world.provider.script["storage"].kind = Behaviour::Kind::Fail;
  const auto places = world.await(world.coordinator.storage().list());
  ASSERT_TRUE(places);
  ASSERT_THAT(*places, SizeIs(2));
  EXPECT_EQ(places->at(0).error, "scripted");
}

TEST_F(Storage, IsResizedByVolumeOrBySnapshot) {
  make_set();
  SnapshotStorage& storage = world.coordinator.storage();
  EXPECT_TRUE(world.await(storage.resize("/a", 4096)));
  EXPECT_THAT(world.trace, Contains("provider resize_storage /a 4096"));
  EXPECT_TRUE(world.await(storage.resize(snapshots[1].str(), 0)));
  EXPECT_THAT(world.trace, Contains("provider resize_storage /b 0"));
  EXPECT_TRUE(world.await(storage.resize("/never-captured", 1)));
  EXPECT_EQ(world.await(storage.resize(Guid::random().str(), 1)).error().code, ErrorCode::ObjectNotFound);
  EXPECT_EQ(world.await(storage.resize("relative", 1)).error().code, ErrorCode::InvalidArgument);
  world.provider.script["resize_storage /a 1"].kind = Behaviour::Kind::Fail;
  EXPECT_EQ(world.await(storage.resize("/a", 1)).error().code, ErrorCode::ProviderVeto);
}

}  // namespace
}  // namespace vss::core
