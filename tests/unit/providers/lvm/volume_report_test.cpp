// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/volume_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/lvm/logical_volume.hpp"
#include "providers/lvm/store_policy.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kSet = "5e7a0000-0000-4000-8000-000000000000";
constexpr const char* kSnapshot = "0f1e2d3c-0000-4000-8000-000000000000";

Row reported(const std::string& name, const std::string& uuid, const std::string& attributes,
             const std::string& origin_uuid = "", const std::string& percent = "") {
  return {{"vg_name", "data"},
          {"vg_uuid", "vG-1"},
          {"vg_extent_size", "4194304"},
          {"lv_name", name},
          {"lv_uuid", uuid},
          {"lv_tags", "a,vssd.set=" + std::string(kSet)},
          {"lv_attr", attributes},
          {"lv_size", "104857600"},
          {"origin", ""},
          {"origin_uuid", origin_uuid},
          {"pool_lv", ""},
          {"snap_percent", percent},
          {"chunk_size", "4096"}};
}

VolumeRow row_of(const std::string& uuid, const std::string& attributes, const std::string& origin_uuid,
                 double percent = 0) {
  VolumeRow row;
  row.volume_group = "data";
  row.name = "n" + uuid;
  row.lv_uuid = uuid;
  row.attributes = attributes;
  row.origin_uuid = origin_uuid;
  row.extent = 4 * kMiB;
  row.size = 100 * kMiB;
  row.chunk = 4096;
  row.percent = percent;
  return row;
}

TEST(VolumeReport, ARowIsReadAndSegmentsOfOneVolumeAreOne) {
  const auto rows = volume_rows({reported("one", "a-b", "owi-aos---"), reported("one", "a-b", "owi-aos---"),
                                 reported("snap", "c-d", "sri-a-s---", "a-b", "12.50")});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].full_name(), "data/one");
  EXPECT_EQ(rows[0].vg_uuid, "vG1");
  EXPECT_EQ(rows[1].lv_uuid, "cd");
  EXPECT_EQ(rows[1].origin_uuid, "ab");
  EXPECT_EQ(rows[1].used(), 13107200U);
  EXPECT_TRUE(rows[1].has_tag("a"));
  EXPECT_EQ(rows[1].tag_after("vssd.set="), kSet);
  EXPECT_EQ(rows[1].tag_after("vssd.snapshot="), "");
  EXPECT_EQ(find_volume(rows, "cd"), &rows[1]);
  EXPECT_EQ(find_volume(rows, ""), nullptr);
  Row broken = reported("x", "y", "z");
  broken.erase("chunk_size");
  EXPECT_THROW((void)volume_rows({broken}), ProviderError);
}

TEST(VolumeReport, OnlyAThinVolumeHasAPool) {
  const auto pool_of = [](const std::string& attributes, const std::string& pool) {
    Row row = reported("one", "a-b", attributes);
    row["pool_lv"] = pool;
    return volume_rows({row}).front().pool;
  };
  EXPECT_EQ(pool_of("Vwi-aotz--", "pool"), "pool");
  EXPECT_EQ(pool_of("owi-aotz--", "pool"), "pool") << "with a snapshot that has a store of its own";
  EXPECT_EQ(pool_of("Cwi-aoC---", "[fast_cvol]"), "");
  EXPECT_EQ(pool_of("owi-aoC---", "[fast_cpool]"), "");
  EXPECT_EQ(pool_of("Cwi-ao----", "[fast_cvol]"), "") << "a writecache";
  EXPECT_EQ(pool_of("-wi-ao----", ""), "");
}

TEST(VolumeReport, TheAttributesTellWhatAVolumeIs) {
  struct Case {
    const char* attributes;
    bool merge;
    bool snapshot;
    bool thick;
    bool invalid;
  };
  for (const Case& c :
       {Case{"Owi-aos---", true, false, false, false}, Case{"sri-a-s---", false, true, true, false},
        Case{"Sri-a-s---", false, false, false, false}, Case{"Vri---tz-k", false, true, false, false},
        Case{"swi-I-s---", false, true, true, true}, Case{"-wi-ao----", false, false, false, false},
        Case{"", false, false, false, false}}) {
    const VolumeRow row = row_of("a", c.attributes, "o");
    EXPECT_EQ(row.takes_a_merge(), c.merge) << c.attributes;
    EXPECT_EQ(row.is_snapshot(), c.snapshot) << c.attributes;
    EXPECT_EQ(row.is_thick_snapshot(), c.thick) << c.attributes;
    EXPECT_EQ(row.is_invalid(), c.invalid) << c.attributes;
  }
}

TEST(Merge, EndangersSnapshotsWithoutRoomForWhatItOverwrites) {
  const VolumeRow merging = row_of("m", "swi-a-s---", "o", 30);
  VolumeRow coarse = row_of("coarse", "swi-a-s---", "o", 20);
  coarse.chunk = 4 * merging.chunk;
  const std::vector<VolumeRow> rows = {merging,
                                       row_of("full", "swi-a-s---", "o", 75),
                                       row_of("roomy", "swi-a-s---", "o", 60),
                                       row_of("invalid", "swi-I-s---", "o", 100),
                                       row_of("other", "swi-a-s---", "another", 99),
                                       row_of("o", "owi-aos---", ""),
                                       coarse};
  EXPECT_THAT(endangered_by_merge(rows, merging), ElementsAre("data/nfull", "data/ncoarse"));
  EXPECT_THAT(endangered_by_merge({row_of("a", "Vwi---tz-k", "o"), row_of("b", "Vwi---tz-k", "o")},
                                  row_of("a", "Vwi---tz-k", "o")),
              IsEmpty())
      << "thin ones do not depend on each other";
}

TEST(Merge, TheKernelsStatusIsRead) {
  const MergeProgress half = parse_merge_status("40960/81920 160");
  EXPECT_FALSE(half.failed);
  EXPECT_FALSE(half.finished);
  EXPECT_EQ(half.percent, 50);
  const MergeProgress all = parse_merge_status("160/81920 160");
  EXPECT_TRUE(all.finished);
  for (const char* text : {"Merge failed", "Invalid", "", "5/0 1", "5"}) {
    EXPECT_TRUE(parse_merge_status(text).failed) << text;
  }
}

TEST(Commands, ABreakTakesTheTagsOffLast) {
  VolumeRow thick = row_of("s", "sri-a-s---", "o");
  const Words untag{"lvchange", "--deltag", set_tag(kSet), "--deltag", snapshot_tag(kSnapshot), "data/ns"};
  EXPECT_THAT(commands_to_break(thick, kSet, kSnapshot, false), ElementsAre(untag));
  EXPECT_THAT(commands_to_break(thick, kSet, kSnapshot, true),
              ElementsAre(Words{"lvchange", "--yes", "--permission", "rw", "data/ns"}, untag));
  const VolumeRow thin = row_of("s", "Vri---tz-k", "o");
  EXPECT_THAT(commands_to_break(thin, kSet, kSnapshot, false),
              ElementsAre(Words{"lvchange", "--yes", "--setactivationskip", "n", "data/ns"}, untag));
  thick.tags = {"vssd.limit=4096"};
  EXPECT_THAT(commands_to_break(thick, kSet, kSnapshot, false).back(),
              ::testing::Contains("vssd.limit=4096"));
}

TEST(Commands, AMergeRunsInTheBackgroundOnAVolumeWithoutOurTags) {
  const VolumeRow thin = row_of("s", "Vri---tz-k", "o");
  const auto before = commands_before_merge(thin, kSet, kSnapshot);
  ASSERT_EQ(before.size(), 3U);
  EXPECT_EQ(before.back()[1], "--deltag");
  EXPECT_THAT(command_to_merge(thin),
              ElementsAre("lvconvert", "--yes", "--background", "--merge", "data/ns"));
  const auto undo = commands_to_undo_merge(thin, kSet, kSnapshot);
  ASSERT_EQ(undo.size(), 3U);
  EXPECT_THAT(undo[0], ElementsAre("lvchange", "--addtag", set_tag(kSet), "--addtag", snapshot_tag(kSnapshot),
                                   "data/ns"));
  EXPECT_THAT(undo[1], ElementsAre("lvchange", "--yes", "--permission", "r", "data/ns"));
}

TEST(Merge, WhatAnInterruptedOneLeftIsKnownByWhatItHadDone) {
  const std::pair<VolumeRow, bool> rows[] = {
      {row_of("s", "swi-a-s---", "o"), true},
      {row_of("s", "Vwi---tz--", "o"), true},
      {row_of("s", "Vwi---tz-k", "o"), false},  // not yet
      {row_of("s", "sri-a-s---", "o"), false},  // somebody has taken the tags off
      {row_of("s", "Vri---tz-k", "o"), false},
      {row_of("s", "Swi-a-s---", "o"), false},  // the merge is on
      {row_of("s", "Vwi---tz--", ""), false},   // the merge is done
      {row_of("s", "swi-a-s---", "other"), false},
      {row_of("s", "", "o"), false}};
  for (const auto& [row, is_it] : rows) EXPECT_EQ(is_ready_for_merge(row, "o"), is_it) << row.attributes;
  VolumeRow tagged = row_of("s", "swi-a-s---", "o");
  tagged.tags = {snapshot_tag("another")};
  EXPECT_FALSE(is_ready_for_merge(tagged, "o"));
}

TEST(Limits, AStoreGetsWholeExtentsAndNeverLessThanIsInIt) {
  VolumeRow store = row_of("s", "sri-a-s---", "o", 50);
  constexpr std::uint64_t kOrigin = 1024 * kMiB;
  EXPECT_EQ(limited_size(store, kOrigin, 203 * kMiB), 200 * kMiB);
  EXPECT_EQ(limited_size(store, kOrigin, 60 * kMiB), 60 * kMiB);
  for (const std::uint64_t maximum : {48 * kMiB, 51 * kMiB, 1 * kMiB}) {
    try {
      (void)limited_size(store, kOrigin, maximum);
      ADD_FAILURE() << maximum;
    } catch (const ProviderError& error) {
      EXPECT_EQ(error.status(), VSS_PROVIDER_E_INSUFFICIENT_STORAGE);
    }
  }
  store.percent = 0;
  EXPECT_EQ(limited_size(store, 40 * kMiB, 500 * kMiB), StorePolicy::largest(40 * kMiB, store.extent))
      << "no more than it can use";
  EXPECT_THROW((void)limited_size(store, kOrigin, 8 * kMiB), ProviderError) << "the smallest store";
}

TEST(Limits, AreATagOfTheStore) {
  VolumeRow store = row_of("s", "sri-a-s---", "o");
  EXPECT_EQ(limit_of(store), 0U);
  EXPECT_THAT(command_to_limit(store, 5), ElementsAre("lvchange", "--addtag", "vssd.limit=5", "data/ns"));
  EXPECT_THAT(command_to_limit(store, 0), IsEmpty());
  store.tags = {"vssd.limit=7"};
  EXPECT_EQ(limit_of(store), 7U);
  EXPECT_THAT(command_to_limit(store, 5),
              ElementsAre("lvchange", "--deltag", "vssd.limit=7", "--addtag", "vssd.limit=5", "data/ns"));
  EXPECT_THAT(command_to_limit(store, 0), ElementsAre("lvchange", "--deltag", "vssd.limit=7", "data/ns"));
}

TEST(Commands, AReductionLooksForNoFilesystem) {
  const VolumeRow store = row_of("s", "sri-a-s---", "o");
  EXPECT_THAT(command_to_extend(store, 8), ElementsAre("lvextend", "--yes", "--size", "8b", "data/ns"));
  const auto reduce = commands_to_reduce(store, 8);
  EXPECT_THAT(reduce.front(),
              ElementsAre("lvreduce", "--yes", "--force", "--fs", "ignore", "--size", "8b", "data/ns"));
  EXPECT_THAT(reduce.back(), ElementsAre("lvreduce", "--yes", "--force", "--size", "8b", "data/ns"));
}

}  // namespace
}  // namespace vss::lvm
