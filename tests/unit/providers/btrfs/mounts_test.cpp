// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/btrfs/mounts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vss::btrfs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The top level at /top, two subvolumes at /srv and /srv/my data, other filesystems in the second and in the
// first.
constexpr const char* kMounts =
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 21 0:45 / /top rw,relatime - btrfs /dev/sdb rw,subvolid=5,subvol=/\n"
    "31 21 0:45 /@srv /srv rw,relatime shared:7 master:1 - btrfs /dev/sdb rw,subvolid=256,subvol=/@srv\n"
    "32 31 0:45 /@data/part /srv/my\\040data rw - btrfs /dev/sdb rw\n"
    "33 32 8:2 / /srv/my\\040data/db rw - ext4 /dev/sda2 rw\n"
    "34 30 0:50 / /top/@srv/cache rw - tmpfs tmpfs rw\n"
    "35 21 0:46 /@srv /else rw - btrfs /dev/sdc rw\n"
    "nonsense\n"
    "36 21 0:45 /x\n";

TEST(Mounts, LinesAreReadAndNamesUnescaped) {
  const Mounts mounts = parse_mounts(kMounts);
  ASSERT_EQ(mounts.size(), 7U);
  EXPECT_EQ(mounts[3].id, 32);
  EXPECT_EQ(mounts[3].parent, 31);
  EXPECT_EQ(mounts[3].device, "0:45");
  EXPECT_EQ(mounts[3].root, "/@data/part");
  EXPECT_EQ(mounts[3].point, "/srv/my data");
  EXPECT_EQ(mounts[2].type, "btrfs");
  EXPECT_EQ(mounts[2].source, "/dev/sdb");
}

TEST(Mounts, AMountShowsASubvolumeOrSomethingInIt) {
  const Mounts mounts = parse_mounts(kMounts);
  EXPECT_THAT(points_that_show(mounts, "0:45", "/@srv"), ElementsAre("/srv"));
  EXPECT_THAT(points_that_show(mounts, "0:45", "/@data"), ElementsAre("/srv/my data"));
  EXPECT_THAT(points_that_show(mounts, "0:45", "/@sr"), IsEmpty());
  EXPECT_THAT(points_that_show(mounts, "0:46", "/@srv"), ElementsAre("/else"));
}

TEST(Mounts, WhatIsMountedInASubvolumeIsFoundByWhicheverMountOfIt) {
  const Mounts mounts = parse_mounts(kMounts);
  EXPECT_THAT(points_within(mounts, "0:45", "/@srv"), ElementsAre("/srv/my data", "/top/@srv/cache"));
  EXPECT_THAT(points_within(mounts, "0:45", "/@data/part"), ElementsAre("/srv/my data/db"));
  EXPECT_THAT(points_within(mounts, "0:45", "/@data/other"), IsEmpty());
  EXPECT_THAT(points_within(mounts, "0:46", "/@srv"), IsEmpty());
}

TEST(Mounts, APathIsWithinADirectoryAndNotBesideIt) {
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_FALSE(is_within("/", "/a"));
  EXPECT_TRUE(is_within("/ab", "/"));
}

TEST(Mounts, OurOwnNamespaceIsRead) {
  const auto namespaces = read_mounts();
  ASSERT_FALSE(namespaces.empty());
  EXPECT_EQ(namespaces.front().process, "self");
  EXPECT_FALSE(namespaces.front().mounts.empty());
}

}  // namespace
}  // namespace vss::btrfs
