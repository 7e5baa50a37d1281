// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/snapshot_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/persistent_set.hpp"

namespace vss::core {
namespace {

class SnapshotStoreTest : public fakes::PersistentSet {
 protected:
  [[nodiscard]] SnapshotStore& store() { return world.coordinator.store(); }
  asio::awaitable<void> close(Guid snapshot) {
    SetRecord record = *store().find(set);
    record.find(snapshot)->path.clear();
    const Status put = co_await store().put(std::move(record));
    EXPECT_TRUE(put);
  }
  asio::awaitable<void> remove(std::optional<Result<Deletion>>& removed) {
    removed = co_await store().remove_set(set, true);
  }
  asio::awaitable<void> remove_oldest(std::string volume, std::optional<Result<Deletion>>& removed) {
    removed = co_await store().remove_oldest(std::move(volume), true);
  }
  asio::awaitable<void> make(std::shared_ptr<BackupSession> next, std::optional<Status>& made) {
    made = co_await next->do_snapshot_set();
  }
  asio::awaitable<void> end_first(bool& ended) {
    co_await world.coordinator.release(session);
    ended = true;
  }
  [[nodiscard]] bool is_open(Guid snapshot) { return !store().find(set)->find(snapshot)->path.empty(); }
};

TEST_F(SnapshotStoreTest, WhatIsToBeOpenedWhileOthersAreOpenedIsOpenedToo) {
  make_set();
  for (const Guid snapshot : snapshots) world.await(close(snapshot));
  int times = 0;
  world.mounter.on_mount = [&](Guid snapshot) -> asio::awaitable<void> {
    if (snapshot != snapshots[1] || ++times > 1) co_return;
    EXPECT_TRUE(is_open(snapshots[0]));
    co_await close(snapshots[0]);  // as a revert of it would
    store().open_later(set);
  };
  store().open_later(set);
  run_until([&] { return times > 0 && is_open(snapshots[0]) && is_open(snapshots[1]); });
}

// Both would want the same lock of a provider, and writers are frozen.
TEST_F(SnapshotStoreTest, ADeletionWaitsForASetThatIsHeld) {
  make_set();
  auto next = world.prepared_set("/c");
  std::optional<Result<Deletion>> removed;
  bool waited = false;
  const auto watch_for = [&](std::string_view phase) {
    if (phase == "pre-commit") spawn(world.loop.get_executor(), remove(removed));
    if (phase == "post-commit") waited = !removed;
  };
  world.observer.on_progress = watch_for;
  world.provider.commit_takes = std::chrono::milliseconds(20);
  ASSERT_TRUE(world.await(next->do_snapshot_set()));
  EXPECT_TRUE(waited);
  run_until([&] { return removed.has_value(); });
  ASSERT_TRUE(*removed);
  EXPECT_EQ((*removed)->deleted, 2U);
}

TEST_F(SnapshotStoreTest, ASetFreezesNobodyBeforeADeletionHasEnded) {
  make_set();
  world.add_writer("writer");
  auto next = world.prepared_set("/c");
  Signal goes_on;
  world.provider.on_remove = [&]() -> asio::awaitable<void> { co_await wait_for(goes_on, TimePoint::max()); };
  std::optional<Result<Deletion>> removed;
  spawn(world.loop.get_executor(), remove(removed));
  std::optional<Status> made;
  std::string phase;
  const auto watch_for = [&](std::string_view begun) { phase = begun; };
  world.observer.on_progress = watch_for;
  spawn(world.loop.get_executor(), make(next, made));
  run_until([&] { return phase == "end-prepare"; });
  for (int i = 0; i < 100; ++i) world.settle();
  EXPECT_EQ(phase, "end-prepare");
  EXPECT_THAT(world.trace, testing::Not(testing::Contains("writer Freeze")));
  goes_on.set();
  run_until([&] { return made.has_value(); });
  EXPECT_TRUE(*made);
  EXPECT_THAT(world.trace, testing::Contains("writer Freeze"));
  EXPECT_TRUE(removed.has_value());
}

TEST_F(SnapshotStoreTest, ASetThatWaitsForADeletionCanBeGivenUp) {
  make_set();
  auto next = world.prepared_set("/c");
  world.provider.script["remove"].kind = fakes::Behaviour::Kind::Hang;
  std::optional<Result<Deletion>> removed;
  spawn(world.loop.get_executor(), remove(removed));
  std::optional<Status> made;
  spawn(world.loop.get_executor(), make(next, made));
  for (int i = 0; i < 100; ++i) world.settle();
  world.await(world.coordinator.release(next));
  run_until([&] { return made.has_value(); });
  EXPECT_FALSE(*made);
}

TEST_F(SnapshotStoreTest, TwoThatWaitToDeleteTheOldestDeleteTwo) {
  make_set();
  make_set();
  auto next = world.prepared_set("/c");
  std::vector<std::optional<Result<Deletion>>> removed(2);
  const auto watch_for = [&](std::string_view phase) {
    if (phase != "pre-commit") return;
    for (auto& one : removed) spawn(world.loop.get_executor(), remove_oldest("/a", one));
  };
  world.observer.on_progress = watch_for;
  ASSERT_TRUE(world.await(next->do_snapshot_set()));
  run_until([&] { return removed[0].has_value() && removed[1].has_value(); });
  for (const auto& one : removed) {
    ASSERT_TRUE(*one) << one->error().message;
    EXPECT_EQ((*one)->deleted, 1U);
  }
  SnapshotFilter of_a;
  of_a.volume = "/a";
  EXPECT_THAT(store().list(of_a), testing::IsEmpty());
}

TEST_F(SnapshotStoreTest, NothingIsLeftOfASessionThatEndsTogetherWithOneThatIsCaptured) {
  make_set(Release::No, "file-share-backup");
  auto next = world.prepared_set("/c");
  std::optional<Status> made;
  const auto watch_for = [&](std::string_view phase) {
    if (phase == "pre-commit") spawn(world.loop.get_executor(), world.coordinator.close());
  };
  world.observer.on_progress = watch_for;
  world.provider.script["pre_commit"].kind = fakes::Behaviour::Kind::Hang;
  spawn(world.loop.get_executor(), make(next, made));
  run_until([&] { return made.has_value() && world.coordinator.sessions().empty(); });
  run_until([&] { return world.catalogue.records.empty(); });
  EXPECT_FALSE(*made);
}

// Its set goes when the other one is captured.
TEST_F(SnapshotStoreTest, ASessionEndsWithoutWaitingForTheSetOfAnother) {
  make_set(Release::No, "file-share-backup");
  auto next = world.prepared_set("/c");
  bool ended = false;
  const auto watch_for = [&](std::string_view phase) {
    if (phase == "pre-commit") spawn(world.loop.get_executor(), end_first(ended));
    if (phase == "post-commit") {
      EXPECT_TRUE(ended);
      EXPECT_NE(store().find(set), nullptr);
    }
  };
  world.observer.on_progress = watch_for;
  world.provider.commit_takes = std::chrono::milliseconds(20);
  ASSERT_TRUE(world.await(next->do_snapshot_set()));
  run_until([&] { return store().find(set) == nullptr; });
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace vss::core
