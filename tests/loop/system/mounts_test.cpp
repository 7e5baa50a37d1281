// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <sys/mount.h>
#include <sys/statvfs.h>

#include "daemon/core/unique_fd.hpp"
#include "daemon/system/mount_table.hpp"
#include "daemon/system/snapshot_mounts.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/mount_namespace.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/system/awaited.hpp"

namespace vss::system {
namespace {
namespace fs = std::filesystem;
using test::LoopFilesystem;

class MountsLoopTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { test::private_mount_namespace(); }
  MountsLoopTest() {
    fs::create_directory(filesystem_.mount_point() / "sub");
    std::ofstream(filesystem_.mount_point() / "sub/file") << "content";
  }
  ~MountsLoopTest() override {
    for (const Mount& mount : mounts_below_runtime_dir()) ::umount2(mount.mount_point.c_str(), MNT_DETACH);
  }

  [[nodiscard]] std::vector<Mount> mounts_below_runtime_dir() const {
    std::vector<Mount> found;
    const auto table = MountTable::read("/proc/self/mountinfo");
    for (const Mount& mount : table.value().mounts()) {
      if (is_within(mount.mount_point, runtime_dir_.string())) found.push_back(mount);
    }
    return found;
  }
  core::Result<std::string> mount(const core::MountSpec& spec, bool writable) {
    return test::awaited(context_, mounts_.mount(set_, snapshot_, spec, writable));
  }
  core::Status unmount() { return test::awaited(context_, mounts_.unmount(set_, snapshot_)); }
  [[nodiscard]] core::MountSpec bind() const {
    return {(filesystem_.mount_point() / "sub").string(), "none", "bind", ""};
  }
  [[nodiscard]] core::MountSpec device() const {
    return {filesystem_.device(), "ext4", "noatime,noload", filesystem_.device()};
  }

  test::TempDir directory_;
  fs::path runtime_dir_ = directory_.path() / "run";
  LoopFilesystem filesystem_ = LoopFilesystem::create(directory_.path(), "fs", "ext4", 32);
  asio::io_context context_;
  SnapshotMounts mounts_{runtime_dir_.string()};
  core::Guid set_ = core::Guid::random();
  core::Guid snapshot_ = core::Guid::random();
};

unsigned long flags_of(const std::string& path) {
  struct statvfs facts {};
  EXPECT_EQ(::statvfs(path.c_str(), &facts), 0) << path;
  return facts.f_flag;
}

bool can_write(const std::string& directory) {
  return std::ofstream(directory + "/written").put('x').flush().good();
}

TEST_F(MountsLoopTest, ABindMountIsReadOnlyUnlessItIsToBeWritable) {
  const auto path = mount(bind(), false);
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ(*path, runtime_dir_ / "snapshots" / set_.str() / snapshot_.str());
  EXPECT_TRUE(fs::exists(*path + "/file"));
  EXPECT_FALSE(can_write(*path));
  EXPECT_EQ(flags_of(*path) & (ST_RDONLY | ST_NOSUID | ST_NODEV), ST_RDONLY | ST_NOSUID | ST_NODEV);
  EXPECT_TRUE(can_write((filesystem_.mount_point() / "sub").string()));  // the source keeps its mode

  ASSERT_TRUE(mount(bind(), true));
  EXPECT_EQ(mounts_below_runtime_dir().size(), 1U);
  EXPECT_TRUE(can_write(*path));
  EXPECT_EQ(flags_of(*path) & (ST_RDONLY | ST_NOSUID | ST_NODEV), ST_NOSUID | ST_NODEV);

  ASSERT_TRUE(mount(bind(), false));
  ASSERT_TRUE(mount(bind(), false));
  EXPECT_EQ(mounts_below_runtime_dir().size(), 1U);
  EXPECT_FALSE(can_write(*path));
}

TEST_F(MountsLoopTest, AFilesystemIsMountedWithItsOptions) {
  filesystem_.unmount();
  const auto path = mount(device(), false);
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_FALSE(can_write(*path));
  EXPECT_EQ(flags_of(*path) & (ST_NOATIME | ST_RDONLY), ST_NOATIME | ST_RDONLY);
  core::MountSpec writable = device();
  writable.options = "noatime";
  ASSERT_TRUE(mount(writable, true));
  EXPECT_TRUE(can_write(*path));
  ASSERT_TRUE(unmount());
  filesystem_.mount();
}

TEST_F(MountsLoopTest, OnlyRootMayLookAtSnapshots) {
  ASSERT_TRUE(mount(bind(), false));
  EXPECT_EQ(fs::status(runtime_dir_).permissions(), fs::perms(0755));
  EXPECT_EQ(fs::status(runtime_dir_ / "snapshots").permissions(), fs::perms(0700));
}

TEST_F(MountsLoopTest, UnmountingLeavesNothing) {
  ASSERT_TRUE(unmount());  // not mounted
  ASSERT_TRUE(mount(bind(), false));
  const core::Guid second = core::Guid::random();
  ASSERT_TRUE(test::awaited(context_, mounts_.mount(set_, second, bind(), false)));
  ASSERT_TRUE(unmount());
  EXPECT_TRUE(fs::exists(runtime_dir_ / "snapshots" / set_.str() / second.str() / "file"));
  ASSERT_TRUE(test::awaited(context_, mounts_.unmount(set_, second)));
  EXPECT_TRUE(fs::is_empty(runtime_dir_ / "snapshots"));
  EXPECT_TRUE(mounts_below_runtime_dir().empty());
  EXPECT_TRUE(fs::exists(filesystem_.mount_point() / "sub/file"));
  ASSERT_TRUE(unmount());
}

TEST_F(MountsLoopTest, ABusyMountIsDetached) {
  const auto path = mount(bind(), false);
  ASSERT_TRUE(path);
  const core::UniqueFd in_use = core::open_path(*path + "/file", O_RDONLY).value();
  ASSERT_TRUE(unmount());
  EXPECT_FALSE(fs::exists(*path));
  char byte = 0;
  EXPECT_EQ(::read(in_use.get(), &byte, 1), 1);  // who reads can go on
}

TEST_F(MountsLoopTest, WhatCannotBeMountedLeavesNoDirectory) {
  const core::MountSpec nonsense[] = {
      {(directory_.path() / "nothing").string(), "none", "bind", ""},
      {filesystem_.device(), "nosuchfs", "", ""},
      {filesystem_.device(), "xfs", "", ""},
      {filesystem_.device(), "ext4", "nosuchoption", ""},
  };
  for (const core::MountSpec& spec : nonsense) {
    const auto path = mount(spec, false);
    ASSERT_FALSE(path) << spec.source;
    EXPECT_NE(path.error().message.find(spec.source), std::string::npos) << path.error().message;
    EXPECT_TRUE(fs::is_empty(runtime_dir_ / "snapshots"));
  }
}

TEST_F(MountsLoopTest, DirectoriesWithContentAreNeverEmptied) {
  const fs::path path = runtime_dir_ / "snapshots" / set_.str() / snapshot_.str();
  fs::create_directories(path);
  std::ofstream(path / "foreign").close();
  EXPECT_FALSE(unmount());
  EXPECT_TRUE(fs::exists(path / "foreign"));
}

TEST_F(MountsLoopTest, LeftoversOfAnEarlierDaemonGoAndKnownSetsStay) {
  const auto known = mount(bind(), false);
  ASSERT_TRUE(known);
  const core::Guid unknown = core::Guid::random();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(test::awaited(context_, mounts_.mount(unknown, core::Guid::random(), bind(), i == 0)));
  }
  fs::create_directory(runtime_dir_ / "snapshots" / core::Guid::random().str());
  fs::create_directory(runtime_dir_ / "snapshots/foreign");

  SnapshotMounts next(runtime_dir_.string());
  const auto removed = test::awaited(context_, next.remove_leftovers({set_}));
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(mounts_below_runtime_dir().size(), 1U);
  EXPECT_TRUE(fs::exists(*known + "/file"));
  EXPECT_TRUE(fs::exists(runtime_dir_ / "snapshots/foreign"));
  EXPECT_EQ(std::distance(fs::directory_iterator(runtime_dir_ / "snapshots"), fs::directory_iterator()), 2);
}

}  // namespace
}  // namespace vss::system
