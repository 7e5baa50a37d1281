// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/command/freeze_record.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "tests/support/temp_dir.hpp"
#include "writer-sdk/common/unique_fd.hpp"

namespace vss::command {
namespace {

// A process in a group of its own, and another one of that group. Both wait for a signal, the former only if
// it is to stay.
class Group {
 public:
  explicit Group(bool leader_stays) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe");
    alive_ = UniqueFd(ends[0]);
    UniqueFd other(ends[1]);
    leader_ = ::fork();
    if (leader_ == 0) {
      ::setpgid(0, 0);
      if (::fork() == 0 || leader_stays) {
        if (::write(other.get(), "r", 1) != 1) _exit(1);
        for (;;) ::pause();
      }
      _exit(0);
    }
    other.reset();
    std::array<char, 2> ready{};
    for (std::size_t count = 0; count < (leader_stays ? 2U : 1U); ++count) {
      if (::read(alive_.get(), ready.data(), 1) != 1) throw std::runtime_error("a process of the group died");
    }
    siginfo_t info{};
    if (!leader_stays) ::waitid(P_PID, static_cast<id_t>(leader_), &info, WEXITED | WNOWAIT);
  }
  ~Group() {
    ::kill(-leader_, SIGKILL);
    ::waitpid(leader_, nullptr, 0);
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  [[nodiscard]] pid_t leader() const { return leader_; }
  // All of them end within `limit_ms`.
  [[nodiscard]] bool ends(int limit_ms) const {
    pollfd end{alive_.get(), POLLIN, 0};
    return ::poll(&end, 1, limit_ms) > 0 && (end.revents & POLLHUP) != 0;
  }

 private:
  pid_t leader_ = -1;
  UniqueFd alive_;  // the other end is theirs
};

class FreezeRecordTest : public testing::Test {
 protected:
  test::TempDir directory_;
  const std::filesystem::path file_ = directory_.path() / "writer.frozen";
  const FreezeRecord record_{file_};
};

TEST_F(FreezeRecordTest, SaysThatItIsFrozenUntilItIsCleared) {
  EXPECT_FALSE(record_.is_frozen());
  record_.begin();
  record_.add_command(::getpid());
  EXPECT_TRUE(record_.is_frozen());
  EXPECT_TRUE(FreezeRecord(file_).is_frozen()) << "and to others";
  record_.clear();
  EXPECT_FALSE(record_.is_frozen());
}

TEST_F(FreezeRecordTest, OneThatIsOfAnotherBootOrNotWholeSaysNothing) {
  for (const char* text : {"another-boot\n", "another-boot\n1 1\n", ""}) {
    std::ofstream(file_) << text;
    EXPECT_FALSE(record_.is_frozen()) << text;
    EXPECT_TRUE(record_.end_commands());
  }
}

TEST_F(FreezeRecordTest, ACommandThatIsNotOfAFreezeIsNotWrittenDown) {
  record_.add_command(::getpid());
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(FreezeRecordTest, CommandsAtWorkAreEndedWithTheirWholeGroup) {
  const Group group(true);
  record_.begin();
  record_.add_command(group.leader());
  EXPECT_TRUE(record_.end_commands());
  EXPECT_TRUE(group.ends(20000));
}

TEST_F(FreezeRecordTest, WhatACommandHasLeftInTheBackgroundGoesOn) {
  const Group group(false);
  record_.begin();
  record_.add_command(group.leader());
  EXPECT_TRUE(record_.end_commands());
  EXPECT_FALSE(group.ends(0));
}

TEST_F(FreezeRecordTest, AnotherProcessThatHasGotTheNumberGoesOn) {
  const Group group(true);
  record_.begin();
  std::ofstream(file_, std::ios::app) << group.leader() << " 1\n";
  EXPECT_TRUE(record_.end_commands());
  EXPECT_FALSE(group.ends(0));
}

}  // namespace
}  // namespace vss::command
