// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/topology.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/system/sysfs_fixture.hpp"

namespace vss::system {
namespace {
using Names = std::vector<std::string>;

// One machine with everything that can stand on something else.
constexpr auto kMounts =
    "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
    "21 20 0:20 / /run rw - tmpfs tmpfs rw\n"
    "22 20 8:2 / /srv rw - xfs /dev/sda2 rw\n"
    "23 22 0:31 /@ /srv/pool rw - btrfs /dev/mapper/vg-pool rw,subvolid=256,subvol=/@\n"
    "24 23 0:31 /@home /srv/pool/home rw - btrfs /dev/mapper/vg-pool rw,subvolid=257,subvol=/@home\n"
    "25 20 7:0 / /outer rw - ext4 /dev/loop0 rw\n"
    "26 20 7:1 / /inner rw - ext4 /dev/loop1 rw\n"
    "27 21 7:1 /dir /run/bind rw - ext4 /dev/loop1 rw\n"
    "28 20 0:40 / /merged rw - overlay overlay "
    "rw,lowerdir=/srv/l\\134:x:/inner/low,upperdir=/outer/u,workdir=/outer/w\n"
    "29 28 7:2 / /merged/deep rw - ext4 /dev/loop2 rw\n"
    "30 20 0:41 / /remote rw - nfs4 host:/ rw\n"
    "31 20 0:42 / /user rw - fuse.sshfs host:/ rw\n"
    "32 20 253:9 / /ntfs rw - fuseblk /dev/mapper/ntfs rw\n";

class TopologyTest : public testing::Test {
 protected:
  TopologyTest() {
    for (const auto& [number, name] : {std::pair{"8:1", "sda1"}, {"8:2", "sda2"}, {"8:3", "sda3"}}) {
      static_cast<void>(sysfs_.add_device(number, name));
    }
    sysfs_.add_mapped("253:0", "dm-0", "vg-pool", "sda3");
    sysfs_.add_btrfs("fsid-1", "dm-0");
    sysfs_.add_loop("7:0", "loop0", "/srv/pool/home/outer.img");
    sysfs_.add_loop("7:1", "loop1", "/outer/inner.img");
    sysfs_.add_loop("7:2", "loop2", "/run/deep.img");
  }

  Topology topology() {
    auto table = MountTable::parse(kMounts);
    EXPECT_TRUE(table);
    return {*table, sysfs_.root(), [](const MountTable&, const Mount&) { return std::string("fsid-1"); }};
  }

  test::SysfsFixture sysfs_;
};

TEST_F(TopologyTest, AllMountsOfOneFilesystemAreOneSuperblock) {
  Topology machine = topology();
  const MountTable& table = machine.table();
  EXPECT_EQ(machine.superblock(*table.by_id(23)), "btrfs:fsid-1");
  EXPECT_EQ(machine.superblock(*table.by_id(24)), "btrfs:fsid-1");
  EXPECT_EQ(machine.superblock(*table.by_id(26)), "7:1");
  EXPECT_EQ(machine.superblock(*table.by_id(27)), "7:1");
  EXPECT_TRUE(machine.carries_root(*table.by_id(20)));
  EXPECT_FALSE(machine.carries_root(*table.by_id(22)));
}

TEST_F(TopologyTest, EverythingBelowAVolumeIsFound) {
  struct Row {
    const char* what;
    int mount;
    Names depends_on;
  };
  const std::array rows = {
      Row{"the root stands on nothing", 20, {}},
      Row{"a mount stands on the one it is in", 22, {"8:1"}},
      Row{"btrfs on a mapped disk", 23, {"8:2", "8:1"}},
      Row{"a subvolume mounted in its own filesystem does not stand on itself", 24, {"8:2", "8:1"}},
      Row{"an image on a subvolume", 25, {"btrfs:fsid-1", "8:2", "8:1"}},
      Row{"an image in an image", 26, {"7:0", "btrfs:fsid-1", "8:2", "8:1"}},
      Row{"a bind mount below tmpfs", 27, {"7:0", "btrfs:fsid-1", "8:2", "8:1"}},
      Row{"an overlay stands on all its layers", 28, {"7:0", "btrfs:fsid-1", "8:2", "8:1", "7:1"}},
      Row{"a mount in an overlay stands on the layers too", 29, {"8:1", "7:0", "btrfs:fsid-1", "8:2", "7:1"}},
  };
  Topology machine = topology();
  for (const Row& row : rows) {
    EXPECT_EQ(machine.depends_on(*machine.table().by_id(row.mount)), row.depends_on) << row.what;
  }
}

TEST_F(TopologyTest, OnlyLocalFilesystemsOnBlockDevicesAreVolumes) {
  const Topology machine = topology();
  for (const int id : {20, 22, 23, 25}) EXPECT_TRUE(Topology::supported(*machine.table().by_id(id))) << id;
  struct Row {
    int mount;
    const char* says;
  };
  for (const Row& row : std::array<Row, 5>{{{21, "/run is tmpfs"},
                                            {28, "other filesystems"},
                                            {30, "network"},
                                            {31, "served by a process"},
                                            {32, "served by a process"}}}) {
    const auto status = Topology::supported(*machine.table().by_id(row.mount));
    ASSERT_FALSE(status) << row.mount;
    EXPECT_EQ(status.error().code, ErrorCode::VolumeNotSupported);
    EXPECT_NE(status.error().message.find(row.says), std::string::npos) << status.error().message;
  }
}

TEST_F(TopologyTest, ABtrfsWhoseIdIsUnknownKeepsItsNumber) {
  Topology machine(*MountTable::parse(kMounts), sysfs_.root(),
                   [](const MountTable&, const Mount&) { return std::string(); });
  EXPECT_EQ(machine.superblock(*machine.table().by_id(23)), "0:31");
  EXPECT_TRUE(machine.devices(*machine.table().by_id(23)).empty());
}

}  // namespace
}  // namespace vss::system
