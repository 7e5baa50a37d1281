// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>

#include <sys/mount.h>
#include <sys/stat.h>

#include "daemon/system/volume_facts.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/mount_namespace.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/system/awaited.hpp"

namespace vss::system {
namespace {
namespace fs = std::filesystem;
using test::LoopFilesystem;

class VolumesLoopTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { test::private_mount_namespace(); }
  ~VolumesLoopTest() override {
    for (auto at = binds_.rbegin(); at != binds_.rend(); ++at) ::umount2(at->c_str(), MNT_DETACH);
  }

  fs::path make_bind(const fs::path& from, const std::string& name) {
    const fs::path to = directory_.path() / name;
    if (fs::is_directory(from)) {
      fs::create_directory(to);
    } else {
      std::ofstream(to).close();
    }
    EXPECT_EQ(::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr), 0) << from;
    binds_.push_back(to.string());
    return to;
  }
  core::Volume volume(const fs::path& path) {
    auto found = test::awaited(context_, volumes_.resolve(path.string()));
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    return found.value_or(core::Volume());
  }
  core::Error refusal(const std::string& path) {
    auto found = test::awaited(context_, volumes_.resolve(path));
    EXPECT_FALSE(found) << path << " is on " << (found ? found->path : "");
    return found ? core::Error() : found.error();
  }
  std::vector<core::Volume> listed() { return test::awaited(context_, volumes_.list()).value(); }

  test::TempDir directory_;
  std::vector<std::string> binds_;
  asio::io_context context_;
  SystemVolumes volumes_{{"/proc/self/mountinfo", "/sys", (directory_.path() / "run").string()}};
};

TEST_F(VolumesLoopTest, EveryPathOfAFilesystemIsTheSameVolume) {
  for (const std::string type : {"ext4", "xfs"}) {
    const auto filesystem = LoopFilesystem::create(directory_.path(), type, type, 64);
    fs::create_directories(filesystem.mount_point() / "deep/er");
    std::ofstream(filesystem.mount_point() / "deep/file").close();
    fs::create_symlink(filesystem.mount_point() / "deep", directory_.path() / (type + "-link"));
    const fs::path whole = make_bind(filesystem.mount_point(), type + "-whole");
    const fs::path part = make_bind(filesystem.mount_point() / "deep", type + "-part");
    const fs::path file = make_bind(filesystem.mount_point() / "deep/file", type + "-file");

    const core::Volume expected = volume(filesystem.mount_point());
    EXPECT_EQ(expected.path, filesystem.mount_point());
    EXPECT_EQ(expected.mount_point, filesystem.mount_point());
    EXPECT_EQ(expected.filesystem, type);
    EXPECT_EQ(expected.device, filesystem.device());
    EXPECT_EQ(expected.backing_file, filesystem.image());
    EXPECT_EQ(expected.uuid + "\n",
              test::run_program({"blkid", "-p", "-s", "UUID", "-o", "value", expected.device}));
    EXPECT_FALSE(expected.is_root);
    EXPECT_FALSE(expected.read_only);
    EXPECT_EQ(expected.subvolume_id, 0U);

    for (const fs::path& path :
         {filesystem.mount_point() / "deep/file", filesystem.mount_point() / "deep/../deep/er",
          directory_.path() / (type + "-link") / "er", part / "er", file, whole / "deep"}) {
      const core::Volume found = volume(path);
      EXPECT_EQ(found.superblock, expected.superblock) << path;
      EXPECT_EQ(found.uuid, expected.uuid) << path;
    }
    EXPECT_EQ(volume(part).path, expected.path);
    EXPECT_EQ(volume(file).path, expected.path);
    EXPECT_EQ(volume(whole / "deep").path, whole);
    while (!binds_.empty()) {
      ::umount2(binds_.back().c_str(), MNT_DETACH);
      binds_.pop_back();
    }
  }
}

TEST_F(VolumesLoopTest, ABindMountWhoseFilesystemIsNotMountedIsNoVolume) {
  auto filesystem = LoopFilesystem::create(directory_.path(), "fs", "ext4", 32);
  fs::create_directory(filesystem.mount_point() / "part");
  const fs::path part = make_bind(filesystem.mount_point() / "part", "part");
  filesystem.unmount();
  const core::Error error = refusal(part.string());
  EXPECT_EQ(error.code, ErrorCode::VolumeNotSupported);
  EXPECT_NE(error.message.find("shows only /part"), std::string::npos) << error.message;
}

TEST_F(VolumesLoopTest, EachBtrfsSubvolumeIsAVolumeOfOneSuperblock) {
  auto filesystem = LoopFilesystem::create(directory_.path(), "pool", "btrfs", 128);
  const fs::path pool = filesystem.mount_point();
  test::run_program({"btrfs", "subvolume", "create", (pool / "a").string()});
  test::run_program({"btrfs", "subvolume", "create", (pool / "a/nested").string()});
  fs::create_directories(pool / "a/dir/deep");
  fs::create_directories(pool / "a/nested/dir");

  const core::Volume top = volume(pool);
  const core::Volume a = volume(pool / "a/dir/deep");
  const core::Volume nested = volume(pool / "a/nested/dir");
  EXPECT_EQ(top.path, pool);
  EXPECT_EQ(a.path, pool / "a");
  EXPECT_EQ(nested.path, pool / "a/nested");
  EXPECT_EQ(top.subvolume_id, 5U);
  EXPECT_NE(a.subvolume_id, nested.subvolume_id);
  EXPECT_NE(a.device_number, nested.device_number);
  for (const core::Volume& one : {top, a, nested}) {
    EXPECT_EQ(one.superblock, "btrfs:" + one.uuid);
    EXPECT_EQ(one.superblock, top.superblock);
    EXPECT_EQ(one.device, filesystem.device());
    EXPECT_EQ(one.backing_file, filesystem.image());
    EXPECT_EQ(one.mount_point, pool);
  }
  EXPECT_EQ(top.uuid + "\n",
            test::run_program({"blkid", "-p", "-s", "UUID", "-o", "value", filesystem.device()}));

  // A bind mount of a directory in a subvolume, and a mount of the subvolume alone.
  const core::Volume through_bind = volume(make_bind(pool / "a/dir", "bind") / "deep");
  EXPECT_EQ(through_bind.path, pool / "a");
  EXPECT_EQ(through_bind.subvolume_id, a.subvolume_id);
  filesystem.unmount();
  filesystem.mount("subvol=a");
  const core::Volume mounted_alone = volume(pool / "nested/dir");
  EXPECT_EQ(mounted_alone.path, pool / "nested");
  EXPECT_EQ(mounted_alone.subvolume_id, nested.subvolume_id);
  EXPECT_EQ(mounted_alone.superblock, nested.superblock);
  EXPECT_EQ(volume(directory_.path() / "bind").path, pool);
}

TEST_F(VolumesLoopTest, WhatAVolumeStandsOnIsKnown) {
  const auto outer = LoopFilesystem::create(directory_.path(), "outer", "xfs", 400);
  const auto pool = LoopFilesystem::create(outer.mount_point(), "pool", "btrfs", 160);
  test::run_program({"btrfs", "subvolume", "create", (pool.mount_point() / "a").string()});
  const auto inner = LoopFilesystem::create(pool.mount_point() / "a", "inner", "ext4", 32);

  const core::Volume on_outer = volume(outer.mount_point());
  const core::Volume on_pool = volume(pool.mount_point() / "a");
  const core::Volume on_inner = volume(inner.mount_point());
  EXPECT_EQ(on_inner.backing_file, inner.image());
  EXPECT_THAT(on_inner.depends_on, testing::IsSupersetOf({on_pool.superblock, on_outer.superblock}));
  EXPECT_THAT(on_pool.depends_on, testing::Contains(on_outer.superblock));
  EXPECT_THAT(on_pool.depends_on, testing::Not(testing::Contains(on_inner.superblock)));
  EXPECT_THAT(on_outer.depends_on, testing::Not(testing::Contains(on_pool.superblock)));
}

TEST_F(VolumesLoopTest, AReadOnlyFilesystemSaysSo) {
  auto filesystem = LoopFilesystem::create(directory_.path(), "fs", "ext4", 32);
  ASSERT_EQ(::mount(nullptr, filesystem.mount_point().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_TRUE(volume(filesystem.mount_point()).read_only);
}

TEST_F(VolumesLoopTest, TheListHasEachVolumeOnce) {
  const auto plain = LoopFilesystem::create(directory_.path(), "plain", "ext4", 32);
  const auto pool = LoopFilesystem::create(directory_.path(), "pool", "btrfs", 128);
  test::run_program({"btrfs", "subvolume", "create", (pool.mount_point() / "a").string()});
  fs::create_directory(pool.mount_point() / "dir");
  make_bind(plain.mount_point(), "plain-again");
  make_bind(pool.mount_point() / "a", "only-a");
  make_bind(pool.mount_point() / "dir", "dir");
  fs::create_directory(directory_.path() / "run");
  const auto ours = LoopFilesystem::create(directory_.path() / "run", "snapshot", "ext4", 32);

  std::vector<std::string> paths;
  for (const core::Volume& one : listed()) {
    const fs::path path = one.path;
    if (path.parent_path() == directory_.path()) paths.push_back(path.filename().string());
  }
  EXPECT_THAT(paths, testing::UnorderedElementsAre("plain", "pool", "only-a"));
  EXPECT_EQ(refusal(ours.mount_point().string()).code, ErrorCode::VolumeNotSupported);
}

TEST_F(VolumesLoopTest, PathsThatNameNoVolumeAreRefused) {
  const fs::path tmpfs = directory_.path() / "tmpfs";
  fs::create_directory(tmpfs);
  ASSERT_EQ(::mount("none", tmpfs.c_str(), "tmpfs", 0, "size=1m"), 0);
  binds_.push_back(tmpfs.string());
  struct Row {
    std::string path;
    ErrorCode code;
  };
  const std::array rows = {
      Row{"", ErrorCode::InvalidArgument},
      Row{"srv", ErrorCode::InvalidArgument},
      Row{"./srv", ErrorCode::InvalidArgument},
      Row{"/srv\n", ErrorCode::InvalidArgument},
      Row{std::string("/srv\0/x", 7), ErrorCode::InvalidArgument},
      Row{"/\x7f", ErrorCode::InvalidArgument},
      Row{"/" + std::string(4095, 'a'), ErrorCode::InvalidArgument},
      Row{"/" + std::string(4094, 'a'), ErrorCode::InvalidArgument},  // one component of this length
      Row{directory_.path().string() + "/nothing", ErrorCode::ObjectNotFound},
      Row{"/etc/passwd/x", ErrorCode::ObjectNotFound},
      Row{"/proc", ErrorCode::VolumeNotSupported},
      Row{tmpfs.string(), ErrorCode::VolumeNotSupported},
  };
  for (const Row& row : rows) {
    const core::Error error = refusal(row.path);
    EXPECT_EQ(error.code, row.code) << row.path << ": " << error.message;
    EXPECT_FALSE(error.message.empty());
  }
}

TEST_F(VolumesLoopTest, AnOverlayIsNoVolumeButWhatStandsOnItIsTraced) {
  const auto layer = LoopFilesystem::create(directory_.path(), "layer", "ext4", 64);
  for (const char* name : {"lower", "upper", "work"}) fs::create_directory(layer.mount_point() / name);
  const fs::path merged = directory_.path() / "merged";
  fs::create_directory(merged);
  const std::string base = layer.mount_point().string();
  const std::string options =
      "lowerdir=" + base + "/lower,upperdir=" + base + "/upper,workdir=" + base + "/work";
  ASSERT_EQ(::mount("none", merged.c_str(), "overlay", 0, options.c_str()), 0);
  binds_.push_back(merged.string());
  EXPECT_EQ(refusal(merged.string()).code, ErrorCode::VolumeNotSupported);

  const auto image = LoopFilesystem::create(merged, "image", "ext4", 16);
  EXPECT_THAT(volume(image.mount_point()).depends_on,
              testing::Contains(volume(layer.mount_point()).superblock));
}

}  // namespace
}  // namespace vss::system
