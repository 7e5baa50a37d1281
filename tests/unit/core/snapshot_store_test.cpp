// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/snapshot_store.hpp"

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

}  // namespace
}  // namespace vss::core
