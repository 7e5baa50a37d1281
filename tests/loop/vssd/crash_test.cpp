// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 of vssd, of vssd-hold and of both at random moments of the creation of a set.
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include "tests/loop/vssd/vssd_fixture.hpp"

namespace vss::test {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr int kMeasured = 5;

enum class Victim { Vssd, Helper, Both };
struct Series {
  const char* name;
  Victim victim;
  int kills;
  friend void PrintTo(const Series& series, std::ostream* out) { *out << series.name; }
};

unsigned seed() {
  const char* const given = std::getenv("VSS_TEST_SEED");
  return given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device()();
}

void pass(Microseconds time) {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(time);
  while (Clock::now() < end) std::this_thread::yield();
}

// A set in the making, in a thread. The requester lives as long as the object.
class Creation {
 public:
  explicit Creation(const std::function<Made()>& make)
      : thread_([this, make] {
          made_.emplace(make());
          over_ = true;
        }) {}
  ~Creation() { finish(); }
  Creation(const Creation&) = delete;
  Creation& operator=(const Creation&) = delete;

  [[nodiscard]] bool over() const { return over_; }
  const Made& finish() {
    if (thread_.joinable()) thread_.join();
    return *made_;
  }

 private:
  std::optional<Made> made_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

class Crash : public VssdTest, public testing::WithParamInterface<Series> {
 protected:
  Crash()
      : btrfs_(volumes_.add("btrfs", "btrfs", 400)),
        host_(volumes_.add("host", "xfs", 600)),
        ext4_(volumes_.add("ext4", "ext4", 48, &host_)),
        members_(Volumes::add_subvolumes(btrfs_, 3)) {
    members_.push_back(ext4_.mount_point());
    for (const auto& member : members_) std::ofstream(member / "model") << member.string();
    start_vssd();
    writer_ = &add_writer("application", members_[0]);
  }

  // Waits for the helper of this creation; 0 if there is none before it is over.
  pid_t wait_for_helper(const Creation& creation) const {
    pid_t helper = 0;
    while (helper == 0 && !creation.over()) helper = hold_helper();
    return helper;
  }

  // How long a creation takes, and how long it has a helper, on average.
  void measure() {
    for (int i = 0; i < kMeasured; ++i) {
      const auto begin = Clock::now();
      Creation creation([this] { return make_set(members_); });
      const pid_t helper = wait_for_helper(creation);
      const auto helped = Clock::now();
      while (helper != 0 && hold_helper() == helper) std::this_thread::yield();
      helper_life_ += (Clock::now() - helped) / kMeasured;
      const Made& made = creation.finish();
      creation_ += (Clock::now() - begin) / kMeasured;
      ASSERT_EQ(made.error, "") << made.message;
      ASSERT_EQ(made.release(), "");
    }
    writer_->clear();
  }

  // Kills at a random moment; how many processes.
  int kill_during(const Creation& creation, Victim victim, std::mt19937& random) {
    std::uniform_real_distribution<double> part(0, 1.2);
    if (victim == Victim::Vssd) {
      pass(creation_ * part(random));
      vssd_->signal(SIGKILL);
      return 1;
    }
    const pid_t process = wait_for_helper(creation);
    const int helper = process == 0 ? -1 : static_cast<int>(syscall(SYS_pidfd_open, process, 0));
    if (helper >= 0) pass(helper_life_ * part(random));
    const bool vssd_first = random() % 2 == 0;
    int killed = 0;
    if (victim == Victim::Both && vssd_first) vssd_->signal(SIGKILL);
    if (helper >= 0 && syscall(SYS_pidfd_send_signal, helper, SIGKILL, nullptr, 0) == 0) ++killed;
    if (helper >= 0) close(helper);
    if (victim == Victim::Both && !vssd_first) vssd_->signal(SIGKILL);
    return killed + (victim == Victim::Both ? 1 : 0);
  }

  void restart() {
    vssd_->restart();
    ASSERT_TRUE(wait_until([this] { return writer_count() == 1; }, 10s)) << "the writer did not come back";
  }

  // Except what belongs to the set that is to stay.
  std::vector<std::string> leftovers_but(const std::string& set) const {
    std::vector<std::string> found;
    (void)wait_until(
        [&] {
          found = volumes_.leftovers(runtime_dir());
          std::erase_if(found, [&](const std::string& line) { return line.find(set) != std::string::npos; });
          return found.empty();
        },
        5s);
    return found;
  }

  void expect_readable(const Made& made) const {
    for (const auto& member : members_) {
      std::ifstream file(made.of(member).path + "/model");
      std::string text;
      file >> text;
      EXPECT_EQ(text, member.string());
    }
  }

  LoopFilesystem& btrfs_;
  LoopFilesystem& host_;
  LoopFilesystem& ext4_;
  Paths members_;
  NotingWriter* writer_ = nullptr;
  Microseconds creation_{0};
  Microseconds helper_life_{0};
};

TEST_P(Crash, NothingStaysHeldOrHalfMade) {
  const Series series = GetParam();
  const unsigned start = seed();
  std::printf("seed %u (VSS_TEST_SEED)\n", start);
  std::mt19937 random(start);
  const Made kept = make_set(members_, {.context = "app-rollback", .require = "cut"});
  ASSERT_EQ(kept.error, "") << kept.message;
  ASSERT_EQ(kept.release(), "");
  measure();
  ASSERT_FALSE(HasFailure());

  int killed = 0;
  int failed = 0;
  Microseconds slowest{0};
  for (int i = 0; i < series.kills && !HasFailure(); ++i) {
    SCOPED_TRACE(i);
    const FreezeGuard guard = volumes_.guard();
    Creation creation([this] { return make_set(members_); });
    killed += kill_during(creation, series.victim, random);
    const auto moment = Clock::now();
    if (series.victim == Victim::Both) {
      vssd_->kill9();
      restart();
    }
    EXPECT_EQ(blocked(members_, 1s), std::vector<std::string>());
    slowest = std::max<Microseconds>(slowest, Clock::now() - moment);
    if (series.victim == Victim::Vssd) {
      vssd_->kill9();
      restart();
    }
    const Made& made = creation.finish();
    if (!made.error.empty()) ++failed;
    if (series.victim == Victim::Helper) {
      // Killed before it was armed, when nothing was held: that is no matter of time.
      const bool unarmed = made.message.find("prepare the hold: ") != std::string::npos;
      EXPECT_TRUE(made.error.empty() || made.error == "HoldWritesTimeout" || unarmed)
          << made.error << ": " << made.message;
      EXPECT_EQ(made.release(), "");
    }
    EXPECT_EQ(leftovers_but(kept.set_id), std::vector<std::string>());
    EXPECT_TRUE(wait_until([&] { return writer_->unbalanced().empty(); }, 5s)) << writer_->unbalanced();
    writer_->clear();
  }
  expect_readable(kept);
  std::printf(
      "%s: %d creations, %d processes killed, %d sets failed, all writes done at most %.0f ms later\n",
      series.name, series.kills, killed, failed, slowest.count() / 1000);
  EXPECT_GT(failed, 0) << "no creation was hit";
  EXPECT_EQ(vssctl({"delete", "--all", "--yes"}).find("error"), std::string::npos);
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Victims, Crash,
                         testing::Values(Series{"vssd", Victim::Vssd, 80},
                                         Series{"helper", Victim::Helper, 80},
                                         Series{"both", Victim::Both, 70}),
                         [](const auto& series) { return series.param.name; });

}  // namespace
}  // namespace vss::test
