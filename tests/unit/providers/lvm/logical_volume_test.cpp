// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/logical_volume.hpp"

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

TEST(LogicalVolume, WhatIsNoBlockDeviceIsNoLogicalVolume) {
  for (const char* node : {"/dev/null", "/nonexistent", ""}) {
    EXPECT_THROW((void)find_logical_volume(node), ProviderError) << node;
  }
}

}  // namespace
}  // namespace vss::lvm
