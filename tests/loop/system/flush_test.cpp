// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <vector>

#include <linux/fs.h>
#include <sys/ioctl.h>

#include "daemon/core/unique_fd.hpp"
#include "daemon/system/volume_facts.hpp"
#include "tests/support/freeze_guard.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/mount_namespace.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/unit/system/awaited.hpp"

namespace vss::system {
namespace {
using namespace std::chrono_literals;
using test::LoopFilesystem;

class FlushLoopTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { test::private_mount_namespace(); }

  core::Volume volume(const LoopFilesystem& filesystem) {
    return test::awaited(context_, volumes_.resolve(filesystem.mount_point().string())).value();
  }
  core::Status flush(const std::vector<core::Volume>& volumes, std::uint32_t limit_ms) {
    return test::awaited(context_, volumes_.flush(volumes, limit_ms));
  }

  test::TempDir directory_;
  asio::io_context context_;
  SystemVolumes volumes_{VolumeSources{}};
};

void make_dirty(const LoopFilesystem& filesystem) {
  std::ofstream(filesystem.mount_point() / "dirty") << std::string(4 << 20, 'x');
}

TEST_F(FlushLoopTest, AllFilesystemsAreFlushed) {
  const auto first = LoopFilesystem::create(directory_.path(), "first", "ext4", 64);
  const auto second = LoopFilesystem::create(directory_.path(), "second", "btrfs", 128);
  make_dirty(first);
  make_dirty(second);
  EXPECT_TRUE(flush({volume(first), volume(second), volume(first)}, 60'000));
  EXPECT_TRUE(flush({}, 1));
}

TEST_F(FlushLoopTest, AFilesystemThatIsGoneIsAnError) {
  core::Volume gone;
  gone.path = (directory_.path() / "gone").string();
  gone.superblock = "7:99";
  const auto flushed = flush({gone}, 1000);
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, ErrorCode::ObjectNotFound);
}

// Deterministic: the blocks of the inner filesystem cannot be written while the outer one is frozen.
TEST_F(FlushLoopTest, AFlushThatHangsIsLeftBehindAndFailsTheNextOneAtOnce) {
  const auto outer = LoopFilesystem::create(directory_.path(), "outer", "ext4", 128);
  const auto inner = LoopFilesystem::create(outer.mount_point(), "inner", "ext4", 32);
  const auto other = LoopFilesystem::create(directory_.path(), "other", "ext4", 32);
  const std::vector<core::Volume> stuck = {volume(inner)};
  const core::Volume healthy = volume(other);
  const core::UniqueFd outer_root(outer.open_root());
  const core::UniqueFd inner_root(inner.open_root());
  const test::FreezeGuard guard({outer_root.get(), inner_root.get()});

  make_dirty(inner);
  ASSERT_EQ(::ioctl(outer_root.get(), FIFREEZE, 0), 0);
  const auto late = flush({stuck.front(), healthy}, 300);
  const auto start = std::chrono::steady_clock::now();
  const auto again = flush(stuck, 60'000);
  const auto waited = std::chrono::steady_clock::now() - start;
  const auto unaffected = flush({healthy}, 60'000);
  ASSERT_EQ(::ioctl(outer_root.get(), FITHAW, 0), 0);

  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::FlushWritesTimeout);
  EXPECT_NE(late.error().message.find(inner.mount_point().string()), std::string::npos)
      << late.error().message;
  EXPECT_EQ(late.error().message.find(other.mount_point().string()), std::string::npos)
      << late.error().message;
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::FlushWritesTimeout);
  EXPECT_LT(waited, 10s);
  EXPECT_TRUE(unaffected);
  // Once the disk answers again, so does the flush.
  EXPECT_TRUE(test::wait_until([&] { return flush(stuck, 10'000).has_value(); }, 30s));
}

TEST_F(FlushLoopTest, AHangingFlushDoesNotKeepItsOwnerFromGoing) {
  const auto outer = LoopFilesystem::create(directory_.path(), "outer", "ext4", 128);
  const auto inner = LoopFilesystem::create(outer.mount_point(), "inner", "ext4", 32);
  const core::UniqueFd outer_root(outer.open_root());
  const core::UniqueFd inner_root(inner.open_root());
  const test::FreezeGuard guard({outer_root.get(), inner_root.get()});
  make_dirty(inner);
  auto volumes = std::make_unique<SystemVolumes>(VolumeSources{});
  const std::vector<core::Volume> stuck = {volume(inner)};
  ASSERT_EQ(::ioctl(outer_root.get(), FIFREEZE, 0), 0);
  const auto late = test::awaited(context_, volumes->flush(stuck, 100));
  const auto start = std::chrono::steady_clock::now();
  volumes.reset();
  const auto waited = std::chrono::steady_clock::now() - start;
  ASSERT_EQ(::ioctl(outer_root.get(), FITHAW, 0), 0);
  EXPECT_FALSE(late);
  EXPECT_LT(waited, 10s);
}

}  // namespace
}  // namespace vss::system
