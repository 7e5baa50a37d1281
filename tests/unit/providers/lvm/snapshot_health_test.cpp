// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/snapshot_health.hpp"

#include <gtest/gtest.h>

namespace vss::lvm {
namespace {

using namespace std::chrono_literals;

TEST(SnapshotStatus, AFractionIsAFillAndAWordIsTheEnd) {
  const Fill fill = parse_snapshot_status("20480/81920 160");
  EXPECT_FALSE(fill.lost);
  EXPECT_DOUBLE_EQ(fill.percent(), 25);
  for (const char* word : {"Invalid", "Overflow", "Merge failed", "Unknown", ""}) {
    EXPECT_TRUE(parse_snapshot_status(word).lost) << word;
  }
}

TEST(PoolStatus, IsReadAsTheKernelWritesIt) {
  const PoolFill good =
      parse_pool_status("5 114/1024 353/9600 - rw discard_passdown queue_if_no_space - 256 ");
  EXPECT_TRUE(good.can_write);
  EXPECT_EQ(good.transaction, 5U);
  EXPECT_EQ(good.metadata.used, 114U);
  EXPECT_EQ(good.data.total, 9600U);
  struct Row {
    const char* status;
    bool can_write;
    bool lost;
  };
  for (const Row& row :
       {Row{"5 1/2 3/3 - out_of_data_space discard_passdown error_if_no_space - 256", false, false},
        Row{"5 1/2 3/4 - ro discard_passdown error_if_no_space needs_check 256", false, false},
        Row{"5 1/2 3/4 - rw discard_passdown error_if_no_space needs_check 256", false, false},
        Row{"Fail", false, true}, Row{"Error", false, true}, Row{"", false, true}}) {
    const PoolFill pool = parse_pool_status(row.status);
    EXPECT_EQ(pool.can_write, row.can_write) << row.status;
    EXPECT_EQ(pool.data.lost, row.lost) << row.status;
  }
}

TEST(Growth, TellsWhenItIsFull) {
  Growth growth;
  const Growth::Time start{};
  EXPECT_EQ(growth.seconds_left("a", {false, "", 100, 1000}, start), -1);
  EXPECT_EQ(growth.seconds_left("a", {false, "", 200, 1000}, start + 1s), 8);
  EXPECT_EQ(growth.seconds_left("a", {false, "", 500, 1000}, start + 2s),
            2);  // 200/s: the mean of the last two
  EXPECT_EQ(growth.seconds_left("b", {false, "", 300, 1000}, start + 2s), -1);
}

TEST(Growth, ShrinkingIsNoGrowth) {
  Growth growth;
  const Growth::Time start{};
  (void)growth.seconds_left("a", {false, "", 500, 1000}, start);
  EXPECT_EQ(growth.seconds_left("a", {false, "", 100, 1000}, start + 1s), -1);
}

}  // namespace
}  // namespace vss::lvm
