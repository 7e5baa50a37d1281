// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/block_devices.hpp"

#include <gtest/gtest.h>

#include <sys/sysmacros.h>

#include "tests/unit/system/sysfs_fixture.hpp"

namespace vss::system {
namespace {

TEST(BlockDevices, LoopFilesAreFoundThroughPartitionsAndMappings) {
  const test::SysfsFixture sysfs;
  sysfs.add_loop("7:0", "loop0", "/images/disk.img");
  const auto partition = sysfs.add_device("259:1", "loop0/loop0p1");
  sysfs.add_mapped("253:0", "dm-0", "vg-pool", "loop0/loop0p1");
  sysfs.add_mapped("253:1", "dm-1", "vg-data", "dm-0");
  const BlockDevices blocks(sysfs.root());

  const auto devices = blocks.of_number(makedev(253, 1));
  ASSERT_EQ(devices.size(), 1U);
  EXPECT_EQ(BlockDevices::node(devices.front()), "/dev/mapper/vg-data");
  EXPECT_EQ(BlockDevices::node(partition), "/dev/loop0p1");
  EXPECT_EQ(BlockDevices::backing_files(devices), std::vector<std::string>{"/images/disk.img"});
  EXPECT_FALSE(BlockDevices::is_suspended(devices));
}

TEST(BlockDevices, ASlashInANameIsAnExclamationMarkInSysfs) {
  const test::SysfsFixture sysfs;
  EXPECT_EQ(BlockDevices::node(sysfs.add_device("104:0", "cciss!c0d0")), "/dev/cciss/c0d0");
}

TEST(BlockDevices, ASuspendedDeviceAnywhereBelowCounts) {
  const test::SysfsFixture sysfs;
  static_cast<void>(sysfs.add_device("8:0", "sda"));
  sysfs.add_mapped("253:0", "dm-0", "vg-origin", "sda", true);
  sysfs.add_mapped("253:1", "dm-1", "crypt", "dm-0");
  const BlockDevices blocks(sysfs.root());
  EXPECT_TRUE(BlockDevices::is_suspended(blocks.of_number(makedev(253, 1))));
  EXPECT_FALSE(BlockDevices::is_suspended(blocks.of_number(makedev(8, 0))));
}

TEST(BlockDevices, AllDevicesOfABtrfsAreFound) {
  const test::SysfsFixture sysfs;
  sysfs.add_loop("7:0", "loop0", "/a.img");
  sysfs.add_loop("7:1", "loop1", "/b.img");
  sysfs.add_btrfs("fs-1", "loop0");
  sysfs.add_btrfs("fs-1", "loop1");
  const BlockDevices blocks(sysfs.root());
  EXPECT_EQ(BlockDevices::backing_files(blocks.of_btrfs("fs-1")),
            (std::vector<std::string>{"/a.img", "/b.img"}));
  EXPECT_TRUE(blocks.of_btrfs("fs-2").empty());
  EXPECT_TRUE(blocks.of_number(makedev(9, 9)).empty());
}

}  // namespace
}  // namespace vss::system
