// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/logical_volume.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/lvm/device_mapper.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {
namespace {

constexpr const char* kId = "0f1e2d3c-0000-4000-8000-000000000000";

TEST(LogicalVolume, HyphensInNamesAreDoubledAndComeBack) {
  EXPECT_EQ(mapper_name("my-vg", "a-1"), "my--vg-a--1");
  const VolumeNames names = split_mapper_name("my--vg-a--1");
  EXPECT_EQ(names.volume_group, "my-vg");
  EXPECT_EQ(names.logical_volume, "a-1");
}

TEST(LogicalVolume, ASnapshotIsNamedAfterItsOrigin) {
  EXPECT_EQ(snapshot_name("vg", "srv", kId), "srv_vss_0f1e2d3c");
}

TEST(LogicalVolume, ANameNeverGetsTooLongForDeviceMapper) {
  for (const std::string& origin : {std::string(100, 'a'), std::string(100, '-'), std::string("a")}) {
    const std::string name = snapshot_name("a-volume-group-of-some-length", origin, kId);
    EXPECT_LE(mapper_name("a-volume-group-of-some-length", name).size(), 123U);
    EXPECT_TRUE(name.ends_with("_vss_0f1e2d3c"));
  }
  EXPECT_THROW((void)snapshot_name(std::string(125, 'v'), "a", kId), ProviderError);
}

TEST(LogicalVolume, TheRecordOfASnapshotComesBackAsItWas) {
  const SnapshotData data{"vg", "vgid", "origin", "origid", "pool", "poolid", "lvid"};
  const SnapshotData read = parse_snapshot_data(to_text(data));
  EXPECT_EQ(to_text(read), to_text(data));
  EXPECT_TRUE(read.thin());
}

TEST(LogicalVolume, AMalformedRecordIsRefused) {
  for (const char* text : {"", "{", "[]", "{}", R"({"vg":1})", R"({"vg":"a"})"}) {
    EXPECT_THROW((void)parse_snapshot_data(text), ProviderError) << text;
  }
}

// Tables as dmsetup shows them; what lies below is at the number that they name.
const std::map<std::string, MapperTarget> kBelow{
    {"253:1", {"linear", "8:16 2048"}},
    {"253:2", {"thin", "253:9 1"}},
    {"253:3", {"vdo", "V4 253:8 1310720 4096 32768 16380"}},
    {"253:4", {"mirror", "core 2 1024 nosync 2 253:10 0 253:11 0 1 handle_errors"}},
    {"253:5", {"raid", "raid1 3 0 region_size 4096 2 253:10 253:11 253:12 253:13"}},
    {"253:6", {"linear", "253:3 1024"}},
    {"253:7", {"cache", "253:10 253:11 253:12 128 2 metadata2 writethrough smq 0"}},
};

std::vector<MapperTarget> table_below(const std::string& number) {
  const auto found = kBelow.find(number);
  return found == kBelow.end() ? std::vector<MapperTarget>{} : std::vector<MapperTarget>{found->second};
}

TEST(LogicalVolume, WhatCanHaveASnapshotIsThickOrThin) {
  struct Row {
    MapperTarget target;
    Kind kind;
  };
  for (const Row& row : {
           Row{{"linear", "8:16 2048"}, Kind::Thick},
           Row{{"linear", "253:20 2048"}, Kind::Thick},  // a physical volume on LUKS
           Row{{"striped", "2 128 8:16 2048 8:32 2048"}, Kind::Thick},
           Row{{"raid", "raid1 3 0 region_size 4096 2 253:10 253:11 253:12 253:13"}, Kind::Thick},
           Row{{"cache", "253:10 253:11 253:12 128 2 metadata2 writethrough smq 0"}, Kind::Thick},
           Row{{"writecache", "p 253:10 253:11 4096 0"}, Kind::Thick},
           Row{{"snapshot-origin", "253:1"}, Kind::Thick}, Row{{"snapshot-origin", "253:5"}, Kind::Thick},
           Row{{"snapshot-origin", "253:7"}, Kind::Thick}, Row{{"thin", "253:9 1"}, Kind::Thin},
           Row{{"thin", "253:9 2 253:1"}, Kind::Thin},  // with an external origin
       }) {
    EXPECT_EQ(kind_of({row.target}, table_below), row.kind)
        << row.target.type << " " << row.target.parameters;
  }
}

TEST(LogicalVolume, WhatCannotIsNotSupportedAndTheReasonSaysWhy) {
  struct Row {
    std::vector<MapperTarget> table;
    std::string reason;
  };
  for (const Row& row : {
           Row{{}, "no table"},
           Row{{{"snapshot", "253:1 253:2 P 8"}}, "a snapshot itself"},
           Row{{{"snapshot-merge", "253:1 253:2 P 8"}}, "being merged into it"},
           Row{{{"snapshot-origin", "253:2"}}, "a thin volume that has a snapshot with a store of its own"},
           Row{{{"snapshot-origin", "253:4"}}, "type mirror"},
           Row{{{"snapshot-origin", "253:6"}}, "type vdo"},
           Row{{{"snapshot-origin", "253:99"}}, "no table"},
           Row{{{"mirror", "core 2 1024 nosync 2 253:10 0 253:11 0 1 handle_errors"}}, "type mirror"},
           Row{{{"linear", "253:3 1024"}}, "type vdo"},
           Row{{{"vdo", "V4 253:8 1310720 4096 32768 16380"}}, "type vdo"},
           Row{{{"thin-pool", "253:10 253:11 128 0 0"}}, "type thin-pool"},
           Row{{{"integrity", "253:10 0 4 J 8 journal_sectors:512"}}, "type integrity"},
           Row{{{"crypt", "aes-xts-plain64 :64:logon:x 0 8:16 32768"}}, "type crypt"},
           Row{{{"error", ""}}, "type error"},
           Row{{{"zero", ""}}, "type zero"},
       }) {
    try {
      (void)kind_of(row.table, table_below);
      ADD_FAILURE() << "accepted: " << row.reason;
    } catch (const ProviderError& error) {
      EXPECT_EQ(error.status(), VSS_PROVIDER_E_VOLUME_NOT_SUPPORTED);
      EXPECT_THAT(error.what(), ::testing::HasSubstr(row.reason));
    }
  }
}

TEST(LogicalVolume, WhatIsNoBlockDeviceIsNoLogicalVolume) {
  for (const char* node : {"/dev/null", "/nonexistent", ""}) {
    EXPECT_THROW((void)find_logical_volume(node), ProviderError) << node;
  }
}

}  // namespace
}  // namespace vss::lvm
