// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/half_made.hpp"

#include <gtest/gtest.h>

namespace vss::lvm {
namespace {

Row row(const std::string& uuid, const std::string& pool, const std::string& tags, const std::string& id,
        const std::string& transaction) {
  return {{"lv_uuid", uuid},
          {"pool_lv_uuid", pool},
          {"lv_tags", tags},
          {"thin_id", id},
          {"transaction_id", transaction}};
}

// As lvm reports them when it was killed while it made the snapshot of ours with the number 2.
const std::vector<Row> kKilled{
    row("po-ol", "", "", "", "2"),
    row("or-ig", "po-ol", "", "1", "0"),
    row("of-others", "po-ol", "daily", "3", "1"),
    row("of-ours", "po-ol", "vssd.set=s,vssd.snapshot=a", "2", "1"),
    row("of-another-pool", "pool-2", "vssd.set=s,vssd.snapshot=b", "7", "1"),
    row("thi-ck", "", "vssd.set=s,vssd.snapshot=c", "", ""),
};

TEST(HalfMade, IsTheSnapshotOfOursThatThePoolIsToMakeNext) { EXPECT_EQ(half_made(kKilled, "pool", 1), "2"); }

TEST(HalfMade, NothingIsWhenPoolAndMetadataAgree) { EXPECT_EQ(half_made(kKilled, "pool", 2), ""); }

TEST(HalfMade, NothingIsInAPoolThatIsNotThere) { EXPECT_EQ(half_made(kKilled, "other", 1), ""); }

TEST(HalfMade, WhatOthersHaveBegunIsTheirs) {
  std::vector<Row> rows = kKilled;
  rows.erase(rows.begin() + 3);
  EXPECT_EQ(half_made(rows, "pool", 1), "");
}

}  // namespace
}  // namespace vss::lvm
