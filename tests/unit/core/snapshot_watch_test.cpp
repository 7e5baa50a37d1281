// SPDX-License-Identifier: LGPL-2.1-or-later
// The health of snapshots in use: who is told of what, and how often.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "tests/unit/core/fakes.hpp"

namespace vss::core {
namespace {

using fakes::Behaviour;
using fakes::World;
using testing::IsEmpty;
using testing::SizeIs;

class SnapshotWatchTest : public testing::Test {
 protected:
  SnapshotWatchTest() { spdlog::set_level(spdlog::level::off); }
  void make_set() {
    session = world.session();
    ASSERT_TRUE(session->set_backup_state({}));
    ASSERT_TRUE(world.await(session->gather_writer_metadata()));
    ASSERT_TRUE(world.await(session->start_snapshot_set()));
    for (const char* volume : {"/a", "/b"}) {
      Result<Guid> snapshot = world.await(session->add_to_snapshot_set(volume, ""));
      ASSERT_TRUE(snapshot);
      snapshots.push_back(*snapshot);
    }
    ASSERT_TRUE(world.await(session->prepare_for_backup()));
    ASSERT_TRUE(world.await(session->do_snapshot_set()));
  }
  // Until every snapshot that is still looked at has been, `times` more times.
  void rounds(std::ptrdiff_t times = 2) {
    world.provider.checked.clear();
    run_until([&] { return std::ranges::count(world.provider.checked, snapshots.back()) >= times; });
  }
  void run_until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      world.loop.restart();
      world.loop.run_one_for(std::chrono::milliseconds(5));
    }
  }
  HealthReport health_of(Guid snapshot) {
    return session->get_snapshot_properties(snapshot).value().snapshots.front().health;
  }

  World world;
  std::shared_ptr<BackupSession> session;
  std::vector<Guid> snapshots;
};

TEST_F(SnapshotWatchTest, NobodyIsAskedWithoutSnapshots) {
  const auto nothing = world.session();
  world.loop.restart();
  EXPECT_EQ(world.loop.run(), 0U) << "no timer, no work";
  EXPECT_THAT(world.provider.checked, IsEmpty());
}

TEST_F(SnapshotWatchTest, ItEndsWithTheLastSnapshotAndBeginsAgainWithTheNext) {
  make_set();
  rounds();
  world.await(world.coordinator.release(session));
  world.loop.restart();
  world.loop.run();  // comes back: nothing is left to do
  world.provider.checked.clear();
  world.loop.restart();
  EXPECT_EQ(world.loop.run(), 0U);
  snapshots.clear();
  make_set();
  rounds();
}

TEST_F(SnapshotWatchTest, WhatIsWellIsNotTold) {
  make_set();
  rounds();
  EXPECT_THAT(world.observer.invalidated, IsEmpty());
  EXPECT_EQ(health_of(snapshots[0]).health, SnapshotHealth::Good);
}

TEST_F(SnapshotWatchTest, EachTransitionIsToldOnceAndIsInTheProperties) {
  make_set();
  const Guid bad = snapshots.front();
  world.provider.health[bad] = {SnapshotHealth::AtRisk, -1, "the store fills up"};
  rounds(4);
  ASSERT_THAT(world.observer.invalidated, SizeIs(1));
  EXPECT_EQ(world.observer.invalidated[0].first, bad);
  EXPECT_EQ(world.observer.invalidated[0].second.reason, "the store fills up");
  EXPECT_EQ(health_of(bad).health, SnapshotHealth::AtRisk);
  EXPECT_EQ(health_of(snapshots.back()).health, SnapshotHealth::Good);
  world.provider.health[bad] = {};
  rounds();
  EXPECT_THAT(world.observer.invalidated, SizeIs(1)) << "recovery is no invalidation";
  EXPECT_EQ(health_of(bad).health, SnapshotHealth::Good);
  world.provider.health[bad] = {SnapshotHealth::Lost, 0, "overflow"};
  rounds(4);
  ASSERT_THAT(world.observer.invalidated, SizeIs(2));
  EXPECT_EQ(world.observer.invalidated[1].second.health, SnapshotHealth::Lost);
}

TEST_F(SnapshotWatchTest, ALostSnapshotStaysLostAndIsNotAskedAbout) {
  make_set();
  const Guid lost = snapshots.front();
  world.provider.health[lost] = {SnapshotHealth::Lost, 0, "overflow"};
  rounds();
  world.provider.health[lost] = {};
  rounds();
  EXPECT_EQ(std::ranges::count(world.provider.checked, lost), 0);
  EXPECT_EQ(health_of(lost).health, SnapshotHealth::Lost);
  EXPECT_THAT(world.provider.existing, SizeIs(2)) << "never deleted silently";
  EXPECT_TRUE(world.await(session->backup_complete()));
}

TEST_F(SnapshotWatchTest, TheTimeLeftIsToldAgainWhenItHasHalved) {
  make_set();
  const Guid bad = snapshots.front();
  const auto told_after = [&](std::int64_t left) {
    world.provider.health[bad] = {SnapshotHealth::AtRisk, left, "fills up"};
    rounds(3);
    return world.observer.invalidated.size();
  };
  EXPECT_EQ(told_after(-1), 1U);
  EXPECT_EQ(told_after(100), 2U) << "it has become known";
  EXPECT_EQ(told_after(51), 2U);
  EXPECT_EQ(told_after(50), 3U);
  EXPECT_EQ(told_after(80), 3U);
  EXPECT_EQ(told_after(1), 4U);
  EXPECT_EQ(told_after(0), 5U);
  EXPECT_EQ(told_after(0), 5U);
}

TEST_F(SnapshotWatchTest, AProviderThatFailsOrThrowsChangesNothingAndIsAskedAgain) {
  make_set();
  world.provider.health[snapshots[0]] = {SnapshotHealth::AtRisk, 10, "fills up"};
  rounds();
  world.provider.script["check_health"].kind = Behaviour::Kind::Fail;
  rounds();
  world.provider.health_throws = true;
  rounds();
  EXPECT_EQ(health_of(snapshots[0]).health, SnapshotHealth::AtRisk);
  EXPECT_THAT(world.observer.invalidated, SizeIs(1));
  world.provider.health_throws = false;
  world.provider.script.clear();
  world.provider.health[snapshots[0]] = {SnapshotHealth::Lost, 0, "gone"};
  run_until([&] { return world.observer.invalidated.size() == 2; });
}

TEST_F(SnapshotWatchTest, NoTwoLooksAtOnce) {
  make_set();
  rounds();
  world.provider.script["check_health"].kind = Behaviour::Kind::Hang;
  world.provider.checked.clear();
  run_until([&] { return !world.provider.checked.empty(); });
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  while (std::chrono::steady_clock::now() < end) world.loop.run_one_for(std::chrono::milliseconds(1));
  EXPECT_THAT(world.provider.checked, SizeIs(1));
}

TEST_F(SnapshotWatchTest, StoresAreWatchedUntilPreCommitAndNotWhileASetIsHeld) {
  make_set();
  rounds();
  std::map<std::string, std::size_t, std::less<>> looks;  // until this phase began
  const auto watch_for = [&](std::string_view phase) { looks.emplace(phase, world.provider.checked.size()); };
  world.observer.on_progress = watch_for;
  const auto slow = world.add_writer("slow");
  slow->mutable_info().freeze_timeout = Milliseconds(50);
  slow->script["Freeze"].kind = Behaviour::Kind::Hang;
  world.provider.commit_takes = Milliseconds(50);
  BackupOptions lenient;
  lenient.strict = false;
  auto next = world.prepared_set("/c", lenient);
  ASSERT_TRUE(world.await(next->do_snapshot_set()));
  EXPECT_GT(looks["pre-commit"], looks["end-prepare"]);
  EXPECT_EQ(looks["post-commit"], looks["hold"]);
  rounds();
}

// A provider may keep what it needs to itself from pre_commit on: who got in before would then wait for the
// set, and the set for it.
TEST_F(SnapshotWatchTest, ASetIsCommittedOnlyWhenWorkOnOtherSnapshotsHasEnded) {
  make_set();
  rounds();
  world.provider.script["check_health"].kind = Behaviour::Kind::Hang;
  const auto looked = world.provider.checked.size();
  run_until([&] { return world.provider.checked.size() > looked; });
  auto next = world.prepared_set("/c");
  bool waits = false;
  const auto watch_for = [&](std::string_view phase) { waits = waits || phase == "pre-commit"; };
  world.observer.on_progress = watch_for;
  world.trace.clear();
  std::optional<Status> made;
  spawn(world.loop.get_executor(),
        [](std::shared_ptr<BackupSession> s, std::optional<Status>& result) -> asio::awaitable<void> {
          result = co_await s->do_snapshot_set();
        }(next, made));
  run_until([&] { return waits; });
  for (int i = 0; i < 100; ++i) world.loop.poll();
  EXPECT_THAT(world.trace, testing::Contains("provider end_prepare"));
  EXPECT_THAT(world.trace, testing::Not(testing::Contains("provider pre_commit")));
  world.await(world.coordinator.release(next));  // and it can be given up meanwhile
  run_until([&] { return made.has_value(); });
  EXPECT_FALSE(*made);
}

// A writer may take ten minutes in PostSnapshot, and the store fills meanwhile.
class WatchOfASetThatIsMade : public SnapshotWatchTest {
 protected:
  WatchOfASetThatIsMade() {
    world.add_writer("slow")->script["PostSnapshot"].kind = Behaviour::Kind::Hang;  // until its limit
    next = world.prepared_set("/c");
    world.observer.on_progress = [this](std::string_view phase) {
      if (phase == "hold") put_at_risk();
      if (phase == "publish") looks_before_it_is_complete = world.provider.checked.size();
    };
  }
  void put_at_risk() {
    for (const Guid id : snapshot_ids(*world.coordinator.store().find(next->set_id())))
      world.provider.health[id] = {SnapshotHealth::AtRisk, 10, "fills up"};
  }

  std::shared_ptr<BackupSession> next;
  std::size_t looks_before_it_is_complete = 0;
};

TEST_F(WatchOfASetThatIsMade, BeginsBeforePostSnapshotAndTellsOnlyOfACompleteSet) {
  world.catalogue.on_store = [&](SetState state) -> asio::awaitable<void> {
    if (state != SetState::Created) co_return;
    // As long as it takes until the disk has it.
    co_await wait_for(Signal(), std::chrono::steady_clock::now() + Milliseconds(30));
    EXPECT_THAT(world.observer.invalidated, IsEmpty());
  };
  EXPECT_TRUE(world.await(next->do_snapshot_set()));
  EXPECT_GT(looks_before_it_is_complete, 0U);
  run_until([&] { return world.observer.invalidated.size() == 1; });
}

TEST_F(WatchOfASetThatIsMade, EndsWhenTheSetFails) {
  world.provider.script["post_final_commit"].kind = Behaviour::Kind::Fail;
  world.provider.on_abort = [&]() -> asio::awaitable<void> {
    const std::size_t looks = world.provider.checked.size();
    EXPECT_GT(looks, 0U);
    co_await wait_for(Signal(), std::chrono::steady_clock::now() + Milliseconds(30));
    EXPECT_EQ(world.provider.checked.size(), looks);
  };
  EXPECT_FALSE(world.await(next->do_snapshot_set()));
  EXPECT_THAT(world.trace, testing::Contains("provider abort"));
  world.await(world.coordinator.release(next));
  world.loop.restart();
  world.loop.run();  // comes back: nothing is left to do
  EXPECT_THAT(world.observer.invalidated, IsEmpty());
}

TEST_F(SnapshotWatchTest, WhenASetFailsInTheWindowTheWatchGoesOn) {
  make_set();
  for (const char* operation : {"pre_commit", "commit", "post_commit"}) {
    world.provider.script[operation].kind = Behaviour::Kind::Fail;
    auto next = world.prepared_set("/c");
    EXPECT_FALSE(world.await(next->do_snapshot_set())) << operation;
    world.provider.script.erase(operation);
    rounds();
    world.await(world.coordinator.release(next));
  }
}

}  // namespace
}  // namespace vss::core
