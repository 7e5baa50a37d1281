// SPDX-License-Identifier: LGPL-2.1-or-later
// What the recovery does with records that need no filesystem; with real ones: tests/loop/hold.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <array>
#include <csignal>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <vector>

#include "daemon/hold/leftovers.hpp"
#include "daemon/hold/process_watch.hpp"
#include "daemon/hold/record.hpp"
#include "tests/support/temp_dir.hpp"

namespace vss::hold {
namespace {

// Does `work`, then waits to be killed.
class OtherProcess {
 public:
  explicit OtherProcess(const std::function<void()>& work = [] {}) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    const core::UniqueFd from(ends[0]);
    core::UniqueFd to(ends[1]);
    pid_ = fork();
    if (pid_ == 0) {
      work();
      const ProcessIdentity self = this_process();
      if (write(to.get(), &self, sizeof(self)) == sizeof(self)) pause();
      _exit(0);
    }
    to.reset();
    if (read(from.get(), &identity_, sizeof(identity_)) != sizeof(identity_))
      throw std::runtime_error("read");
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;
  ~OtherProcess() { end(); }

  [[nodiscard]] const ProcessIdentity& identity() const { return identity_; }
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  ProcessIdentity identity_{};
};

class LeftoversTest : public testing::Test {
 protected:
  Record create(const char* name) {
    TargetIdentity identity;
    identity.mount_point = "/nowhere";
    identity.device_major = 4094;  // no such device
    const std::vector<TargetIdentity> targets{identity};
    return std::move(Record::create(path(name), core::Guid::random(), targets).value());
  }
  std::filesystem::path path(const char* name) const { return dir_.path() / name; }
  core::Result<ReleasedSummary> run() {
    return release_leftovers(dir_.path(), [this](std::string_view line) { log_.emplace_back(line); }, {});
  }

  test::TempDir dir_;
  std::vector<std::string> log_;
};

TEST_F(LeftoversTest, NothingToDoIsSuccess) {
  const auto here = run();
  ASSERT_TRUE(here);
  EXPECT_EQ(here->records, 0U);
  const auto nowhere = release_leftovers(dir_.path() / "missing", [](std::string_view) {});
  ASSERT_TRUE(nowhere);
  EXPECT_EQ(nowhere->records, 0U);
  EXPECT_TRUE(log_.empty());
}

TEST_F(LeftoversTest, ARecordOfAnotherBootIsOnlyRemoved) {
  {
    const Record record = create("hold.record.a");
    record.targets()[0].begin_hold(1);
    record.targets()[0].hold_done(1, 1, 1);
    record.header().boot_id[0] = 'x';
  }
  const auto summary = run();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->records, 1U);
  EXPECT_TRUE(summary->remaining.empty());
  EXPECT_FALSE(std::filesystem::exists(path("hold.record.a")));
  EXPECT_EQ(log_.size(), 1U);
}

TEST_F(LeftoversTest, ARecordThatWasNeverCompletedIsRemoved) {
  std::ofstream(path("hold.record.a")) << "VSS";
  create("hold.record.b").header().magic = 0;
  const auto summary = run();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->records, 2U);
  EXPECT_FALSE(std::filesystem::exists(path("hold.record.a")));
  EXPECT_FALSE(std::filesystem::exists(path("hold.record.b")));
  EXPECT_EQ(log_.size(), 2U);
}

TEST_F(LeftoversTest, ARecordOfAnotherVersionStaysAndIsAnError) {
  create("hold.record.a").header().version = 2;
  const auto summary = run();
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, ErrorCode::NotSupported);
  EXPECT_TRUE(std::filesystem::exists(path("hold.record.a")));
}

TEST_F(LeftoversTest, WhereNothingWasHeldTheRecordGoes) {
  create("hold.record.a");
  const auto summary = run();
  ASSERT_TRUE(summary);
  EXPECT_TRUE(summary->released.empty());
  EXPECT_FALSE(std::filesystem::exists(path("hold.record.a")));
}

TEST_F(LeftoversTest, WhatIsNotMountedAnyMoreStaysInTheRecordAndIsNamed) {
  {
    const Record record = create("hold.record.a");
    record.targets()[0].begin_hold(1);
    record.targets()[0].hold_done(1, 1, 1);
  }
  const auto summary = run();
  ASSERT_TRUE(summary) << summary.error().message;
  ASSERT_EQ(summary->remaining.size(), 1U);
  EXPECT_TRUE(summary->remaining[0].starts_with("/nowhere: ")) << summary->remaining[0];
  EXPECT_TRUE(std::filesystem::exists(path("hold.record.a")));
}

TEST_F(LeftoversTest, TheRecordOfALivingVssdIsLeftToIt) {
  OtherProcess vssd([this] {
    create("hold.record.armed");  // and nothing is held yet
    const Record holding = create("hold.record.holding");
    holding.targets()[0].begin_hold(getppid());
    holding.targets()[0].hold_done(getppid(), 1, 1);
  });
  const auto summary = run();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->in_use, 2U);
  EXPECT_TRUE(summary->remaining.empty());
  ASSERT_EQ(log_.size(), 2U);
  EXPECT_NE(log_[0].find("vssd (process " + std::to_string(vssd.identity().pid) + ")"), std::string::npos)
      << log_[0];
  EXPECT_TRUE(std::filesystem::exists(path("hold.record.armed")));
  EXPECT_TRUE(std::filesystem::exists(path("hold.record.holding")));

  vssd.end();
  const auto after = run();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->in_use, 0U);
  EXPECT_EQ(after->remaining.size(), 1U);
  EXPECT_FALSE(std::filesystem::exists(path("hold.record.armed")));
}

TEST_F(LeftoversTest, OtherFilesAreLeftAlone) {
  std::ofstream(path("other")) << "x";
  ASSERT_TRUE(run());
  EXPECT_TRUE(std::filesystem::exists(path("other")));
}

TEST(ProcessWatch, FollowsAProcessToItsEndAndIsNotFooledByItsPid) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  ProcessIdentity identity = this_process();
  EXPECT_GT(identity.start, 0U);
  EXPECT_FALSE(ProcessWatch(identity).gone());
  ++identity.start;  // the pid of another, later process
  EXPECT_TRUE(ProcessWatch(identity).gone());
  EXPECT_TRUE(ProcessWatch(ProcessIdentity{}).gone());

  const core::UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  const ProcessWatch watch(child, pidfd.get());
  EXPECT_FALSE(watch.gone(std::chrono::milliseconds(5)));
  watch.send(SIGKILL);
  EXPECT_TRUE(watch.gone(std::chrono::seconds(5)));
  waitpid(child, nullptr, 0);
}

// While it lives no file can be opened by this process.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{3, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(ProcessWatch, AProcessThatCannotBeLookedAtIsNotTakenForGone) {
  OtherProcess other;
  const core::UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, other.identity().pid, 0)));
  std::vector<ProcessWatch> watches;
  {
    const NoDescriptors none;
    watches.emplace_back(other.identity());
    watches.emplace_back(other.identity().pid, pidfd.get());
    EXPECT_TRUE(ProcessWatch(ProcessIdentity{}).gone());
  }
  for (const ProcessWatch& watch : watches) {
    EXPECT_FALSE(watch.gone());
    EXPECT_FALSE(watch.gone(std::chrono::milliseconds(50)));
  }
  other.end();
  for (const ProcessWatch& watch : watches) EXPECT_TRUE(watch.gone(std::chrono::seconds(5)));
}

}  // namespace
}  // namespace vss::hold
