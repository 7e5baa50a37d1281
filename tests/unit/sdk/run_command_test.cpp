// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/run_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::writers {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

std::optional<std::string> shell(const std::string& script, std::chrono::milliseconds limit = 10s) {
  return run_command({"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin", "VSS_X=value"}, limit);
}

TEST(RunCommand, SuccessSaysNothing) {
  EXPECT_EQ(shell("echo chatter; test \"$VSS_X\" = value"), std::nullopt);
}

TEST(RunCommand, FailureComesWithBothOutputs) {
  EXPECT_THAT(shell("echo out; echo err >&2; exit 3").value(),
              AllOf(HasSubstr("exited with 3"), EndsWith("out\nerr")));
}

TEST(RunCommand, OnlyTheEndOfALongOutputIsKept) {
  const std::string message = shell("yes line | head -c 10000000; echo the end; exit 1").value();
  EXPECT_LT(message.size(), kOutputLimit + 100);
  EXPECT_THAT(message, EndsWith("the end"));
}

TEST(RunCommand, AMissingProgramIsNamed) {
  EXPECT_THAT(run_command({"/no/such/program"}, {}, 1s).value(), HasSubstr("/no/such/program: No such file"));
}

TEST(RunCommand, DeathBySignalIsAFailure) { EXPECT_THAT(shell("kill -9 $$").value(), HasSubstr("signal 9")); }

TEST(RunCommand, TheWholeGroupIsKilledAtTheLimitEvenIfItIgnoresSigterm) {
  const test::TempDir directory;
  const std::string pid_file = directory.path() / "pid";
  const auto begin = std::chrono::steady_clock::now();
  // They end with the test, should it be killed before the limit.
  const std::string forever = "tail -f /dev/null --pid=" + std::to_string(::getpid());
  const auto failure = shell(
      "trap '' TERM; " + forever + " & echo $! > " + pid_file + "; echo waiting; wait; " + forever, 200ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  EXPECT_THAT(failure.value(), AllOf(HasSubstr("after its limit of 200 ms"), EndsWith("waiting")));
  pid_t child = 0;
  std::ifstream(pid_file) >> child;
  ASSERT_GT(child, 0);
  const auto is_gone = [&] {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string number, name, state;
    return !(stat >> number >> name >> state) || state == "Z";
  };
  EXPECT_TRUE(test::wait_until(is_gone, 10s));
}

TEST(RunCommand, OutputWithoutEndDoesNotOutliveTheLimit) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(shell("yes", 200ms).has_value());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST(RunCommand, WhatACommandLeavesInTheBackgroundIsNotWaitedFor) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(shell("tail -f /dev/null --pid=" + std::to_string(::getpid()) + " & exit 0"), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(RunCommand, OnlyAnOutputThatIsStillOpenIsHandedOut) {
  UniqueFd output;
  EXPECT_EQ(run_command({"/bin/sh", "-c", "echo x"}, {"PATH=/usr/bin:/bin"}, 10s, &output), std::nullopt);
  EXPECT_EQ(output.get(), -1);
  const std::string forever = "tail -f /dev/null --pid=" + std::to_string(::getpid());
  EXPECT_EQ(run_command({"/bin/sh", "-c", forever + " & exit 0"}, {"PATH=/usr/bin:/bin"}, 10s, &output),
            std::nullopt);
  EXPECT_GE(output.get(), 0);
}

}  // namespace
}  // namespace vss::writers
