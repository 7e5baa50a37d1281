// SPDX-License-Identifier: LGPL-2.1-or-later
// Whoever dies, in whatever order: nothing stays held, and nothing is released twice.
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <array>
#include <fstream>
#include <random>
#include <thread>

#include "daemon/hold/leftovers.hpp"
#include "tests/loop/hold/driver.hpp"
#include "tests/loop/hold/hold_fixture.hpp"
#include "tests/support/run_program.hpp"

namespace vss::hold {
namespace {

class HoldCrash : public HoldTest {
 protected:
  // A vssd that holds everything, releases the first `released` of them, and waits to be killed.
  std::unique_ptr<Driver> hold_in_driver(std::size_t released = 0) {
    auto driver = std::make_unique<Driver>([this, released](const std::function<void()>& ready) {
      Coordinator vssd(runtime_dir());
      auto window = vssd.arm(targets(), 30s);
      for (std::size_t i = 0; i < volumes_.size(); ++i)
        if (!vssd.await((*window)->hold(i))) return;
      for (std::size_t i = 0; i < released; ++i)
        if (!vssd.await((*window)->release(i))) return;
      ready();
      vssd.run_until([] { return false; }, 60s);
    });
    EXPECT_TRUE(driver->ready());
    return driver;
  }
  // Ends both so that neither can act on the end of the other.
  void kill_both(Driver& driver, const Record& seen) const {
    const ProcessWatch helper(seen.header().helper);
    helper.send(SIGSTOP);
    driver.kill_now();
    helper.send(SIGKILL);
    ASSERT_TRUE(helper.gone(2s));
  }
  core::Result<ReleasedSummary> recover(LeftoverLimits limits = {}) const {
    return release_leftovers(
        runtime_dir(), [](std::string_view) {}, limits);
  }
  std::string mount_point(std::size_t index) const { return volumes_[index]->mount_point().string(); }
};

TEST_F(HoldCrash, TheHelperReleasesWhenVssdIsKilled) {
  make({"ext4", "xfs"});
  const auto driver = hold_in_driver();
  const auto seen = record();
  EXPECT_EQ(frozen(), 2U);
  const std::int64_t killed = monotonic_ns();
  driver->kill_now();
  ASSERT_TRUE(test::wait_until([&] { return seen->settled(); }, 1s));
  EXPECT_LT(seen->targets()[1].released_ns, seen->targets()[0].released_ns);
  EXPECT_LT(seen->targets()[0].released_ns - killed, 1'000'000'000);
  EXPECT_EQ(frozen(), 0U);
  EXPECT_TRUE(ProcessWatch(seen->header().helper).gone(1s));
  const auto summary = recover();
  ASSERT_TRUE(summary);
  EXPECT_TRUE(summary->released.empty());
  EXPECT_TRUE(record_paths().empty());
}

TEST_F(HoldCrash, VssdReleasesWhenTheHelperIsKilled) {
  make({"ext4", "xfs"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 20s);
  ASSERT_TRUE(window);
  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  ASSERT_TRUE(vssd.await((*window)->hold(1)));
  const auto seen = record();
  kill(seen->header().helper.pid, SIGKILL);
  ASSERT_TRUE(vssd.run_until([&] { return seen->settled(); }, 1s));
  EXPECT_EQ(frozen(), 0U);
  EXPECT_LT(seen->targets()[1].released_ns, seen->targets()[0].released_ns);
  EXPECT_EQ(seen->targets()[0].now().by(), getpid());
  const auto late = vssd.await((*window)->release(0));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::HoldWritesTimeout);
  EXPECT_NE(late.error().message.find("killed by signal 9"), std::string::npos) << late.error().message;
  EXPECT_TRUE(vssd.await((*window)->finish()));
  EXPECT_TRUE(record_paths().empty());
}

TEST_F(HoldCrash, AStoppedHelperIsReplacedSoonAfterTheLimit) {
  make({"ext4", "xfs"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 400ms);
  ASSERT_TRUE(window);
  const std::int64_t start = monotonic_ns();
  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  const auto seen = record();
  kill(seen->header().helper.pid, SIGSTOP);
  std::optional<core::Status> held;
  vssd.start((*window)->hold(1), held);
  ASSERT_TRUE(vssd.run_until([&] { return held.has_value() && seen->settled(); }, 5s));
  EXPECT_LT(monotonic_ns() - start, 1'400'000'000);
  ASSERT_FALSE(*held);
  EXPECT_EQ(held->error().code, ErrorCode::HoldWritesTimeout);
  EXPECT_EQ(vssd.await((*window)->release(0)).error().code, ErrorCode::HoldWritesTimeout);
  EXPECT_TRUE(vssd.await((*window)->finish()));
  EXPECT_EQ(frozen(), 0U);
  EXPECT_TRUE(record_paths().empty());
}

TEST_F(HoldCrash, AHelperToldToEndReleasesFirst) {
  make({"ext4", "ext4"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 20s);
  ASSERT_TRUE(window);
  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  ASSERT_TRUE(vssd.await((*window)->hold(1)));
  const auto seen = record();
  kill(seen->header().helper.pid, SIGTERM);
  ASSERT_TRUE(vssd.run_until([&] { return seen->settled(); }, 1s));
  EXPECT_EQ(seen->targets()[0].now().by(), seen->header().helper.pid);
  EXPECT_EQ(vssd.await((*window)->release(1)).error().code, ErrorCode::HoldWritesTimeout);
  EXPECT_TRUE(vssd.await((*window)->finish()));
}

TEST_F(HoldCrash, RecoveryReleasesInReverseOrderWhenBothAreKilled) {
  make({"ext4", "xfs"});
  const auto driver = hold_in_driver();
  const auto seen = record();
  kill_both(*driver, *seen);
  EXPECT_EQ(frozen(), 2U);
  const auto summary = recover();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->released, (std::vector<std::string>{mount_point(1), mount_point(0)}));
  EXPECT_TRUE(summary->remaining.empty());
  EXPECT_EQ(frozen(), 0U);
  EXPECT_TRUE(record_paths().empty());
}

TEST_F(HoldCrash, TheProgramReleasesLeftovers) {
  make({"ext4"});
  const auto driver = hold_in_driver();
  kill_both(*driver, *record());
  const std::string output =
      test::run_program({VSSD_HOLD_PROGRAM, "--release-leftovers", "--runtime-dir", runtime_dir().string()});
  EXPECT_NE(output.find("released " + mount_point(0)), std::string::npos) << output;
  EXPECT_EQ(frozen(), 0U);
}

TEST_F(HoldCrash, TheProgramLeavesALivingVssdAlone) {
  make({"ext4"});
  for (const bool holding : {false, true}) {
    Coordinator vssd(runtime_dir());
    auto window = vssd.arm(targets(), 20s);
    ASSERT_TRUE(window);
    if (holding) {
      ASSERT_TRUE(vssd.await((*window)->hold(0)));
    }
    const std::string output = test::run_program(
        {"/bin/sh", "-c", R"("$0" --release-leftovers --runtime-dir "$1" 2>&1; echo "status $?")",
         VSSD_HOLD_PROGRAM, runtime_dir().string()});
    EXPECT_NE(output.find("is in use by vssd"), std::string::npos) << output;
    EXPECT_NE(output.find("status 3"), std::string::npos) << output;
    EXPECT_EQ(record_paths().size(), 1U);
    EXPECT_EQ(frozen(), holding ? 1U : 0U);
    if (!holding) {
      ASSERT_TRUE(vssd.await((*window)->hold(0)));
    }
    EXPECT_TRUE(vssd.await((*window)->release(0)));
    EXPECT_TRUE(vssd.await((*window)->finish()));
  }
}

TEST_F(HoldCrash, RecoveryLetsAStoppedHelperGoOn) {
  make({"ext4"});
  const auto driver = hold_in_driver();
  const auto seen = record();
  const ProcessWatch helper(seen->header().helper);
  helper.send(SIGSTOP);
  driver->kill_now();
  EXPECT_EQ(frozen(), 1U);
  ASSERT_TRUE(recover());
  EXPECT_EQ(seen->targets()[0].now().by(), helper.pid());
  EXPECT_EQ(frozen(), 0U);
  EXPECT_TRUE(record_paths().empty());
}

// The record shows the whole truth: what we released is not ours any more, whoever holds it now.
TEST_F(HoldCrash, AHoldTakenByAnotherAfterOurReleaseSurvivesRecovery) {
  make({"ext4", "xfs"});
  const auto driver = hold_in_driver(1);
  const core::UniqueFd other(volumes_[0]->open_root());
  ASSERT_EQ(ioctl(other.get(), FIFREEZE, 0), 0);
  kill_both(*driver, *record());
  const auto summary = recover();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->released, std::vector<std::string>{mount_point(1)});
  EXPECT_TRUE(volumes_[0]->is_frozen());
  EXPECT_FALSE(volumes_[1]->is_frozen());
  EXPECT_EQ(ioctl(other.get(), FITHAW, 0), 0);
}

TEST_F(HoldCrash, AHoldTakenByAnotherAfterTheLimitSurvivesTheEnd) {
  make({"ext4"});
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm(targets(), 300ms);
  ASSERT_TRUE(window);
  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  const auto seen = record();
  ASSERT_TRUE(vssd.run_until([&] { return seen->settled(); }, 2s));
  const core::UniqueFd other(volumes_[0]->open_root());
  ASSERT_EQ(ioctl(other.get(), FIFREEZE, 0), 0);
  EXPECT_FALSE(vssd.await((*window)->release(0)));
  kill(seen->header().helper.pid, SIGKILL);
  EXPECT_TRUE(vssd.await((*window)->finish()));
  ASSERT_TRUE(recover());
  EXPECT_TRUE(volumes_[0]->is_frozen());
  EXPECT_EQ(ioctl(other.get(), FITHAW, 0), 0);
}

// A killed process whose FIFREEZE is stuck holds nothing yet and still will, when the way is free.
TEST_F(HoldCrash, AFreezeThatOutlivesItsProcessIsReleasedByTheRecovery) {
  test::LoopFilesystem& outer = add(dir_.path(), "ext4");
  test::LoopFilesystem& inner = add(outer.mount_point(), "ext4");
  guard();
  const core::UniqueFd other(outer.open_root());
  auto driver = std::make_unique<Driver>([&](const std::function<void()>& ready) {
    Coordinator vssd(runtime_dir());
    auto window = vssd.arm({target(inner)}, 30s);
    std::ofstream(inner.mount_point() / "dirty") << "to be written back by the freeze";
    ioctl(other.get(), FIFREEZE, 0);
    ready();
    [[maybe_unused]] const auto never = vssd.await((*window)->hold(0), 60s);
  });
  ASSERT_TRUE(driver->ready());
  const auto seen = record();
  ASSERT_TRUE(test::wait_until([&] { return state(*seen, 0) == TargetState::Holding; }, 5s));
  const ProcessWatch helper(seen->header().helper);
  driver->kill_now();
  helper.send(SIGKILL);

  const auto early = recover({50ms, 50ms});
  ASSERT_TRUE(early);
  ASSERT_EQ(early->remaining.size(), 1U);
  EXPECT_EQ(record_paths().size(), 1U);

  ASSERT_EQ(ioctl(other.get(), FITHAW, 0), 0);
  const auto summary = recover();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->released.size() + summary->not_held.size(), 1U);
  EXPECT_TRUE(summary->remaining.empty());
  EXPECT_FALSE(inner.is_frozen());
  EXPECT_TRUE(record_paths().empty());
}

// The thaw of the inner filesystem writes to its file, which lies on an outer one that somebody holds for
// longer than one release keeps the next one waiting.
class SlowRelease : public HoldCrash {
 protected:
  SlowRelease() : outer_(add(dir_.path(), "ext4")), inner_(add(outer_.mount_point(), "ext4")) {
    guard();
    other_ = core::UniqueFd(outer_.open_root());
  }
  // Once the release of `seen` is stuck and was for `longer`, the way is made free.
  std::thread free_the_way_after(const std::shared_ptr<Record>& seen, std::chrono::milliseconds longer) {
    return std::thread([this, seen, longer] {
      EXPECT_TRUE(test::wait_until([&] { return state(*seen, 0) == TargetState::Releasing; }, 5s));
      EXPECT_FALSE(test::wait_until([&] { return seen->settled(); }, longer));
      EXPECT_EQ(ioctl(other_.get(), FITHAW, 0), 0);
    });
  }

  test::LoopFilesystem& outer_;
  test::LoopFilesystem& inner_;
  core::UniqueFd other_;
};

TEST_F(SlowRelease, RecoveryWaitsForIt) {
  Driver driver([this](const std::function<void()>& ready) {
    Coordinator vssd(runtime_dir());
    auto window = vssd.arm({target(inner_)}, 30s);
    if (!vssd.await((*window)->hold(0))) return;
    ready();
    vssd.run_until([] { return false; }, 60s);
  });
  ASSERT_TRUE(driver.ready());
  const auto seen = record();
  kill_both(driver, *seen);
  ASSERT_EQ(ioctl(other_.get(), FIFREEZE, 0), 0);
  std::thread free_the_way = free_the_way_after(seen, 600ms);
  const auto summary = recover();
  free_the_way.join();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->released, std::vector<std::string>{inner_.mount_point().string()});
  EXPECT_TRUE(summary->remaining.empty());
  EXPECT_TRUE(record_paths().empty());
  EXPECT_FALSE(inner_.is_frozen());
}

TEST_F(SlowRelease, VssdWaitsForItBeforeTheWindowIsOver) {
  Coordinator vssd(runtime_dir());
  auto window = vssd.arm({target(inner_)}, 20s);
  ASSERT_TRUE(window);
  ASSERT_TRUE(vssd.await((*window)->hold(0)));
  const auto seen = record();
  ASSERT_EQ(ioctl(other_.get(), FIFREEZE, 0), 0);
  kill(seen->header().helper.pid, SIGKILL);
  std::thread free_the_way = free_the_way_after(seen, 600ms);
  std::optional<core::Status> finished;
  vssd.start((*window)->finish(), finished);
  EXPECT_TRUE(vssd.run_until([&] { return finished.has_value(); }, 10s));
  free_the_way.join();
  ASSERT_TRUE(finished);
  EXPECT_TRUE(*finished) << finished->error().message;
  EXPECT_TRUE(record_paths().empty());
  EXPECT_FALSE(inner_.is_frozen());
}

// A process that had won the release and was killed before the system call: the state says so.
TEST_F(HoldCrash, AReleaseThatItsProcessDidNotMakeIsMadeOnce) {
  make({"ext4"});
  const auto driver = hold_in_driver();
  const auto seen = record();
  kill_both(*driver, *seen);
  ASSERT_TRUE(seen->targets()[0].claim(seen->header().helper.pid));
  const auto summary = recover();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->released, std::vector<std::string>{mount_point(0)});
  EXPECT_EQ(frozen(), 0U);
}

TEST_F(HoldCrash, RecoveryFindsAFilesystemThatWasMountedElsewhere) {
  make({"ext4"});
  const auto driver = hold_in_driver();
  kill_both(*driver, *record());
  guard_.reset();  // it keeps the mount busy; no longer than this
  volumes_[0]->remount();
  guard();
  EXPECT_EQ(frozen(), 1U);  // umount and mount do not thaw
  const auto summary = recover();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->released.size(), 1U);
  EXPECT_EQ(frozen(), 0U);
}

// Sets after sets, and a kill at a random moment of vssd, of vssd-hold, or of both.
TEST_F(HoldCrash, NothingStaysHeldAfterAHundredRandomKills) {
  make({"ext4", "xfs"});
  std::mt19937 random(20240607);
  std::array<int, 3> kills{};
  for (int round = 0; round < 100; ++round) {
    Driver driver([this](const std::function<void()>& ready) {
      Coordinator vssd(runtime_dir());
      ready();
      for (;;) {
        auto window = vssd.arm(targets(), 2s);
        if (!window) continue;
        for (const std::size_t i : {0U, 1U})
          if (!vssd.await((*window)->hold(i))) break;
        for (const std::size_t i : {0U, 1U})
          if (!vssd.await((*window)->release(i))) break;
        [[maybe_unused]] const auto end = vssd.await((*window)->finish());
      }
    });
    ASSERT_TRUE(driver.ready());
    const auto moment = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 25'000);
    while (std::chrono::steady_clock::now() < moment) std::this_thread::yield();
    const std::size_t who = random() % 3;
    ++kills[who];
    if (who != 0)
      for (const auto& path : record_paths()) {
        const auto seen = Record::map(core::UniqueFd(open(path.c_str(), O_RDWR | O_CLOEXEC)));
        if (seen) ProcessWatch(seen->header().helper).send(SIGKILL);
      }
    if (who != 1) driver.kill_now();
    if (who == 2) {
      ASSERT_TRUE(recover());
    }
    // In the second case vssd goes on holding and releasing: seen free once is enough. How soon is promised
    // is the business of other tests; here kills and a busy disk come together.
    for (const auto& volume : volumes_)
      ASSERT_TRUE(test::wait_until([&] { return !volume->is_frozen(); }, 10s))
          << "round " << round << " " << who;
    driver.kill_now();
    // A thaw of the killed process may wait for the disk longer than recovery waits for it, which then says
    // so and is run again, as at the next start.
    ASSERT_TRUE(test::wait_until(
        [&] {
          const auto summary = recover();
          return !summary || summary->remaining.empty();
        },
        10s))
        << "round " << round << " " << who;
    ASSERT_TRUE(record_paths().empty());
    ASSERT_EQ(frozen(), 0U) << "round " << round << " " << who;
  }
  for (const int count : kills) EXPECT_GT(count, 10);
}

}  // namespace
}  // namespace vss::hold
