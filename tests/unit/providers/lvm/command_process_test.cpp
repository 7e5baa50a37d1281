// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/command_process.hpp"

#include <sched.h>

#include <csignal>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/priorities.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

CommandProcess make() { return CommandProcess(VSS_FAKE_VSSD_LVM); }

// The status and message of the ProviderError that `body` throws.
template <typename Body>
std::pair<int, std::string> error_of(Body body) {
  try {
    body();
  } catch (const ProviderError& error) {
    return {error.status(), error.what()};
  }
  return {VSS_PROVIDER_OK, ""};
}

// The one child of this process.
pid_t child() {
  std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  pid_t pid = 0;
  children >> pid;
  return pid;
}

TEST(CommandProcess, WhatLvmSaysIsInTheResult) {
  CommandProcess process = make();
  const CommandResult said = process.run({"say", "hello world"}, Patience::of(10s));
  EXPECT_TRUE(said.succeeded());
  EXPECT_THAT(said.printed, ElementsAre("'hello world'"));
  const CommandResult failed = process.run({"fail", "busy"}, Patience::of(10s));
  EXPECT_FALSE(failed.succeeded());
  EXPECT_TRUE(failed.mentions("busy"));
  EXPECT_EQ(failed.message(), "busy");
}

TEST(CommandProcess, ACommandThatDoesNotEndIsKilledAtItsDeadline) {
  int lost = 0;
  CommandProcess process(VSS_FAKE_VSSD_LVM, [&](const std::string&) { ++lost; });
  process.start();  // which may take longer
  const auto [status, message] = error_of([&] { process.run({"hang"}, Patience::of(50ms)); });
  EXPECT_EQ(status, VSS_PROVIDER_E_VETO);
  EXPECT_THAT(message, HasSubstr("lvm hang"));
  EXPECT_EQ(child(), 0);
  EXPECT_EQ(lost, 1);
  EXPECT_TRUE(process.run({"say", "again"}, Patience::of(10s)).succeeded());
}

TEST(CommandProcess, ACommandThatNobodyWaitsForIsKilled) {
  CommandProcess process = make();
  int asked = 0;
  const Patience patience{std::chrono::steady_clock::now() + 60s, [&] { return ++asked > 1; }};
  EXPECT_EQ(error_of([&] { process.run({"hang"}, patience); }).first, VSS_PROVIDER_E_VETO);
}

TEST(CommandProcess, OneWhoseTimeIsOverIsNotBegun) {
  int lost = 0;
  CommandProcess process(VSS_FAKE_VSSD_LVM, [&](const std::string&) { ++lost; });
  process.start();
  const auto [status, message] = error_of([&] { process.run({"hang"}, Patience::of(0ms)); });
  EXPECT_EQ(status, VSS_PROVIDER_E_VETO);
  EXPECT_THAT(message, HasSubstr("before it began"));
  EXPECT_TRUE(process.is_running()) << "nothing was half done, so nothing was killed";
  EXPECT_EQ(lost, 0);
}

// How the next one begins.
class AtStart {
 public:
  explicit AtStart(const char* what) { ::setenv("FAKE_LVM_AT_START", what, 1); }
  AtStart(const AtStart&) = delete;
  AtStart& operator=(const AtStart&) = delete;
  ~AtStart() { ::unsetenv("FAKE_LVM_AT_START"); }
};

TEST(CommandProcess, WhatLvmSaysBeforeItIsReadyDoesNotKeepItFromStarting) {
  const AtStart warns("warn");
  CommandProcess process = make();
  const CommandResult said = process.run({"say", "hello"}, Patience::of(10s));
  EXPECT_TRUE(said.succeeded());
  EXPECT_THAT(said.printed, ElementsAre("hello"));
}

TEST(CommandProcess, WhatLvmSaysBeforeItFailsToStartIsInTheError) {
  const AtStart fails("fail");
  int lost = 0;
  CommandProcess process(VSS_FAKE_VSSD_LVM, [&](const std::string&) { ++lost; });
  const auto [status, message] = error_of([&] { process.start(); });
  EXPECT_EQ(status, VSS_PROVIDER_E_VETO);
  EXPECT_THAT(message, HasSubstr("ended with status 1"));
  EXPECT_THAT(message, HasSubstr("without a system_id the configuration is odd"));
  EXPECT_EQ(lost, 0) << "no command was under way";
}

TEST(CommandProcess, TheStartCountsAgainstTheTimeOfTheCommand) {
  const AtStart never_ready("hang");
  CommandProcess process = make();
  const auto begun = std::chrono::steady_clock::now();
  const auto [status, message] = error_of([&] { process.run({"say", "hello"}, Patience::of(100ms)); });
  EXPECT_EQ(status, VSS_PROVIDER_E_VETO);
  EXPECT_THAT(message, HasSubstr("cannot start lvm"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST(CommandProcess, WhereTheLocksAreIsKnownOnceItRuns) {
  CommandProcess process = make();
  EXPECT_EQ(process.locking_dir(), "");
  process.start();
  EXPECT_EQ(process.locking_dir(), "/run/locks of lvm");
  process.stop();
  const AtStart fails("fail");
  EXPECT_THROW(process.start(), ProviderError);
  EXPECT_EQ(process.locking_dir(), "/run/locks of lvm") << "what was left suspended is looked at with them";
}

TEST(CommandProcess, AnEndInTheMiddleOfACommandIsAnErrorThatSaysHow) {
  int lost = 0;
  CommandProcess process(VSS_FAKE_VSSD_LVM, [&](const std::string&) { ++lost; });
  const auto [status, message] = error_of([&] { process.run({"die"}, Patience::of(10s)); });
  EXPECT_EQ(status, VSS_PROVIDER_E_VETO);
  EXPECT_THAT(message, HasSubstr("ended with status 7"));
  EXPECT_EQ(lost, 1);
}

TEST(CommandProcess, OneThatIsUrgentGoesBeforeOthersAndItsChildrenDoNot) {
  const int expected = test::may_be_urgent() ? SCHED_RR | SCHED_RESET_ON_FORK : SCHED_OTHER;
  CommandProcess process = make();
  process.set_urgent(true);  // of one that is not there
  process.start();
  process.set_urgent(true);
  EXPECT_EQ(::sched_getscheduler(child()), expected);
  process.set_urgent(false);
  EXPECT_EQ(::sched_getscheduler(child()) & ~SCHED_RESET_ON_FORK, SCHED_OTHER);
}

TEST(CommandProcess, OneThatWasKilledWhileIdleIsReplaced) {
  CommandProcess process = make();
  process.start();
  const pid_t first = child();
  ASSERT_GT(first, 0);
  ::kill(first, SIGKILL);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(first), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(process.run({"say", "hello"}, Patience::of(10s)).succeeded());
}

TEST(CommandProcess, AWordThatLvmWouldSplitIsRefused) {
  CommandProcess process = make();
  for (const char* word : {"it's", "a\\b", "a\nb"}) {
    EXPECT_EQ(error_of([&] {
                process.run({"say", word}, Patience::of(10s));
              }).first,
              VSS_PROVIDER_E_INVALID_ARGUMENT);
  }
  const std::string too_long(20'000, 'x');
  EXPECT_EQ(error_of([&] {
              process.run({"say", too_long}, Patience::of(10s));
            }).first,
            VSS_PROVIDER_E_INVALID_ARGUMENT);
}

TEST(CommandProcess, AProgramThatIsNotThereIsAnError) {
  CommandProcess process("/nonexistent/vssd-lvm");
  EXPECT_ANY_THROW(process.start());
  EXPECT_ANY_THROW(process.start());
}

}  // namespace
}  // namespace vss::lvm
