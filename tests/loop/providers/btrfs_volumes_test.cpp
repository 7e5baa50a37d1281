// SPDX-License-Identifier: LGPL-2.1-or-later
// Subvolumes that are broken away or reverted, and what their snapshots take.
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <btrfsutil.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/loop/providers/module_driver.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/mount_namespace.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temp_dir.hpp"

namespace vss::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using core::RevertState;
using ::testing::AllOf;
using ::testing::HasSubstr;

void create_subvolume(const fs::path& path) { run_program({"btrfs", "subvolume", "create", path.string()}); }

std::string content_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct btrfs_util_subvolume_info facts_of(const fs::path& path) {
  struct btrfs_util_subvolume_info info {};
  if (btrfs_util_subvolume_info(path.c_str(), 0, &info) != BTRFS_UTIL_OK)
    throw std::system_error(errno, std::generic_category(), path.string());
  return info;
}

bool has_a_mark(const fs::path& path) {
  const auto info = facts_of(path);
  return std::any_of(std::begin(info.received_uuid), std::end(info.received_uuid),
                     [](std::uint8_t byte) { return byte != 0; });
}

// One subvolume, "volume", with a file in it, and a snapshot of that.
class BtrfsVolumes : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { private_mount_namespace(); }

  void SetUp() override {
    create_subvolume(volume());
    write("before");
    make_snapshot();
    write("after");
  }
  void make_snapshot() {
    const core::Member member = new_member(core::Guid::random(), volume(), "btrfs");
    ASSERT_TRUE(driver_.make_set({member}));
    snapshot_ = driver_.member(member.snapshot_id);
  }
  void write(const std::string& text) const { std::ofstream(volume() / "file") << text; }
  [[nodiscard]] std::string text() const { return content_of(volume() / "file"); }
  [[nodiscard]] const fs::path& root() const { return filesystem_.mount_point(); }
  [[nodiscard]] fs::path volume() const { return root() / "volume"; }
  [[nodiscard]] fs::path snapshot_path() const {
    return root() / ".vssd" / snapshot_.set_id.str() / snapshot_.snapshot_id.str() / "snapshot";
  }
  // What reverts have kept.
  [[nodiscard]] std::vector<fs::path> kept() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(root())) {
      if (entry.path().filename().string().starts_with("volume.before-revert-"))
        found.push_back(entry.path());
    }
    return found;
  }
  void expect_reverted(const std::string& former) const {
    EXPECT_EQ(text(), "before");
    ASSERT_EQ(kept().size(), 1U);
    EXPECT_EQ(content_of(kept().front() / "file"), former);
  }
  void expect_refused(const std::string& why) {
    const auto refused = driver_.revert(snapshot_, false);
    ASSERT_FALSE(refused) << why;
    EXPECT_EQ(refused.error().code, ErrorCode::VolumeInUse);
    EXPECT_THAT(refused.error().message, HasSubstr(why));
    EXPECT_EQ(text(), "after");
    EXPECT_TRUE(kept().empty());
  }
  TempDir temp_;
  LoopFilesystem filesystem_ = LoopFilesystem::create(temp_.path(), "fs", "btrfs", 512);
  ModuleDriver driver_{"btrfs"};
  core::Member snapshot_;
};

TEST_F(BtrfsVolumes, ABrokenSnapshotStaysWhereItIsAndIsNeverRemoved) {
  const auto where = driver_.break_snapshot(snapshot_, false);
  ASSERT_TRUE(where) << where.error().message;
  EXPECT_EQ(where->location, "/" + fs::relative(snapshot_path(), root()).string());
  EXPECT_FALSE(has_a_mark(snapshot_path()));
  EXPECT_EQ(facts_of(snapshot_path()).flags & 1U, 1U) << "read-only";
  EXPECT_EQ(*driver_.exists(snapshot_), false);
  (void)driver_.remove(snapshot_);
  ModuleDriver restarted("btrfs");
  (void)restarted.remove(snapshot_);
  EXPECT_EQ(content_of(snapshot_path() / "file"), "before");
  EXPECT_EQ(restarted.revert(snapshot_, true).error().code, ErrorCode::ObjectNotFound);
  const auto again = restarted.break_snapshot(snapshot_, false);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->location, where->location);

  const fs::path mounted = temp_.path() / "mounted";
  fs::create_directory(mounted);
  ASSERT_EQ(
      ::mount(where->device.c_str(), mounted.c_str(), "btrfs", 0, ("subvol=" + where->location).c_str()), 0);
  EXPECT_EQ(content_of(mounted / "file"), "before");
  ASSERT_EQ(::umount2(mounted.c_str(), 0), 0);
}

TEST_F(BtrfsVolumes, ABrokenSnapshotIsWritableIfWanted) {
  ASSERT_TRUE(driver_.break_snapshot(snapshot_, true));
  std::ofstream(snapshot_path() / "file") << "changed";
  EXPECT_EQ(content_of(snapshot_path() / "file"), "changed");
  EXPECT_FALSE(has_a_mark(snapshot_path()));
}

TEST_F(BtrfsVolumes, WhatDoesNotExistCannotBeBroken) {
  ASSERT_TRUE(driver_.remove(snapshot_));
  EXPECT_EQ(driver_.break_snapshot(snapshot_, false).error().code, ErrorCode::ObjectNotFound);
}

TEST_F(BtrfsVolumes, ARevertExchangesTheContentAndKeepsTheFormerOne) {
  const auto reverted = driver_.revert(snapshot_, false);
  ASSERT_TRUE(reverted) << reverted.error().message;
  EXPECT_EQ(reverted->state, RevertState::Done);
  expect_reverted("after");
  EXPECT_THAT(reverted->message, HasSubstr("/" + kept().front().filename().string()));
  EXPECT_EQ(*driver_.exists(snapshot_), true) << "the snapshot stays";
  EXPECT_EQ(facts_of(snapshot_path()).flags & 1U, 1U);
  EXPECT_FALSE(has_a_mark(volume())) << "nothing of vssd takes it for a snapshot";
  EXPECT_FALSE(fs::exists(snapshot_path().parent_path() / "revert"));
  EXPECT_EQ(driver_.revert_status(snapshot_.volume)->state, RevertState::None);
  write("writable");
  EXPECT_EQ(text(), "writable");
}

TEST_F(BtrfsVolumes, AVolumeIsRevertedAgainAndCapturedAgain) {
  ASSERT_TRUE(driver_.revert(snapshot_, false));
  const core::Member first = snapshot_;
  write("third");
  make_snapshot();
  write("fourth");
  ASSERT_TRUE(driver_.revert(snapshot_, false));
  EXPECT_EQ(text(), "third");
  ASSERT_TRUE(driver_.revert(first, false));
  EXPECT_EQ(text(), "before");
  EXPECT_EQ(kept().size(), 3U);
  EXPECT_TRUE(driver_.remove(first));
  EXPECT_TRUE(driver_.remove(snapshot_));
  EXPECT_FALSE(fs::exists(root() / ".vssd"));
  EXPECT_EQ(text(), "before");
}

TEST_F(BtrfsVolumes, AVolumeInUseIsRevertedByForceOnly) {
  struct Row {
    const char* script;
    const char* why;
  };
  const std::string path = volume().string();
  for (const Row& row : {Row{"exec 9<$0/file && echo ready && exec tail -f /dev/null", "open file"},
                         Row{"cd $0 && echo ready && exec tail -f /dev/null", "working directory"},
                         Row{"cp /bin/sleep $0/program && echo ready && exec $0/program 100", "program"}}) {
    SCOPED_TRACE(row.why);
    ChildProcess user({"/bin/sh", "-c", row.script, path}, {}, temp_.path() / row.why);
    ASSERT_TRUE(user.wait_for_output("ready", 20s));
    // The last one becomes its program after that.
    const std::string pid = "(" + std::to_string(user.pid()) + "): ";
    const auto end = std::chrono::steady_clock::now() + 20s;
    core::Status refused;
    do {
      const auto answer = driver_.revert(snapshot_, false);
      ASSERT_FALSE(answer);
      refused = core::fail(answer.error());
    } while (refused.error().message.find(row.why) == std::string::npos &&
             std::chrono::steady_clock::now() < end);
    EXPECT_EQ(refused.error().code, ErrorCode::VolumeInUse);
    EXPECT_THAT(refused.error().message, AllOf(HasSubstr(pid), HasSubstr(row.why)));
    EXPECT_EQ(text(), "after");
  }
  ChildProcess user({"/bin/sh", "-c", "exec 9<$0/file && echo ready && exec tail -f /dev/null", path}, {},
                    temp_.path() / "user");
  ASSERT_TRUE(user.wait_for_output("ready", 20s));
  const auto forced = driver_.revert(snapshot_, true);
  ASSERT_TRUE(forced) << forced.error().message;
  expect_reverted("after");
}

TEST_F(BtrfsVolumes, AFileThatIsADiskCountsAsUse) {
  {
    LoopFilesystem inner = LoopFilesystem::create(volume(), "inner", "ext4", 8);
    expect_refused("something is mounted in it");
    inner.unmount();
    expect_refused("attached to ");
    inner.mount();
  }
  fs::remove_all(volume() / "inner");
  EXPECT_TRUE(driver_.revert(snapshot_, false));
}

TEST_F(BtrfsVolumes, NestedSubvolumesStayWithTheFormerContentByForceOnly) {
  create_subvolume(volume() / "nested");
  std::ofstream(volume() / "nested/file") << "inside";
  expect_refused("nested");
  const auto forced = driver_.revert(snapshot_, true);
  ASSERT_TRUE(forced) << forced.error().message;
  expect_reverted("after");
  EXPECT_FALSE(fs::exists(volume() / "nested/file"));
  EXPECT_EQ(content_of(kept().front() / "nested/file"), "inside");
}

TEST_F(BtrfsVolumes, AMountedVolumeIsPendingUntilItIsMountedAgain) {
  const fs::path mounted = temp_.path() / "mounted";
  fs::create_directory(mounted);
  const auto mount_it = [&] {
    return ::mount(filesystem_.device().c_str(), mounted.c_str(), "btrfs", 0, "subvol=/volume");
  };
  ASSERT_EQ(mount_it(), 0);
  const auto reverted = driver_.revert(snapshot_, false);
  ASSERT_TRUE(reverted) << reverted.error().message;
  EXPECT_EQ(reverted->state, RevertState::PendingReboot);
  EXPECT_THAT(reverted->message, HasSubstr(mounted.string()));
  EXPECT_EQ(content_of(mounted / "file"), "after") << "what is mounted stays what it was";
  EXPECT_EQ(text(), "before");
  core::Volume seen = snapshot_.volume;
  for (const fs::path& path : {mounted, volume()}) {
    seen.path = path.string();
    const auto status = driver_.revert_status(seen);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->state, RevertState::PendingReboot) << path;
  }
  ASSERT_EQ(::umount2(mounted.c_str(), 0), 0);
  EXPECT_EQ(driver_.revert_status(seen)->state, RevertState::Done);
  EXPECT_EQ(driver_.revert_status(seen)->state, RevertState::None);
  ASSERT_EQ(mount_it(), 0);
  EXPECT_EQ(content_of(mounted / "file"), "before");
  ASSERT_EQ(::umount2(mounted.c_str(), 0), 0);
}

TEST_F(BtrfsVolumes, TheDefaultSubvolumeIsTheRevertedOne) {
  run_program({"btrfs", "subvolume", "set-default", volume().string()});
  const auto former = facts_of(volume()).id;
  ASSERT_TRUE(driver_.revert(snapshot_, false));
  const auto present = facts_of(volume()).id;
  EXPECT_NE(present, former);
  EXPECT_THAT(run_program({"btrfs", "subvolume", "get-default", root().string()}),
              HasSubstr("ID " + std::to_string(present) + " "));
  run_program({"btrfs", "subvolume", "set-default", "5", root().string()});
}

TEST_F(BtrfsVolumes, WhatIsMountedOnIsNotExchanged) {
  const fs::path other = temp_.path() / "other";
  fs::create_directory(other);
  ASSERT_EQ(::mount(other.c_str(), volume().c_str(), nullptr, MS_BIND, nullptr), 0);
  const auto forced = driver_.revert(snapshot_, true);
  ASSERT_EQ(::umount2(volume().c_str(), 0), 0);
  ASSERT_FALSE(forced);
  EXPECT_EQ(forced.error().code, ErrorCode::VolumeInUse) << forced.error().message;
  EXPECT_EQ(text(), "after");
  EXPECT_FALSE(fs::exists(snapshot_path().parent_path() / "revert"));
}

TEST_F(BtrfsVolumes, TheTopLevelAndAVolumeThatIsGoneAreRefused) {
  const core::Member top = new_member(core::Guid::random(), root(), "btrfs");
  ASSERT_TRUE(driver_.make_set({top}));
  EXPECT_EQ(driver_.revert(driver_.member(top.snapshot_id), true).error().code, ErrorCode::NotSupported);
  run_program({"btrfs", "subvolume", "delete", volume().string()});
  EXPECT_EQ(driver_.revert(snapshot_, true).error().code, ErrorCode::ProviderVeto);
  fs::create_directory(volume());
  EXPECT_EQ(driver_.revert(snapshot_, true).error().code, ErrorCode::ProviderVeto);
  ASSERT_TRUE(driver_.remove(snapshot_));
  EXPECT_EQ(driver_.revert(snapshot_, true).error().code, ErrorCode::ObjectNotFound);
}

TEST_F(BtrfsVolumes, WhatAnInterruptedRevertLeftIsKeptUnlessItIsACopyOfTheSnapshot) {
  const fs::path copy = snapshot_path().parent_path() / "revert";
  run_program({"btrfs", "subvolume", "snapshot", snapshot_path().string(), copy.string()});
  ASSERT_TRUE(driver_.revert(snapshot_, false));
  EXPECT_EQ(kept().size(), 1U);
  // Killed between the exchange and the renaming: this is what the volume was.
  run_program({"btrfs", "subvolume", "snapshot", kept().front().string(), copy.string()});
  ASSERT_TRUE(driver_.revert(snapshot_, false));
  EXPECT_EQ(kept().size(), 3U);
  EXPECT_EQ(std::ranges::count_if(kept(),
                                  [](const fs::path& path) { return content_of(path / "file") == "after"; }),
            2);
}

TEST_F(BtrfsVolumes, StorageIsKnownWithQuotasOnly) {
  const core::Volume& seen = snapshot_.volume;
  const auto places = driver_.storage(seen);
  ASSERT_TRUE(places) << places.error().message;
  ASSERT_EQ(places->size(), 1U);
  EXPECT_EQ(places->front().volume, volume().string());
  EXPECT_EQ(places->front().used, std::nullopt);
  EXPECT_EQ(places->front().maximum, 0U);
  const auto unlimited = driver_.resize_storage(snapshot_, 1U << 20U);
  EXPECT_EQ(unlimited.error().code, ErrorCode::NotSupported);
  EXPECT_THAT(unlimited.error().message, HasSubstr("quotas are off"));

  constexpr std::size_t kSize = 4U << 20U;
  std::ofstream(volume() / "large") << std::string(kSize, 'x') << std::flush;
  make_snapshot();
  fs::remove(volume() / "large");
  run_program({"btrfs", "filesystem", "sync", root().string()});
  run_program({"btrfs", "quota", "enable", root().string()});
  run_program({"btrfs", "quota", "rescan", "-w", root().string()});
  const auto known = driver_.storage(seen);
  ASSERT_TRUE(known);
  ASSERT_EQ(known->size(), 1U);
  ASSERT_TRUE(known->front().used.has_value());
  EXPECT_GE(*known->front().used, kSize) << "only the snapshot holds it";
  EXPECT_LT(*known->front().used, 3 * kSize);
  EXPECT_THAT(driver_.resize_storage(snapshot_, 1U << 20U).error().message, HasSubstr("would limit nothing"));

  // After a revert they are snapshots of the same volume still.
  ASSERT_TRUE(driver_.revert(snapshot_, false));
  EXPECT_EQ(driver_.storage(seen)->size(), 1U);
  create_subvolume(root() / "another");
  core::Volume another = seen;
  another.path = (root() / "another").string();
  EXPECT_TRUE(driver_.storage(another)->empty());
}

TEST_F(BtrfsVolumes, OtherFilesystemsAreNoneOfItsBusiness) {
  core::Volume other = snapshot_.volume;
  other.filesystem = "ext4";
  EXPECT_EQ(driver_.revert_status(other).error().code, ErrorCode::VolumeNotSupportedByProvider);
  EXPECT_EQ(driver_.storage(other).error().code, ErrorCode::VolumeNotSupportedByProvider);
}

}  // namespace
}  // namespace vss::test
