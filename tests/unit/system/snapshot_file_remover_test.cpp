// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/snapshot_file_remover.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace vss::system {
namespace {
namespace fs = std::filesystem;

class SnapshotFileRemoverTest : public testing::Test {
 protected:
  void make(const std::string& path) const {
    fs::create_directories((root() / path).parent_path());
    std::ofstream(root() / path) << "x";
  }
  [[nodiscard]] fs::path root() const { return fs::path(directory_.path()) / "snapshot"; }
  [[nodiscard]] fs::path outside() const { return fs::path(directory_.path()) / "outside"; }
  [[nodiscard]] bool exists(const std::string& path) const {
    return fs::exists(fs::symlink_status(root() / path));
  }

  test::TempDir directory_;
};

TEST_F(SnapshotFileRemoverTest, OnlyFilesThatMatchAreDeleted) {
  for (const char* path : {"a/x.tmp", "a/.y.tmp", "a/keep", "a/deep/z.tmp", "b/x.tmp"}) make(path);
  const auto removed = remove_files(root(), {"/a", "*.tmp", false});
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(*removed, 2U);
  EXPECT_TRUE(exists("a/keep"));
  EXPECT_TRUE(exists("a/deep/z.tmp"));
  EXPECT_TRUE(exists("b/x.tmp"));
}

TEST_F(SnapshotFileRemoverTest, ARecursiveSetReachesBelowAndLeavesTheDirectories) {
  for (const char* path : {"a/x", "a/deep/y", "a/deep/er/z"}) make(path);
  EXPECT_EQ(remove_files(root(), {"/", "*", true}).value(), 3U);
  EXPECT_TRUE(exists("a/deep/er"));
}

TEST_F(SnapshotFileRemoverTest, WhatIsNotThereIsNoFailure) {
  make("a/x");
  EXPECT_EQ(remove_files(root(), {"/not/there", "*", true}).value(), 0U);
}

TEST_F(SnapshotFileRemoverTest, LinksAreDeletedNeverFollowed) {
  make("a/x");
  fs::create_directories(outside());
  std::ofstream(outside() / "precious") << "x";
  fs::create_directory_symlink(outside(), root() / "a/link");
  fs::create_directory_symlink(outside(), root() / "way");
  EXPECT_EQ(remove_files(root(), {"/a", "*", true}).value(), 2U);  // x, and the link itself
  EXPECT_FALSE(remove_files(root(), {"/way", "*", true}));
  EXPECT_FALSE(remove_files(root(), {"/../outside", "*", true}));
  EXPECT_TRUE(fs::exists(outside() / "precious"));
}

TEST_F(SnapshotFileRemoverTest, AnEndlessNestIsAnError) {
  std::string path;
  for (int i = 0; i < 140; ++i) path += "d/";
  make(path + "x");
  EXPECT_FALSE(remove_files(root(), {"/", "*", true}));
}

}  // namespace
}  // namespace vss::system
