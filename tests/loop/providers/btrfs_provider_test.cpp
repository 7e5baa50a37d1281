// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <btrfsutil.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/loop/providers/module_driver.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/mount_namespace.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temp_dir.hpp"

namespace vss::test {
namespace {

namespace fs = std::filesystem;
using provider_host::OperationKind;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

void make_subvolume(const fs::path& path) { run_program({"btrfs", "subvolume", "create", path.string()}); }

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct btrfs_util_subvolume_info info_of(const fs::path& path) {
  struct btrfs_util_subvolume_info info {};
  if (btrfs_util_subvolume_info(path.c_str(), 0, &info) != BTRFS_UTIL_OK) {
    throw std::system_error(errno, std::generic_category(), path.string());
  }
  return info;
}

class BtrfsProvider : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { private_mount_namespace(); }

  std::vector<fs::path> make_subvolumes(int count) {
    std::vector<fs::path> paths;
    for (int i = 0; i < count; ++i) {
      paths.push_back(root() / ("volume" + std::to_string(i)));
      make_subvolume(paths.back());
    }
    return paths;
  }
  std::vector<core::Member> members_for(const std::vector<fs::path>& paths) {
    const core::Guid set = core::Guid::random();
    std::vector<core::Member> members;
    for (const fs::path& path : paths) members.push_back(new_member(set, path, "btrfs"));
    return members;
  }
  [[nodiscard]] const fs::path& root() const { return filesystem_.mount_point(); }
  [[nodiscard]] fs::path snapshot_of(const core::Member& member) const {
    return root() / ".vssd" / member.set_id.str() / member.snapshot_id.str() / "snapshot";
  }
  // Everything of vssd on the filesystem is gone.
  [[nodiscard]] bool is_clean() const { return !fs::exists(root() / ".vssd"); }

  TempDir temp_;
  LoopFilesystem filesystem_ = LoopFilesystem::create(temp_.path(), "fs", "btrfs", 512);
  ModuleDriver driver_{"btrfs"};
};

// Writes a growing number to each volume in turn, made durable before the next one is written: at any instant
// no volume is ahead of the one before it. More threads write what nobody looks at.
class CounterWriter {
 public:
  CounterWriter(const std::vector<fs::path>& volumes, int others) {
    for (const fs::path& volume : volumes) {
      counters_.push_back(::open((volume / "counter").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
      write_number(counters_.back(), 0);
    }
    threads_.emplace_back([this] {
      for (unsigned number = 1; !stop_; ++number) {
        for (const int fd : counters_) write_number(fd, number);
        rounds_ = number;
      }
    });
    for (int i = 0; i < others; ++i) {
      threads_.emplace_back([this, path = volumes.at(static_cast<std::size_t>(i)) / "noise"] {
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        for (unsigned number = 1; !stop_; ++number) write_number(fd, number);
        ::close(fd);
      });
    }
  }
  ~CounterWriter() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    for (const int fd : counters_) ::close(fd);
  }
  CounterWriter(const CounterWriter&) = delete;
  CounterWriter& operator=(const CounterWriter&) = delete;
  [[nodiscard]] unsigned rounds() const { return rounds_; }

 private:
  static void write_number(int fd, unsigned number) {
    const std::string text = std::to_string(number) + "\n";
    if (::pwrite(fd, text.data(), text.size(), 0) < 0 || ::fsync(fd) != 0) std::terminate();
  }
  std::vector<int> counters_;
  std::atomic<bool> stop_{false};
  std::atomic<unsigned> rounds_{0};
  std::vector<std::thread> threads_;
};

unsigned number_in(const fs::path& file) { return static_cast<unsigned>(std::stoul(read_text(file))); }

class BtrfsProviderBeside : public BtrfsProvider, public ::testing::WithParamInterface<int> {};

// With a single writer the kernel's transaction thread sleeps between the sets: that is when it misses
// wake-ups.
INSTANTIATE_TEST_SUITE_P(OtherWriters, BtrfsProviderBeside, ::testing::Values(0, 2),
                         ::testing::PrintToStringParamName());

TEST_P(BtrfsProviderBeside, EightSubvolumesShareOneTransactionAndShowOneInstant) {
  constexpr int kSets = 30;
  const auto volumes = make_subvolumes(8);
  const CounterWriter writer(volumes, GetParam());
  std::chrono::nanoseconds worst{};
  std::chrono::nanoseconds total{};
  for (int i = 0; i < kSets; ++i) {
    const auto members = members_for(volumes);
    const core::Guid set = members.front().set_id;
    std::vector<core::Guid> snapshots;
    for (const auto& member : members) {
      ASSERT_TRUE(driver_.begin_prepare(member));
      snapshots.push_back(member.snapshot_id);
    }
    ASSERT_TRUE(driver_.end_prepare(set));
    ASSERT_TRUE(driver_.pre_commit(set));
    const auto start = std::chrono::steady_clock::now();
    const auto report = driver_.commit(set, snapshots);
    const auto took = std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->one_instant) << report->reason;
    total += took;
    worst = std::max<std::chrono::nanoseconds>(worst, took);

    std::set<std::uint64_t> transactions;
    unsigned before = 0;
    for (const auto& member : members) {
      transactions.insert(info_of(snapshot_of(member)).otransid);
      const unsigned number = number_in(snapshot_of(member) / "counter");
      if (&member == &members.front()) before = number;
      EXPECT_LE(number, before) << member.volume.path << " is ahead, set " << i;
      before = number;
    }
    EXPECT_EQ(transactions.size(), 1U);
    ASSERT_TRUE(driver_.abort(set));
    EXPECT_TRUE(is_clean());
  }
  EXPECT_GT(writer.rounds(), 0U);
  EXPECT_LT(worst, 3s) << "the hold window is 10 s";
  const auto ms = [](std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::milli>(time).count();
  };
  std::cout << "commit of 8 subvolumes under load: mean " << ms(total) / kSets << " ms, worst " << ms(worst)
            << " ms\n";
}

TEST_F(BtrfsProvider, SubvolumesOfAnIdleFilesystemShareOneTransaction) {
  const auto volumes = make_subvolumes(8);
  for (int i = 0; i < 10; ++i) {
    run_program({"sync", "-f", root().string()});
    const auto members = members_for(volumes);
    ASSERT_TRUE(driver_.make_set(members, OperationKind::Commit));
    EXPECT_TRUE(driver_.last_report().one_instant) << driver_.last_report().reason;
    ASSERT_TRUE(driver_.abort(members.front().set_id));
  }
}

TEST_F(BtrfsProvider, AnyWholeSubvolumeIsSupportedAndNothingElse) {
  make_subvolumes(1);
  fs::create_directory(root() / "directory");
  const auto support_of = [&](const fs::path& path, const std::string& type) {
    return driver_.is_volume_supported(new_member({}, path, type).volume);
  };
  const auto top = support_of(root(), "btrfs");
  const auto volume = support_of(root() / "volume0", "btrfs");
  ASSERT_TRUE(top && top->supported && volume && volume->supported);
  EXPECT_EQ(volume->hold, core::HoldAbility::Impossible);
  EXPECT_EQ(volume->group, top->group);
  EXPECT_EQ(volume->group,
            run_program({"blkid", "-p", "-s", "UUID", "-o", "value", filesystem_.device()}).substr(0, 36));
  const auto directory = support_of(root() / "directory", "btrfs");
  ASSERT_TRUE(directory);
  EXPECT_FALSE(directory->supported);
  EXPECT_THAT(directory->reason, HasSubstr("only whole subvolumes"));
  const auto ext4 = support_of(root(), "ext4");
  ASSERT_TRUE(ext4);
  EXPECT_EQ(ext4->reason, "the filesystem is ext4, not btrfs");
}

TEST_F(BtrfsProvider, NestedSubvolumesAreReportedAsTheUserSeesThem) {
  make_subvolumes(1);
  make_subvolume(root() / "volume0/database");
  fs::create_directories(root() / "volume0/a/b");
  make_subvolume(root() / "volume0/a/b/deep");
  make_subvolume(root() / "volume0/database/log");
  const auto members = members_for({root() / "volume0"});
  ASSERT_TRUE(driver_.make_set(members));
  const std::string volume = (root() / "volume0").string();
  EXPECT_THAT(driver_.member(members[0].snapshot_id).not_included,
              UnorderedElementsAre(volume + "/database", volume + "/a/b/deep", volume + "/database/log"));
  // Our own snapshots are no data of the top level.
  const auto top = members_for({root()});
  ASSERT_TRUE(driver_.begin_prepare(top[0]));
  for (const std::string& path : driver_.member(top[0].snapshot_id).not_included) {
    EXPECT_THAT(path, ::testing::Not(HasSubstr(".vssd")));
  }
}

TEST_F(BtrfsProvider, ASnapshotIsWritableUntilPostFinalCommitAndThenReadOnly) {
  const auto volumes = make_subvolumes(1);
  std::ofstream(volumes[0] / "file") << "before";
  const auto members = members_for(volumes);
  ASSERT_TRUE(driver_.make_set(members, OperationKind::PreFinalCommit));
  std::ofstream(volumes[0] / "file") << "after";
  const core::Member& member = driver_.member(members[0].snapshot_id);
  const fs::path mounted = temp_.path() / "mounted";
  fs::create_directory(mounted);

  auto spec = driver_.mount_info(member, true);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->device, "");
  ASSERT_EQ(
      ::mount(spec->source.c_str(), mounted.c_str(), spec->filesystem.c_str(), 0, spec->options.c_str()), 0);
  EXPECT_EQ(read_text(mounted / "file"), "before");
  std::ofstream(mounted / "recovered") << "yes";
  ASSERT_EQ(::umount2(mounted.c_str(), 0), 0);

  ASSERT_TRUE(driver_.post_final_commit(members[0].set_id));
  spec = driver_.mount_info(member, false);
  ASSERT_TRUE(spec);
  ASSERT_EQ(::mount(spec->source.c_str(), mounted.c_str(), spec->filesystem.c_str(), MS_RDONLY,
                    spec->options.c_str()),
            0);
  EXPECT_EQ(read_text(mounted / "recovered"), "yes");
  ASSERT_EQ(::umount2(mounted.c_str(), 0), 0);
  const auto info = info_of(snapshot_of(member));
  EXPECT_EQ(info.flags & 1U, 1U);
  EXPECT_TRUE(std::equal(std::begin(info.received_uuid), std::end(info.received_uuid),
                         member.set_id.bytes().begin()));
}

TEST_F(BtrfsProvider, SnapshotsAreForRootOnly) {
  const auto members = members_for(make_subvolumes(1));
  ASSERT_TRUE(driver_.make_set(members));
  EXPECT_EQ(fs::status(root() / ".vssd").permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(root() / ".vssd" / members[0].set_id.str()).permissions(), fs::perms::owner_all);
}

TEST_F(BtrfsProvider, AfterARestartASnapshotIsFoundMountedAndRemovedByItsDataAlone) {
  const auto volumes = make_subvolumes(2);
  const auto members = members_for(volumes);
  ASSERT_TRUE(driver_.make_set(members));
  const core::Member first = driver_.member(members[0].snapshot_id);
  const core::Member second = driver_.member(members[1].snapshot_id);
  run_program({"btrfs", "subvolume", "delete", volumes[0].string()});

  ModuleDriver restarted("btrfs");
  EXPECT_EQ(*restarted.exists(first), true);
  EXPECT_TRUE(restarted.mount_info(first, false));
  // The origin of the first is gone, and the filesystem is not mounted at all.
  filesystem_.unmount();
  EXPECT_EQ(*restarted.exists(second), true);
  ASSERT_TRUE(restarted.remove(first));
  EXPECT_EQ(*restarted.exists(first), false);
  ASSERT_TRUE(restarted.remove(first)) << "again";
  ASSERT_TRUE(restarted.remove(second));
  filesystem_.mount();
  EXPECT_TRUE(is_clean());
  EXPECT_FALSE(restarted.mount_info(first, false));
}

TEST_F(BtrfsProvider, WhatACrashLeavesBehindInAnyPhaseIsRemovedByItsData) {
  const auto volumes = make_subvolumes(3);
  for (const OperationKind last : {OperationKind::BeginPrepare, OperationKind::EndPrepare,
                                   OperationKind::PreCommit, OperationKind::Commit, OperationKind::PostCommit,
                                   OperationKind::PreFinalCommit, OperationKind::PostFinalCommit}) {
    ModuleDriver crashed("btrfs");
    const auto members = members_for(volumes);
    ASSERT_TRUE(crashed.make_set(members, last));
    ModuleDriver restarted("btrfs");
    EXPECT_TRUE(restarted.abort(members.front().set_id));
    for (const auto& member : members) {
      const auto status = restarted.remove(crashed.member(member.snapshot_id));
      EXPECT_TRUE(status) << status.error().message;
    }
    EXPECT_TRUE(is_clean()) << provider_host::to_string(last);
  }
}

TEST_F(BtrfsProvider, AbortRemovesTheSetInAnyPhaseAndMayComeTwice) {
  const auto volumes = make_subvolumes(3);
  for (const OperationKind last :
       {OperationKind::BeginPrepare, OperationKind::EndPrepare, OperationKind::Commit,
        OperationKind::PostCommit, OperationKind::PreFinalCommit}) {
    const auto members = members_for(volumes);
    ASSERT_TRUE(driver_.make_set(members, last));
    EXPECT_TRUE(driver_.abort(members.front().set_id));
    EXPECT_TRUE(is_clean()) << provider_host::to_string(last);
    EXPECT_TRUE(driver_.abort(members.front().set_id));
  }
}

TEST_F(BtrfsProvider, ASubvolumeWithoutOurMarkIsNeverDeleted) {
  const auto members = members_for(make_subvolumes(1));
  ASSERT_TRUE(driver_.make_set(members));
  const core::Member member = driver_.member(members[0].snapshot_id);
  run_program({"btrfs", "property", "set", "-f", snapshot_of(member).string(), "ro", "false"});
  run_program({"btrfs", "subvolume", "delete", snapshot_of(member).string()});
  make_subvolume(snapshot_of(member));
  std::ofstream(snapshot_of(member) / "precious") << "data";

  EXPECT_EQ(*driver_.exists(member), false);
  const auto status = driver_.remove(member);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::ProviderVeto);
  EXPECT_THAT(status.error().message, HasSubstr("does not carry the mark"));
  EXPECT_EQ(read_text(snapshot_of(member) / "precious"), "data");
}

TEST_F(BtrfsProvider, DataThatPointsElsewhereIsRefused) {
  const auto members = members_for(make_subvolumes(1));
  ASSERT_TRUE(driver_.make_set(members));
  const core::Member good = driver_.member(members[0].snapshot_id);
  for (const std::string& data :
       {std::string(""), std::string("{}"), std::string("not json"),
        std::string(R"({"filesystem":"../x","origin":"y","path":"/"})"), std::string("[1]")}) {
    core::Member bad = good;
    bad.provider_data = data;
    EXPECT_EQ(driver_.remove(bad).error().code, ErrorCode::InvalidArgument) << data;
  }
  core::Member other = good;
  other.snapshot_id = core::Guid::random();
  EXPECT_EQ(driver_.remove(other).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(*driver_.exists(good), true);
}

TEST_F(BtrfsProvider, WhatWasMadeInsideAWritableSnapshotGoesWithIt) {
  const auto members = members_for(make_subvolumes(1));
  ASSERT_TRUE(driver_.make_set(members, OperationKind::PreFinalCommit));
  make_subvolume(snapshot_of(members[0]) / "stray");
  ASSERT_TRUE(driver_.post_final_commit(members[0].set_id));
  const auto status = driver_.remove(driver_.member(members[0].snapshot_id));
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_TRUE(is_clean());
}

TEST_F(BtrfsProvider, AReadOnlyFilesystemIsRefusedAndStaysReadOnly) {
  make_subvolumes(1);
  filesystem_.remount("");
  ASSERT_EQ(::mount(nullptr, root().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  const auto status = driver_.begin_prepare(members_for({root() / "volume0"})[0]);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::ProviderVeto);
  EXPECT_THAT(status.error().message, HasSubstr("read-only"));
  EXPECT_EQ(::open((root() / "new").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), -1);
}

core::Status status_of(const core::Result<core::CaptureReport>& report) {
  return report ? core::Status{} : core::fail(report.error());
}

// A quota runs out at once and at a chosen moment; a full filesystem takes btrfs a minute to admit.
TEST_F(BtrfsProvider, StorageThatRunsOutIsAnErrorOfStorageAndLeavesNothing) {
  const auto volumes = make_subvolumes(2);
  run_program({"btrfs", "quota", "enable", root().string()});
  const auto limit = [&](const char* bytes) {
    run_program({"btrfs", "qgroup", "limit", bytes, "0/5", volumes[0].string()});
  };
  for (const OperationKind last : {OperationKind::BeginPrepare, OperationKind::PreCommit}) {
    const auto members = members_for(volumes);
    const core::Guid set = members[0].set_id;
    ASSERT_TRUE(driver_.make_set(members, last));
    limit("16384");
    const core::Status status =
        last == OperationKind::BeginPrepare
            ? driver_.end_prepare(set)
            : status_of(driver_.commit(set, {members[0].snapshot_id, members[1].snapshot_id}));
    ASSERT_FALSE(status) << provider_host::to_string(last);
    EXPECT_EQ(status.error().code, ErrorCode::InsufficientStorage) << status.error().message;
    EXPECT_TRUE(driver_.abort(set));
    limit("none");
    EXPECT_TRUE(is_clean());
  }
}

TEST_F(BtrfsProvider, TheFilesystemCanBeUnmountedWhileSnapshotsExist) {
  ASSERT_TRUE(driver_.make_set(members_for(make_subvolumes(1))));
  EXPECT_NO_THROW(filesystem_.unmount());
}

TEST_F(BtrfsProvider, ADisappearedFilesystemIsNotTakenForADeletedSnapshot) {
  const auto members = members_for(make_subvolumes(1));
  ASSERT_TRUE(driver_.make_set(members));
  core::Member elsewhere = driver_.member(members[0].snapshot_id);
  const auto at = elsewhere.provider_data.find("filesystem\":\"") + 13;
  elsewhere.provider_data.replace(at, 36, core::Guid::random().str());
  EXPECT_EQ(driver_.remove(elsewhere).error().code, ErrorCode::ProviderVeto);
  EXPECT_EQ(driver_.exists(elsewhere).error().code, ErrorCode::ProviderVeto);
}

TEST_F(BtrfsProvider, ASetWithSomeMembersOfAFilesystemIsNotCommitted) {
  const auto members = members_for(make_subvolumes(2));
  ASSERT_TRUE(driver_.make_set(members, OperationKind::PreCommit));
  EXPECT_EQ(driver_.commit(members[0].set_id, {members[0].snapshot_id}).error().code,
            ErrorCode::InvalidArgument);
  EXPECT_TRUE(driver_.abort(members[0].set_id));
}

TEST_F(BtrfsProvider, OperationsOfASetThatIsNotBeingMadeAreRefused) {
  const core::Guid set = core::Guid::random();
  EXPECT_EQ(driver_.end_prepare(set).error().code, ErrorCode::BadState);
  EXPECT_EQ(driver_.commit(set, {}).error().code, ErrorCode::BadState);
  EXPECT_EQ(driver_.post_final_commit(set).error().code, ErrorCode::BadState);
  EXPECT_TRUE(driver_.abort(set));
}

}  // namespace
}  // namespace vss::test
