// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/mount_table.hpp"

#include <gtest/gtest.h>

#include <array>

#include <sys/sysmacros.h>

namespace vss::system {
namespace {

MountTable parsed(const std::string& text) {
  auto table = MountTable::parse(text);
  EXPECT_TRUE(table) << (table ? "" : table.error().message);
  return table.value_or(MountTable());
}

constexpr auto kHidden =
    "20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    "21 20 8:2 / /srv rw - xfs /dev/sda2 rw\n"
    "22 21 8:3 / /srv/data rw - ext4 /dev/sda3 rw\n"
    "23 21 8:4 /inner\\040dir /srv rw shared:2 master:1 - ext4 /dev/sda4 ro,stripe=4\n"
    "24 20 0:30 / /srvx rw - nfs4 host:/x rw\n";

TEST(MountTable, FieldsAreReadAndUnescaped) {
  const MountTable table = parsed(kHidden);
  ASSERT_EQ(table.mounts().size(), 5U);
  const Mount* mount = table.by_id(23);
  ASSERT_NE(mount, nullptr);
  EXPECT_EQ(mount->parent, 21);
  EXPECT_EQ(mount->device, makedev(8, 4));
  EXPECT_EQ(mount->root, "/inner dir");
  EXPECT_EQ(mount->mount_point, "/srv");
  EXPECT_EQ(mount->filesystem, "ext4");
  EXPECT_EQ(mount->source, "/dev/sda4");
  EXPECT_EQ(mount->super_options, "ro,stripe=4");
  EXPECT_FALSE(mount->network);
  EXPECT_TRUE(table.by_id(24)->network);
}

TEST(MountTable, ThePathLiesInTheMountThatIsOnTop) {
  const MountTable table = parsed(kHidden);
  struct Row {
    std::string path;
    int mount;
  };
  for (const Row& row : std::array<Row, 6>{
           {{"/", 20}, {"/etc", 20}, {"/srv", 23}, {"/srv/data/x", 23}, {"/srvx/y", 24}, {"/srvxy", 20}}}) {
    ASSERT_NE(table.covering(row.path), nullptr) << row.path;
    EXPECT_EQ(table.covering(row.path)->id, row.mount) << row.path;
  }
  EXPECT_TRUE(table.is_visible(*table.by_id(23)));
  EXPECT_FALSE(table.is_visible(*table.by_id(22)));
  EXPECT_FALSE(table.is_visible(*table.by_id(21)));
}

TEST(MountTable, ARootThatIsItsOwnParentIsTheRoot) {
  const MountTable table = parsed("1 1 0:2 / / rw - rootfs rootfs rw\n20 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
  ASSERT_NE(table.covering("/x"), nullptr);
  EXPECT_EQ(table.covering("/x")->id, 20);
}

TEST(MountTable, WhatIsNoMountinfoIsRefused) {
  for (const std::string text : {"nonsense\n", "20 1 8:1 / /\n", "20 1 8 / / rw - ext4 a rw\n"}) {
    const auto table = MountTable::parse(text);
    ASSERT_FALSE(table) << text;
    EXPECT_EQ(table.error().code, ErrorCode::InvalidArgument) << text;
  }
  EXPECT_TRUE(parsed("").mounts().empty());
  EXPECT_EQ(parsed("").covering("/"), nullptr);
}

TEST(MountTable, TheTableOfThisProcessHasARoot) {
  const auto table = MountTable::read("/proc/self/mountinfo");
  ASSERT_TRUE(table);
  EXPECT_NE(table->covering("/"), nullptr);
  EXPECT_EQ(MountTable::read("/nonexistent/mountinfo").error().code, ErrorCode::ObjectNotFound);
}

TEST(Paths, OnlyWholeComponentsCount) {
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_FALSE(is_within("/", "/a"));
  EXPECT_EQ(relative_to("/a/b/c", "/a"), "b/c");
  EXPECT_EQ(relative_to("/a", "/"), "a");
  EXPECT_EQ(relative_to("/a", "/a"), "");
  EXPECT_EQ(join("/", "a"), "/a");
  EXPECT_EQ(join("/a", "b"), "/a/b");
  EXPECT_EQ(join("/a", ""), "/a");
}

TEST(Options, EveryValueOfAnOptionIsFound) {
  EXPECT_EQ(option_values("rw,lowerdir+=/a,lowerdir+=/b,x", "lowerdir+"),
            (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(option_values("rw,upperdir=/a", "lowerdir"), std::vector<std::string>{});
}

}  // namespace
}  // namespace vss::system
