// SPDX-License-Identifier: LGPL-2.1-or-later
// Snapshots shown at other places with real mounts: where that is refused, and what is never unmounted.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "daemon/core/unique_fd.hpp"
#include "daemon/system/mount_points.hpp"
#include "daemon/system/snapshot_mounts.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/mount_namespace.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/system/awaited.hpp"

namespace vss::system {
namespace {
namespace fs = std::filesystem;
using test::LoopFilesystem;

class ExposureLoopTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { test::private_mount_namespace(); }
  ExposureLoopTest() {
    std::ofstream(filesystem_.mount_point() / "file") << "content";
    const core::MountSpec spec{filesystem_.mount_point().string(), "none", "bind", ""};
    source_ = test::awaited(context_, mounts_.mount(core::Guid::random(), snapshot_, spec, false)).value();
    fs::create_directories(target_);
  }
  ~ExposureLoopTest() override {
    for (const std::string& path : {target_.string(), source_}) {
      while (is_mount_root(path).value().value_or(false)) ::umount2(path.c_str(), MNT_DETACH);
    }
    test::awaited(context_, mounts_.remove_leftovers({}));
  }

  core::Result<std::string> find(const fs::path& path) {
    return test::awaited(context_, mounts_.find_mount_point(path.string()));
  }
  core::Status expose() {
    return test::awaited(context_, mounts_.expose(snapshot_, source_, target_.string()));
  }
  core::Status unexpose(bool force = false) {
    return test::awaited(context_, mounts_.unexpose(snapshot_, target_.string(), force));
  }
  [[nodiscard]] bool is_mounted() const { return is_mount_root(target_.string()).value().value_or(false); }
  void mount_tmpfs_at(const fs::path& path) const {
    ASSERT_EQ(::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=64k"), 0);
  }

  test::TempDir directory_;
  // As the kernel names it: what find_mount_point() returns.
  fs::path base_ = fs::canonical(directory_.path());
  fs::path runtime_dir_ = base_ / "run";
  fs::path target_ = base_ / "exposed here";
  LoopFilesystem filesystem_ = LoopFilesystem::create(directory_.path(), "fs", "ext4", 32);
  asio::io_context context_;
  SnapshotMounts mounts_{runtime_dir_.string()};
  core::Guid snapshot_ = core::Guid::random();
  std::string source_;
};

TEST_F(ExposureLoopTest, APlaceHasToBeAnEmptyDirectoryOfNobodyElse) {
  fs::create_directories(base_ / "full/inside");
  std::ofstream(base_ / "a file").close();
  fs::create_directory_symlink(target_, base_ / "link");
  fs::create_directory_symlink(base_, base_ / "way");
  fs::create_directory(base_ / "mounted");
  mount_tmpfs_at(base_ / "mounted");
  fs::create_directory(base_ / "mounted/inside");
  fs::create_directory(runtime_dir_ / "inside");
  struct Row {
    fs::path path;
    std::optional<ErrorCode> error;
  };
  const Row rows[] = {
      {target_, {}},
      {base_ / "way/exposed here", {}},  // a link in the way is none at the end
      {base_ / "mounted/inside", {}},
      {base_ / "full/inside", {}},
      {base_ / "missing", ErrorCode::ObjectNotFound},
      {base_ / "missing/inside", ErrorCode::ObjectNotFound},
      {base_ / std::string(256, 'a'), ErrorCode::InvalidArgument},
      {base_ / "a file", ErrorCode::InvalidArgument},
      {base_ / "a file/inside", ErrorCode::InvalidArgument},
      {base_ / "link", ErrorCode::InvalidArgument},
      {base_ / "full", ErrorCode::VolumeInUse},
      {base_ / "mounted", ErrorCode::VolumeInUse},
      {filesystem_.mount_point(), ErrorCode::VolumeInUse},
      {runtime_dir_, ErrorCode::InvalidArgument},
      {runtime_dir_ / "inside", ErrorCode::InvalidArgument},
      {base_ / "way/run/inside", ErrorCode::InvalidArgument},
      {source_, ErrorCode::InvalidArgument},
  };
  for (const Row& row : rows) {
    const auto found = find(row.path);
    ASSERT_EQ(found.has_value(), !row.error) << row.path << (found ? "" : found.error().message);
    if (row.error) {
      EXPECT_EQ(found.error().code, *row.error) << row.path << found.error().message;
    }
  }
  EXPECT_EQ(find(base_ / "way/exposed here").value(), target_.string());
  ::umount2((base_ / "mounted").c_str(), MNT_DETACH);
}

TEST_F(ExposureLoopTest, ItIsReadOnlyAndLeavesTheDirectoryEmpty) {
  ASSERT_TRUE(expose());
  EXPECT_TRUE(fs::exists(target_ / "file"));
  EXPECT_FALSE(std::ofstream(target_ / "new").put('x').flush().good());
  struct statvfs facts {};
  ASSERT_EQ(::statvfs(target_.c_str(), &facts), 0);
  EXPECT_EQ(facts.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV), ST_RDONLY | ST_NOSUID | ST_NODEV);
  ASSERT_TRUE(unexpose());
  EXPECT_FALSE(is_mounted());
  EXPECT_TRUE(fs::is_empty(target_));
  EXPECT_TRUE(fs::is_empty(runtime_dir_ / "exposed"));
  EXPECT_TRUE(unexpose()) << "it is not there: nothing to do";
}

TEST_F(ExposureLoopTest, ABusyOneStaysUnlessItIsForced) {
  ASSERT_TRUE(expose());
  const core::UniqueFd in_use = core::open_path((target_ / "file").string(), O_RDONLY).value();
  const auto refused = unexpose();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::VolumeInUse);
  EXPECT_TRUE(fs::exists(target_ / "file"));
  ASSERT_TRUE(unexpose(true));
  EXPECT_TRUE(fs::is_empty(target_));
  char byte = 0;
  EXPECT_EQ(::read(in_use.get(), &byte, 1), 1);  // who reads can go on
}

TEST_F(ExposureLoopTest, ALaterRunKnowsWhatAFormerOneHasMounted) {
  ASSERT_TRUE(expose());
  const core::UniqueFd in_use = core::open_path((target_ / "file").string(), O_RDONLY).value();
  SnapshotMounts next(runtime_dir_.string());
  ASSERT_TRUE(test::awaited(context_, next.remove_leftovers({})));
  EXPECT_TRUE(fs::exists(target_ / "file")) << "only our own directory is cleared";
  ASSERT_TRUE(test::awaited(context_, next.expose(snapshot_, source_, target_.string())));
  ASSERT_FALSE(test::awaited(context_, next.unexpose(snapshot_, target_.string(), false)));
  ASSERT_TRUE(test::awaited(context_, next.unexpose(snapshot_, target_.string(), true)));
  EXPECT_FALSE(is_mounted()) << "it was there once, not twice";
}

TEST_F(ExposureLoopTest, WhatSomebodyElseHasMountedThereStays) {
  mount_tmpfs_at(target_);
  const auto refused = expose();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::VolumeInUse);
  EXPECT_TRUE(unexpose(true));
  EXPECT_TRUE(is_mounted());
  ASSERT_EQ(::umount2(target_.c_str(), 0), 0);

  ASSERT_TRUE(expose());
  ASSERT_EQ(::umount2(target_.c_str(), 0), 0);
  mount_tmpfs_at(target_);
  EXPECT_TRUE(unexpose(true)) << "ours is gone";
  EXPECT_TRUE(is_mounted()) << "theirs is not";
}

TEST_F(ExposureLoopTest, ALinkThatCameLaterIsNotFollowed) {
  ASSERT_TRUE(expose());
  ASSERT_TRUE(unexpose());
  const fs::path elsewhere = base_ / "elsewhere";
  fs::rename(target_, elsewhere);
  fs::create_directory_symlink(elsewhere, target_);
  EXPECT_EQ(expose().error().code, ErrorCode::InvalidArgument);
  EXPECT_TRUE(fs::is_empty(elsewhere));
  fs::remove(target_);
  EXPECT_EQ(expose().error().code, ErrorCode::ObjectNotFound);
  fs::create_directory(target_);
  std::ofstream(target_ / "precious").close();
  EXPECT_EQ(expose().error().code, ErrorCode::VolumeInUse);
  EXPECT_TRUE(fs::exists(target_ / "precious"));
}

TEST_F(ExposureLoopTest, AMountThatWasMovedAwayIsNotThereAnyMore) {
  const fs::path parent = base_ / "parent";
  target_ = parent / "target";
  fs::create_directories(target_);
  ASSERT_TRUE(expose());
  fs::rename(parent, base_ / "moved");
  EXPECT_TRUE(unexpose(true));
  fs::create_directory_symlink(base_ / "moved", parent);
  EXPECT_TRUE(unexpose(true));
  EXPECT_TRUE(fs::exists(base_ / "moved/target/file"));
  ::umount2((base_ / "moved/target").c_str(), MNT_DETACH);
}

TEST_F(ExposureLoopTest, ClientsFindItUnderItsNameAndEverybodyMayEnter) {
  const core::ClientName name{"srv-data", "@GMT-2026.11.21-19.44.01"};
  const auto path = test::awaited(context_, mounts_.show_to_clients(source_, name));
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ(*path, runtime_dir_ / "client-accessible" / name.volume / name.snapshot);
  EXPECT_TRUE(fs::exists(*path + "/file"));
  EXPECT_FALSE(std::ofstream(*path + "/new").put('x').flush().good());
  for (fs::path at = fs::path(*path).parent_path(); at != runtime_dir_.parent_path(); at = at.parent_path()) {
    EXPECT_EQ(fs::status(at).permissions(), fs::perms(0755)) << at;
  }
  EXPECT_TRUE(test::awaited(context_, mounts_.show_to_clients(source_, name))) << "once more replaces it";
  const core::UniqueFd in_use = core::open_path(*path + "/file", O_RDONLY).value();
  ASSERT_TRUE(test::awaited(context_, mounts_.hide_from_clients(name)));
  ASSERT_TRUE(test::awaited(context_, mounts_.hide_from_clients(name)));
  EXPECT_TRUE(fs::is_empty(runtime_dir_ / "client-accessible"));
}

TEST_F(ExposureLoopTest, WhatClientsSawOfAFormerRunGoesAtTheStart) {
  for (const char* time : {"@GMT-2026.11.21-19.44.01", "@GMT-2026.11.21-19.44.02"}) {
    ASSERT_TRUE(test::awaited(context_, mounts_.show_to_clients(source_, {"srv", time})));
  }
  const fs::path foreign = runtime_dir_ / "client-accessible/foreign/file";
  fs::create_directory(foreign.parent_path());
  std::ofstream(foreign).close();
  SnapshotMounts next(runtime_dir_.string());
  ASSERT_TRUE(test::awaited(context_, next.remove_leftovers({})));
  EXPECT_FALSE(fs::exists(runtime_dir_ / "client-accessible/srv"));
  EXPECT_TRUE(fs::exists(foreign)) << "nothing is deleted but empty directories";
}

TEST_F(ExposureLoopTest, WhatCannotBeShownToClientsLeavesNoDirectory) {
  const auto refused =
      test::awaited(context_, mounts_.show_to_clients((base_ / "missing").string(), {"srv", "@GMT-1"}));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(fs::is_empty(runtime_dir_ / "client-accessible"));
  EXPECT_FALSE(test::awaited(context_, mounts_.show_to_clients(source_, {std::string(256, 'a'), "@GMT-1"})));
}

}  // namespace
}  // namespace vss::system
