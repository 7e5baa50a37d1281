// SPDX-License-Identifier: LGPL-2.1-or-later
// The window as the coordinator sees it, while nothing crashes.
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <fstream>

#include "tests/loop/hold/hold_fixture.hpp"
#include "tests/support/priorities.hpp"

namespace vss::hold {
namespace {

class HoldWindow : public HoldTest {};

TEST_F(HoldWindow, WritersBlockFromHoldToRelease) {
  make({"ext4", "xfs", "ext4"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 20s);
  ASSERT_TRUE(window) << window.error().message;
  EXPECT_EQ(frozen(), 0U);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto held = vssd.await((*window)->hold(i));
    ASSERT_TRUE(held) << held.error().message;
    EXPECT_EQ(frozen(), i + 1);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const std::int64_t before = monotonic_ns();
    const auto times = vssd.await((*window)->release(i));
    ASSERT_TRUE(times) << times.error().message;
    EXPECT_GT(times->held.count(), 0);
    EXPECT_LT(times->held.count(), before);
    EXPECT_GT(times->released.count(), before);
    EXPECT_GT(times->length(), 0ns);
    EXPECT_EQ(frozen(), 2 - i);
  }
  const ProcessWatch helper(record()->header().helper);
  EXPECT_FALSE(helper.gone());
  ASSERT_TRUE(vssd.await((*window)->finish()));
  EXPECT_TRUE(record_paths().empty());
  EXPECT_TRUE(helper.gone());
}

TEST_F(HoldWindow, TheHelperAndItsThreadsRunBeforeOrdinaryOnes) {
  make({"ext4", "ext4"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 20s);
  ASSERT_TRUE(window) << window.error().message;
  for (const std::size_t i : {0U, 1U}) ASSERT_TRUE(vssd.await((*window)->hold(i)));
  const test::ThreadCount threads = test::count_threads(static_cast<pid_t>(record()->header().helper.pid));
  const std::size_t all = 3;
  EXPECT_EQ(threads.urgent, test::may_be_urgent() ? all : 0);
  EXPECT_EQ(threads.ordinary, test::may_be_urgent() ? 0 : all);
  ASSERT_TRUE(vssd.await((*window)->finish()));
}

TEST_F(HoldWindow, EverythingIsReleasedInReverseOrderWhenTheLimitPasses) {
  make({"ext4", "ext4", "ext4"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 500ms);
  ASSERT_TRUE(window) << window.error().message;
  const std::int64_t start = monotonic_ns();
  for (const std::size_t i : {2U, 0U, 1U}) ASSERT_TRUE(vssd.await((*window)->hold(i)));
  const auto seen = record();
  ASSERT_TRUE(vssd.run_until([&] { return seen->settled(); }, 2s));
  const auto targets = seen->targets();
  EXPECT_GE(targets[1].released_ns - start, 500'000'000);
  EXPECT_LT(targets[2].released_ns - start, 1'500'000'000);
  EXPECT_LT(targets[1].released_ns, targets[0].released_ns);
  EXPECT_LT(targets[0].released_ns, targets[2].released_ns);
  EXPECT_EQ(frozen(), 0U);
  for (const std::size_t i : {0U, 1U, 2U}) {
    const auto late = vssd.await((*window)->release(i));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, ErrorCode::HoldWritesTimeout);
  }
  EXPECT_TRUE(vssd.await((*window)->finish()));
  EXPECT_TRUE(record_paths().empty());
}

TEST_F(HoldWindow, NothingIsHeldAfterTheLimit) {
  make({"ext4", "ext4"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 300ms);
  ASSERT_TRUE(window);
  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  const auto seen = record();
  ASSERT_TRUE(vssd.run_until([&] { return seen->settled(); }, 2s));
  const auto late = vssd.await((*window)->hold(1));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::HoldWritesTimeout);
  EXPECT_EQ(frozen(), 0U);
  EXPECT_TRUE(vssd.await((*window)->finish()));
}

TEST_F(HoldWindow, WhatSomebodyElseHoldsIsInUseAndStaysHeld) {
  make({"ext4", "xfs"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 5s);
  ASSERT_TRUE(window);
  const core::UniqueFd other(volumes_[1]->open_root());
  ASSERT_EQ(ioctl(other.get(), FIFREEZE, 0), 0);
  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  const auto busy = vssd.await((*window)->hold(1));
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, ErrorCode::VolumeInUse);
  ASSERT_TRUE(vssd.await((*window)->finish()));
  EXPECT_FALSE(volumes_[0]->is_frozen());
  EXPECT_TRUE(volumes_[1]->is_frozen());
  EXPECT_EQ(ioctl(other.get(), FITHAW, 0), 0);
}

TEST_F(HoldWindow, ReleaseTellsThatSomebodyElseThawed) {
  make({"ext4"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 5s);
  ASSERT_TRUE(window);
  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  const core::UniqueFd other(volumes_[0]->open_root());
  ASSERT_EQ(ioctl(other.get(), FITHAW, 0), 0);
  const auto released = vssd.await((*window)->release(0));
  ASSERT_FALSE(released);
  EXPECT_EQ(released.error().code, ErrorCode::HoldWritesTimeout);
  EXPECT_TRUE(vssd.await((*window)->finish()));
}

TEST_F(HoldWindow, CallsOutOfOrderAreRefused) {
  make({"ext4"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 5s);
  ASSERT_TRUE(window);
  EXPECT_EQ(vssd.await((*window)->release(0)).error().code, ErrorCode::BadState);
  EXPECT_EQ(vssd.await((*window)->hold(1)).error().code, ErrorCode::BadState);
  EXPECT_EQ(vssd.await((*window)->release(1)).error().code, ErrorCode::BadState);
  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  EXPECT_EQ(vssd.await((*window)->hold(0)).error().code, ErrorCode::BadState);
  ASSERT_TRUE(vssd.await((*window)->release(0)));
  EXPECT_EQ(vssd.await((*window)->release(0)).error().code, ErrorCode::BadState);
  EXPECT_TRUE(vssd.await((*window)->finish()));
  EXPECT_TRUE(vssd.await((*window)->finish()));
}

TEST_F(HoldWindow, DroppingItReleasesEverything) {
  make({"ext4", "ext4"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 20s);
  ASSERT_TRUE(window);
  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  ASSERT_TRUE(vssd.await((*window)->hold(1)));
  window->reset();
  EXPECT_TRUE(vssd.run_until([&] { return record_paths().empty(); }, 2s));
  EXPECT_EQ(frozen(), 0U);
}

TEST_F(HoldWindow, TheEndOfTheCoordinatorsLoopReleasesEverything) {
  make({"ext4"});
  ProcessIdentity helper{};
  {
    Coordinator vssd(runtime_dir());
    auto window = vssd.arm(targets(), 20s);
    ASSERT_TRUE(window);
    ASSERT_TRUE(vssd.await((*window)->hold(0)));
    helper = record()->header().helper;
  }
  EXPECT_TRUE(ProcessWatch(helper).gone(1s));
  EXPECT_EQ(frozen(), 0U);
}

// The inner filesystem lies in a file on an outer one that somebody holds: its FIFREEZE cannot end.
TEST_F(HoldWindow, AStuckHoldBlocksNobodyAndIsReleasedWhenItSucceedsLate) {
  test::LoopFilesystem& outer = add(dir_.path(), "ext4");
  test::LoopFilesystem& side = add(dir_.path(), "xfs");
  test::LoopFilesystem& inner = add(outer.mount_point(), "ext4");
  guard();
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm({target(side), target(inner)}, 500ms);
  ASSERT_TRUE(window) << window.error().message;
  std::ofstream(inner.mount_point() / "dirty") << "to be written back by the freeze";
  const core::UniqueFd other(outer.open_root());
  ASSERT_EQ(ioctl(other.get(), FIFREEZE, 0), 0);

  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  const auto seen = record();
  const auto stuck = vssd.await((*window)->hold(1), 1500ms);
  ASSERT_FALSE(stuck);
  EXPECT_EQ(stuck.error().code, ErrorCode::HoldWritesTimeout);
  EXPECT_EQ(state(*seen, 1), TargetState::Holding);
  ASSERT_TRUE(test::wait_until([&] { return state(*seen, 0) == TargetState::Released; }, 500ms));
  EXPECT_FALSE(side.is_frozen());
  const auto unfinished = vssd.await((*window)->finish(), 3s);
  ASSERT_FALSE(unfinished);
  EXPECT_NE(unfinished.error().message.find(inner.mount_point().string()), std::string::npos);
  EXPECT_EQ(unfinished.error().message.find(side.mount_point().string()), std::string::npos);

  ASSERT_EQ(ioctl(other.get(), FITHAW, 0), 0);
  EXPECT_TRUE(vssd.run_until([&] { return record_paths().empty(); }, 3s));
  EXPECT_EQ(state(*seen, 1), TargetState::Released);
  EXPECT_GT(seen->targets()[1].held_ns, 0);
  EXPECT_FALSE(inner.is_frozen());
}

TEST_F(HoldWindow, TheHelperIsLockedInMemoryAndOutOfTheTerminalsReach) {
  make({"ext4"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 5s);
  ASSERT_TRUE(window);
  const pid_t helper = record()->header().helper.pid;
  EXPECT_EQ(getsid(helper), helper);
  std::ifstream status("/proc/" + std::to_string(helper) + "/status");
  long locked_kib = 0;
  for (std::string word; status >> word;)
    if (word == "VmLck:") status >> locked_kib;
  EXPECT_GT(locked_kib, 100);

  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  kill(helper, SIGINT);
  kill(helper, SIGHUP);
  kill(helper, SIGPIPE);
  ASSERT_TRUE(vssd.await((*window)->release(0)));
  EXPECT_TRUE(vssd.await((*window)->finish()));
}

TEST_F(HoldWindow, WhatCannotBeArmedChangesNothing) {
  make({"ext4"});
  const std::string here = volumes_[0]->mount_point().string();
  const std::filesystem::path bind = dir_.path() / "bind";
  std::filesystem::create_directory(bind);
  ASSERT_EQ(mount(here.c_str(), bind.c_str(), nullptr, MS_BIND, nullptr), 0);
  std::filesystem::create_directory(volumes_[0]->mount_point() / "run");

  const core::HoldTarget good = target(*volumes_[0]);
  core::HoldTarget twin = good;
  twin.mount_point = bind.string();
  core::HoldTarget missing = good;
  missing.mount_point += "/missing";
  core::HoldTarget replaced = good;
  replaced.superblock = "7:99999";
  core::HoldTarget unholdable = good;
  unholdable.ability = core::HoldAbility::Impossible;
  struct Case {
    const char* what;
    std::filesystem::path runtime_dir;
    std::string helper;
    std::vector<core::HoldTarget> targets;
    ErrorCode code;
  };
  const std::filesystem::path run = runtime_dir();
  const std::string program = VSSD_HOLD_PROGRAM;
  const std::vector<Case> cases{
      {"twice", run, program, {good, twin}, ErrorCode::VolumeInUse},
      {"missing", run, program, {missing}, ErrorCode::ObjectNotFound},
      {"replaced", run, program, {replaced}, ErrorCode::ObjectNotFound},
      {"unholdable", run, program, {unholdable}, ErrorCode::InvalidArgument},
      {"too many", run, program, std::vector<core::HoldTarget>(65, good),
       ErrorCode::MaximumNumberOfVolumesReached},
      {"record on it", volumes_[0]->mount_point() / "run", program, {good}, ErrorCode::InvalidArgument},
      {"no runtime directory", dir_.path() / "none", program, {good}, ErrorCode::ObjectNotFound},
      {"no helper", run, "/nowhere/vssd-hold", {good}, ErrorCode::ObjectNotFound},
      {"helper that ends", run, "/bin/true", {good}, ErrorCode::Unexpected},
  };
  for (const Case& one : cases) {
    Coordinator vssd(one.runtime_dir, one.helper);
    const auto window = vssd.arm(one.targets, 1s);
    ASSERT_FALSE(window) << one.what;
    EXPECT_EQ(window.error().code, one.code) << one.what << ": " << window.error().message;
    EXPECT_TRUE(record_paths().empty()) << one.what;
  }
  EXPECT_EQ(frozen(), 0U);
  ASSERT_EQ(umount2(bind.c_str(), 0), 0);
}

}  // namespace
}  // namespace vss::hold
