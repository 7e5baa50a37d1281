// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens when something does not go on while filesystems are held: a freeze, vssd, or vssd-hold.
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <atomic>
#include <csignal>
#include <cstring>
#include <fstream>
#include <thread>

#include "tests/loop/vssd/vssd_fixture.hpp"

namespace vss::test {
namespace {

constexpr auto kLimit = 1500ms;
constexpr auto kGrace = 1000ms;
constexpr auto kProviderLimit = 2000ms;
constexpr auto kSlack = 500ms;  // a busy machine
constexpr const char* kConfiguration = "[limits]\nhold_limit_ms = 1500\nprovider_ms = 2000\n";

class Stuck : public VssdTest {
 protected:
  Stuck()
      : btrfs_(volumes_.add("btrfs", "btrfs", 300)),
        host_(volumes_.add("host", "xfs", 600)),
        ext4_(volumes_.add("ext4", "ext4", 48, &host_)),
        members_(Volumes::add_subvolumes(btrfs_, 2)) {
    members_.push_back(ext4_.mount_point());
  }

  void freeze(const LoopFilesystem& filesystem, unsigned long request) const {
    const int root = filesystem.open_root();
    EXPECT_EQ(ioctl(root, request, 0), 0) << filesystem.mount_point() << ": " << std::strerror(errno);
    close(root);
  }

  LoopFilesystem& btrfs_;
  LoopFilesystem& host_;
  LoopFilesystem& ext4_;
  Paths members_;
};

TEST_F(Stuck, AFreezeThatHangsFailsTheSetInTimeAndIsReleasedWhenItSucceedsLate) {
  LoopFilesystem& outer = volumes_.add("outer", "xfs", 400);
  LoopFilesystem& inner = volumes_.add("inner", "ext4", 48, &outer);
  members_.push_back(inner.mount_point());
  start_vssd(kConfiguration);
  bool stick = true;
  std::chrono::steady_clock::time_point frozen;
  // FIFREEZE of the inner one has to write this, and its device cannot.
  const auto freeze_outer = [&](Session&) {
    frozen = std::chrono::steady_clock::now();
    if (!stick) return;
    std::ofstream(inner.mount_point() / "dirty") << std::string(1U << 20U, 'd') << std::flush;
    freeze(outer, FIFREEZE);
  };
  const NotingWriter& writer = add_writer("application", members_[0], {{"freeze", freeze_outer}});

  const FreezeGuard guard = volumes_.guard();
  Made failed;
  std::atomic<bool> answered = false;
  std::thread requester([&] {
    failed = make_set(members_);
    answered = true;
  });
  EXPECT_TRUE(wait_until([&] { return writer.count("abort") == 1; }, 20s));
  EXPECT_LT(std::chrono::steady_clock::now() - frozen, kLimit + kGrace + kSlack);
  EXPECT_EQ(blocked({btrfs_.mount_point(), ext4_.mount_point(), host_.mount_point()}, 1s),
            std::vector<std::string>());
  // The clone on the frozen filesystem cannot be removed now: the answer does not wait for it longer than for
  // any operation of a provider.
  EXPECT_TRUE(wait_until([&] { return answered.load(); }, kProviderLimit + kSlack));
  freeze(outer, FITHAW);
  requester.join();
  EXPECT_EQ(failed.error, "HoldWritesTimeout") << failed.message;
  EXPECT_EQ(failed.release(), "");
  EXPECT_EQ(blocked({inner.mount_point(), outer.mount_point()}, 1s), std::vector<std::string>());
  EXPECT_EQ(writer.unbalanced(), "");
  EXPECT_EQ(writer.count("abort"), 1U);
  EXPECT_EQ(leftovers(), std::vector<std::string>());

  stick = false;
  const Made made = make_set(members_);
  EXPECT_EQ(made.error, "") << made.message;
  EXPECT_EQ(made.consistency, "cut");
  EXPECT_EQ(made.release(), "");
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

// One more volume, captured by the fake provider, makes the window as long as the test wants.
class Stopped : public Stuck, public testing::WithParamInterface<const char*> {
 protected:
  Stopped() {
    members_.push_back(volumes_.add("slow", "ext4", 32).mount_point());
    script("commit delay 700");
    vssd_ = std::make_unique<VssdProcess>(
        bus_, VssdProcess::Options{.config = kConfiguration,
                                   .environment = {{"VSSD_FAKE_PROVIDER", "auto"},
                                                   {"VSSD_FAKE_PROVIDER_SCRIPT", script_file()}},
                                   .directory = volumes_.directory()});
  }
  std::string script_file() const { return (volumes_.directory() / "script").string(); }
  void script(const std::string& text) const { std::ofstream(script_file()) << text << '\n'; }
  bool capturing() const {
    std::ifstream log(script_file() + ".log");
    const std::string text((std::istreambuf_iterator<char>(log)), {});
    return text.find("commit ") == 0 || text.find("\ncommit ") != std::string::npos;
  }
};

TEST_P(Stopped, DuringTheHoldEverythingIsReleasedByTheLimit) {
  const NotingWriter& writer = add_writer("application", members_[0]);
  const FreezeGuard guard = volumes_.guard();
  Made failed;
  std::thread requester([&] { failed = make_set(members_); });
  EXPECT_TRUE(wait_until([&] { return capturing(); }, 20s));
  EXPECT_TRUE(ext4_.is_frozen());
  const pid_t stopped = GetParam() == std::string("vssd") ? vssd_->pid() : hold_helper();
  ASSERT_GT(stopped, 0);
  kill(stopped, SIGSTOP);
  EXPECT_EQ(blocked({ext4_.mount_point()}, kLimit + kGrace + kSlack), std::vector<std::string>());
  EXPECT_EQ(blocked(members_, 500ms), std::vector<std::string>());
  kill(stopped, SIGCONT);
  requester.join();
  EXPECT_EQ(failed.error, "HoldWritesTimeout") << failed.message;
  EXPECT_EQ(failed.release(), "");
  EXPECT_EQ(writer.unbalanced(), "");
  EXPECT_EQ(leftovers(), std::vector<std::string>());

  script("commit ok");
  const Made made = make_set(members_);
  EXPECT_EQ(made.error, "") << made.message;
  EXPECT_EQ(made.release(), "");
}

INSTANTIATE_TEST_SUITE_P(Processes, Stopped, testing::Values("vssd", "helper"),
                         [](const auto& process) { return std::string(process.param); });

}  // namespace
}  // namespace vss::test
