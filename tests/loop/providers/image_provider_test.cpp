// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/loop/providers/module_driver.hpp"
#include "tests/support/freeze_guard.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/mount_namespace.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using provider_host::OperationKind;
using ::testing::HasSubstr;

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool is_shown_by_a_loop_device(const fs::path& file) {
  for (const auto& entry : fs::directory_iterator("/sys/block")) {
    if (read_text(entry.path() / "loop/backing_file") == file.string() + "\n") return true;
  }
  return false;
}

struct Layout {
  std::string host;
  std::string inner;
};

std::ostream& operator<<(std::ostream& out, const Layout& layout) {
  return out << layout.inner << "_on_" << layout.host;
}

// A filesystem in a file on a filesystem in a file, for this test alone.
class Image {
 public:
  explicit Image(const Layout& layout)
      : host_(LoopFilesystem::create(temp_.path(), "host", layout.host, 1024)),
        inner_(LoopFilesystem::create(host_.mount_point(), "inner", layout.inner, 64)) {}

  [[nodiscard]] core::Member member() const { return member_of(inner_); }
  static core::Member member_of(const LoopFilesystem& filesystem) {
    core::Member member = new_member(core::Guid::random(), filesystem.mount_point(), filesystem.type());
    member.volume.device = filesystem.device();
    member.volume.backing_file = filesystem.image().string();
    return member;
  }
  [[nodiscard]] fs::path clone_of(const core::Member& member) const {
    return host_.mount_point() / ".vssd" / member.set_id.str() / (member.snapshot_id.str() + ".img");
  }
  [[nodiscard]] bool is_clean() const { return !fs::exists(host_.mount_point() / ".vssd"); }

  // The set operations as the coordinator calls them, with the real hold around commit.
  core::Status make_set(ModuleDriver& driver, const core::Member& member,
                        OperationKind last = OperationKind::PostFinalCommit) {
    if (auto status = driver.make_set({member}, OperationKind::PreCommit); !status) return status;
    const int root = inner_.open_root();
    {
      const FreezeGuard guard({root});
      if (::ioctl(root, FIFREEZE, 0) != 0)
        throw std::system_error(errno, std::generic_category(), "FIFREEZE");
      const auto start = std::chrono::steady_clock::now();
      const auto report = driver.commit(member.set_id, {member.snapshot_id});
      hold_ = std::chrono::steady_clock::now() - start;
      ::ioctl(root, FITHAW, 0);
      ::close(root);
      if (!report) return core::fail(report.error());
    }
    core::Status status = driver.post_commit(member.set_id);
    if (status && last >= OperationKind::PreFinalCommit) status = driver.pre_final_commit(member.set_id);
    if (status && last >= OperationKind::PostFinalCommit) status = driver.post_final_commit(member.set_id);
    return status;
  }

  [[nodiscard]] LoopFilesystem& host() { return host_; }
  [[nodiscard]] LoopFilesystem& inner() { return inner_; }
  [[nodiscard]] std::chrono::duration<double, std::milli> hold() const { return hold_; }

 private:
  TempDir temp_;
  LoopFilesystem host_;
  LoopFilesystem inner_;
  std::chrono::duration<double, std::milli> hold_{};
};

// A snapshot mounted as the host would.
class Mounted {
 public:
  Mounted(const fs::path& directory, const core::MountSpec& spec, bool writable) : directory_(directory) {
    fs::create_directories(directory_);
    if (::mount(spec.source.c_str(), directory_.c_str(), spec.filesystem.c_str(), writable ? 0 : MS_RDONLY,
                spec.options.c_str()) != 0) {
      throw std::system_error(errno, std::generic_category(), "mount " + spec.source + " " + spec.options);
    }
  }
  ~Mounted() { ::umount2(directory_.c_str(), 0); }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;
  [[nodiscard]] const fs::path& path() const { return directory_; }

 private:
  fs::path directory_;
};

class ImageProviderOn : public ::testing::TestWithParam<Layout> {
 protected:
  static void SetUpTestSuite() { private_mount_namespace(); }
  static void check_filesystem(const fs::path& file) {
    std::vector<std::string> command{"e2fsck", "-fn"};
    if (GetParam().inner == "xfs") command = {"xfs_repair", "-n", "-f"};
    command.push_back(file.string());
    run_program(command);
  }
  TempDir temp_;
  Image image_{GetParam()};
  ModuleDriver driver_{"image"};
};

TEST_P(ImageProviderOn, ASnapshotIsCleanAndReadableInBothPhases) {
  std::ofstream(image_.inner().mount_point() / "file") << "before" << std::flush;
  std::ofstream(image_.inner().mount_point() / "many")
      << std::string(std::size_t{8} << 20U, 'x') << std::flush;
  const core::Member member = image_.member();
  ASSERT_TRUE(image_.make_set(driver_, member, OperationKind::PreFinalCommit));
  std::cout << "commit: " << image_.hold().count() << " ms\n";
  std::ofstream(image_.inner().mount_point() / "file") << "after";

  // xfs leaves its log to be replayed even when it is frozen: the first writable mount does it.
  const bool needs_replay = GetParam().inner == "xfs";
  if (!needs_replay) {
    EXPECT_NO_THROW(check_filesystem(image_.clone_of(member)));
  }

  const core::Member& completed = driver_.member(member.snapshot_id);
  const auto writable = driver_.mount_info(completed, true);
  ASSERT_TRUE(writable) << writable.error().message;
  EXPECT_EQ(writable->device, writable->source);
  {
    const Mounted mounted(temp_.path() / "rw", *writable, true);
    EXPECT_EQ(read_text(mounted.path() / "file"), "before");
    EXPECT_EQ(read_text(mounted.path() / "many").size(), std::size_t{8} << 20U);
    std::ofstream(mounted.path() / "recovered") << "yes";
  }
  EXPECT_NO_THROW(check_filesystem(image_.clone_of(member)));
  ASSERT_TRUE(driver_.post_final_commit(member.set_id));
  const auto read_only = driver_.mount_info(completed, false);
  ASSERT_TRUE(read_only) << read_only.error().message;
  {
    const Mounted mounted(temp_.path() / "ro", *read_only, false);
    EXPECT_EQ(read_text(mounted.path() / "file"), "before");
    EXPECT_EQ(read_text(mounted.path() / "recovered"), "yes");
    EXPECT_EQ(read_text("/sys/block" / fs::path(read_only->source).filename() / "ro"), "1\n");
  }
  const auto removed = driver_.remove(completed);
  EXPECT_TRUE(removed) << removed.error().message;
  EXPECT_TRUE(image_.is_clean());
  EXPECT_FALSE(is_shown_by_a_loop_device(image_.clone_of(member)));
  EXPECT_EQ(read_text(image_.inner().mount_point() / "file"), "after");
}

TEST_P(ImageProviderOn, ASnapshotThatWasNeverWritableIsMountableReadOnly) {
  std::ofstream(image_.inner().mount_point() / "file") << "before" << std::flush;
  const core::Member member = image_.member();
  ASSERT_TRUE(image_.make_set(driver_, member));
  ModuleDriver restarted("image");
  const auto spec = restarted.mount_info(driver_.member(member.snapshot_id), false);
  ASSERT_TRUE(spec) << spec.error().message;
  {
    const Mounted mounted(temp_.path() / "ro", *spec, false);
    EXPECT_EQ(read_text(mounted.path() / "file"), "before");
  }
  EXPECT_TRUE(restarted.remove(driver_.member(member.snapshot_id)));
}

INSTANTIATE_TEST_SUITE_P(Hosts, ImageProviderOn,
                         ::testing::Values(Layout{"xfs", "ext4"}, Layout{"btrfs", "ext4"},
                                           Layout{"xfs", "xfs"}, Layout{"btrfs", "xfs"}),
                         ::testing::PrintToStringParamName());

class ImageProvider : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { private_mount_namespace(); }
  std::string reason_for(const core::Volume& volume) {
    const auto support = driver_.is_volume_supported(volume);
    if (!support) return support.error().message;
    return support->supported ? "supported" : support->reason;
  }
  TempDir temp_;
  ModuleDriver driver_{"image"};
};

TEST_F(ImageProvider, AnImageOnAFilesystemThatSharesBlocksIsSupported) {
  const Image image({"xfs", "ext4"});
  const auto support = driver_.is_volume_supported(image.member().volume);
  ASSERT_TRUE(support && support->supported);
  EXPECT_EQ(support->hold, core::HoldAbility::Freeze);
  EXPECT_EQ(support->group, "");
}

TEST_F(ImageProvider, WhatCannotBeCapturedIsRefusedWithItsReason) {
  Image on_ext4({"ext4", "ext4"});
  const core::Member member = on_ext4.member();
  EXPECT_EQ(reason_for(member.volume),
            "the backing file lies on ext4, which cannot share blocks; XFS and btrfs can");
  const auto begun = driver_.begin_prepare(member);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, ErrorCode::VolumeNotSupportedByProvider);
  EXPECT_THAT(begun.error().message, HasSubstr("the backing file lies on ext4"));

  core::Volume plain = member.volume;
  plain.backing_file.clear();
  EXPECT_EQ(reason_for(plain), "it is not on a loop device");
  core::Volume btrfs = member.volume;
  btrfs.filesystem = "btrfs";
  EXPECT_THAT(reason_for(btrfs), HasSubstr("the btrfs provider captures it"));
  core::Volume deleted = member.volume;
  fs::rename(on_ext4.inner().image(), on_ext4.inner().image().string() + ".away");
  EXPECT_THAT(reason_for(deleted), HasSubstr("is not there"));
  std::ofstream(on_ext4.inner().image()) << "another file";
  EXPECT_THAT(reason_for(deleted), HasSubstr("is no longer the file behind the loop device"));
  fs::rename(on_ext4.inner().image().string() + ".away", on_ext4.inner().image());
}

TEST_F(ImageProvider, AFilesystemAtAnOffsetIsFoundAtThatOffsetInTheSnapshot) {
  const LoopFilesystem host = LoopFilesystem::create(temp_.path(), "host", "xfs", 512);
  const fs::path disk = host.mount_point() / "disk.img";
  std::ofstream(disk).close();
  fs::resize_file(disk, std::uintmax_t{80} << 20U);
  const std::string device = run_program({"losetup", "--find", "--show", "--offset", "1048576", "--sizelimit",
                                          "67108864", "--sector-size", "512", disk.string()});
  const std::string loop = device.substr(0, device.find('\n'));
  run_program({"mkfs.ext4", "-q", loop});
  const fs::path directory = temp_.path() / "at-offset";
  core::Member member = new_member(core::Guid::random(), directory, "ext4");
  member.volume.device = loop;
  member.volume.backing_file = disk.string();
  {
    const Mounted origin(directory, {loop, "ext4", "", ""}, true);
    std::ofstream(directory / "file") << "before" << std::flush;
    run_program({"sync", "-f", directory.string()});
    ASSERT_TRUE(driver_.make_set({member}));
    const auto spec = driver_.mount_info(driver_.member(member.snapshot_id), false);
    ASSERT_TRUE(spec) << spec.error().message;
    const fs::path sysfs = "/sys/block" / fs::path(spec->source).filename();
    EXPECT_EQ(read_text(sysfs / "loop/offset"), "1048576\n");
    EXPECT_EQ(read_text(sysfs / "loop/sizelimit"), "67108864\n");
    const Mounted mounted(temp_.path() / "snapshot", *spec, false);
    EXPECT_EQ(read_text(mounted.path() / "file"), "before");
  }
  EXPECT_TRUE(driver_.remove(driver_.member(member.snapshot_id)));
  run_program({"losetup", "--detach", loop});
}

TEST_F(ImageProvider, TheLoopDeviceGoesWithTheMount) {
  Image image({"xfs", "ext4"});
  const core::Member member = image.member();
  ASSERT_TRUE(image.make_set(driver_, member));
  const fs::path clone = image.clone_of(member);
  {
    ModuleDriver another("image");
    const auto spec = another.mount_info(driver_.member(member.snapshot_id), false);
    ASSERT_TRUE(spec);
    const Mounted mounted(temp_.path() / "ro", *spec, false);
    // Whoever removes it lets go of the descriptor; the mount alone keeps the device.
    ASSERT_TRUE(another.remove(driver_.member(member.snapshot_id)));
    EXPECT_TRUE(fs::exists(mounted.path()));
  }
  EXPECT_TRUE(wait_until([&] { return !is_shown_by_a_loop_device(clone.string() + " (deleted)"); }, 10s));
}

TEST_F(ImageProvider, WhatACrashLeavesBehindInAnyPhaseIsRemovedByItsData) {
  Image image({"xfs", "ext4"});
  for (const OperationKind last : {OperationKind::BeginPrepare, OperationKind::EndPrepare,
                                   OperationKind::PreCommit, OperationKind::Commit, OperationKind::PostCommit,
                                   OperationKind::PreFinalCommit, OperationKind::PostFinalCommit}) {
    ModuleDriver crashed("image");
    const core::Member member = image.member();
    ASSERT_TRUE(crashed.make_set({member}, last));
    ModuleDriver restarted("image");
    EXPECT_TRUE(restarted.abort(member.set_id));
    EXPECT_TRUE(restarted.remove(crashed.member(member.snapshot_id)));
    EXPECT_TRUE(image.is_clean()) << provider_host::to_string(last);
    EXPECT_EQ(*restarted.exists(crashed.member(member.snapshot_id)), false);
  }
}

TEST_F(ImageProvider, AbortRemovesTheSetInAnyPhaseAndMayComeTwice) {
  Image image({"xfs", "ext4"});
  for (const OperationKind last :
       {OperationKind::BeginPrepare, OperationKind::EndPrepare, OperationKind::Commit,
        OperationKind::PostCommit, OperationKind::PreFinalCommit}) {
    const core::Member member = image.member();
    ASSERT_TRUE(driver_.make_set({member}, last));
    EXPECT_TRUE(driver_.abort(member.set_id));
    EXPECT_TRUE(image.is_clean()) << provider_host::to_string(last);
    EXPECT_TRUE(driver_.abort(member.set_id));
  }
}

TEST_F(ImageProvider, AFileWithoutOurMarkIsNeverDeleted) {
  Image image({"xfs", "ext4"});
  const core::Member member = image.member();
  ASSERT_TRUE(driver_.make_set({member}));
  fs::remove(image.clone_of(member));
  std::ofstream(image.clone_of(member)) << "precious";
  const auto status = driver_.remove(driver_.member(member.snapshot_id));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::ProviderVeto);
  EXPECT_EQ(read_text(image.clone_of(member)), "precious");
}

TEST_F(ImageProvider, ABrokenCloneStaysAndIsNeverRemoved) {
  Image image({"xfs", "ext4"});
  for (const bool writable : {false, true}) {
    const core::Member member = image.member();
    ASSERT_TRUE(image.make_set(driver_, member));
    const core::Member made = driver_.member(member.snapshot_id);
    const auto where = driver_.break_snapshot(made, writable);
    ASSERT_TRUE(where) << where.error().message;
    EXPECT_EQ(where->location, image.clone_of(member).string());
    EXPECT_EQ(where->device, "");
    ModuleDriver restarted("image");
    EXPECT_EQ(restarted.remove(made).error().code, ErrorCode::ProviderVeto);
    EXPECT_EQ(restarted.break_snapshot(made, writable)->location, where->location) << "again";
    const auto mode = fs::status(where->location).permissions();
    EXPECT_EQ((mode & fs::perms::owner_write) != fs::perms::none, writable);
    run_program({"e2fsck", "-fn", where->location});
    EXPECT_EQ(restarted.revert(made, true).error().code, ErrorCode::NotSupported);
    fs::remove(where->location);
    EXPECT_EQ(restarted.break_snapshot(made, writable).error().code, ErrorCode::ObjectNotFound);
  }
}

TEST_F(ImageProvider, AHostThatIsNotMountedIsNotTakenForADeletedSnapshot) {
  auto image = std::make_unique<Image>(Layout{"xfs", "ext4"});
  const core::Member member = image->member();
  ASSERT_TRUE(driver_.make_set({member}));
  const core::Member snapshot = driver_.member(member.snapshot_id);
  image->inner().unmount();
  image.reset();
  EXPECT_EQ(driver_.remove(snapshot).error().code, ErrorCode::ProviderVeto);
  EXPECT_EQ(driver_.exists(snapshot).error().code, ErrorCode::ProviderVeto);
}

TEST_F(ImageProvider, DataThatPointsElsewhereIsRefused) {
  Image image({"xfs", "ext4"});
  const core::Member member = image.member();
  ASSERT_TRUE(driver_.make_set({member}));
  core::Member bad = driver_.member(member.snapshot_id);
  for (const std::string& data : {std::string(""), std::string("{}"), std::string("7")}) {
    bad.provider_data = data;
    EXPECT_EQ(driver_.remove(bad).error().code, ErrorCode::InvalidArgument) << data;
  }
  core::Member other = driver_.member(member.snapshot_id);
  other.set_id = core::Guid::random();
  EXPECT_EQ(driver_.remove(other).error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace vss::test
