// SPDX-License-Identifier: LGPL-2.1-or-later
// create and run against a scripted vssd: which calls, in which order, and with which exit status.

#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/private_bus.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/unit/cli/fake_vssd.hpp"
#include "tests/unit/cli/vssctl_process.hpp"

namespace vss::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using Calls = std::vector<std::string>;

constexpr std::chrono::seconds kLimit{10};

// Two volumes that the machine surely has, on different devices: the bus's directory, and /proc.
class RequesterTest : public testing::Test {
 protected:
  RequesterTest() : volume_(bus_.directory()) {
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1);
    script_.volumes = {{volume_, volume_}, {volume_ + "/sub", volume_}, {"/proc", "/proc"}};
    script_.writers = {writer_with_files("pg", {volume_ + "/data"})};
    script_.status = {writer_status("pg", "waiting-for-backup-complete")};
    script_.snapshots = {snapshot_of(volume_, "/run/vssd/snapshots/s/1"),
                         snapshot_of("/proc", "/run/vssd/snapshots/s/2")};
  }

  void start_daemon() { daemon_.emplace(script_, log_); }

  // Runs vssctl to its end, with standard input at its end from the beginning.
  int run(const std::vector<std::string>& arguments) {
    if (!daemon_) start_daemon();
    VssctlProcess process(arguments);
    process.close_input();
    const int status = process.wait();
    output_ = process.output();
    errors_ = process.errors();
    return status;
  }

  // The calls from the first of this name on.
  [[nodiscard]] Calls calls_after(const std::string& call) const {
    const Calls all = log_.all();
    const auto at = std::find(all.begin(), all.end(), call);
    return at == all.end() ? Calls{} : Calls(at + 1, all.end());
  }

  PrivateBus bus_;
  std::string volume_;
  Script script_;
  CallLog log_;
  std::optional<FakeVssd> daemon_;
  std::string output_;
  std::string errors_;
};

TEST_F(RequesterTest, CreateMakesTheCallsInTheOrderOfVss) {
  EXPECT_EQ(run({"create", "-v", volume_, "-v", volume_ + "/sub", "-v", "/proc", "--lock-timeout", "1.5",
                 "--require", "cut"}),
            0);
  EXPECT_THAT(log_.all(),
              ElementsAre("CreateBackup policy=strict lock_timeout=1500 require=cut", "SetBackupState",
                          "GatherWriterMetadata", "IsVolumeSupported " + volume_,
                          "IsVolumeSupported " + volume_ + "/sub", "IsVolumeSupported /proc",
                          "AddComponent pg-instance data", "StartSnapshotSet", "AddToSnapshotSet " + volume_,
                          "AddToSnapshotSet /proc", "PrepareForBackup", "GatherWriterStatus", "DoSnapshotSet",
                          "GatherWriterStatus", "SetBackupSucceeded true", "BackupComplete",
                          "GatherWriterStatus", "Release"));
}

TEST_F(RequesterTest, AContextWithoutWritersLeavesThemOut) {
  EXPECT_EQ(run({"create", "-v", volume_, "--context", "file-share-backup"}), 0);
  EXPECT_THAT(log_.all(),
              ElementsAre("CreateBackup policy=strict lock_timeout=0", "SetContext file-share-backup",
                          "IsVolumeSupported " + volume_, "StartSnapshotSet", "AddToSnapshotSet " + volume_,
                          "DoSnapshotSet", "Release"));
}

TEST_F(RequesterTest, APersistentSetIsCompletedAtOnce) {
  start_daemon();
  VssctlProcess process({"create", "--persistent", "-v", volume_});
  EXPECT_EQ(process.wait(), 0);  // though its standard input stays open
  EXPECT_THAT(log_.all(), testing::Contains("SetContext app-rollback"));
  EXPECT_THAT(calls_after("DoSnapshotSet"), ElementsAre("GatherWriterStatus", "SetBackupSucceeded true",
                                                        "BackupComplete", "GatherWriterStatus", "Release"));
}

TEST_F(RequesterTest, CreatePrintsTheSetAndKeepsItUntilASignal) {
  for (const int signal : {SIGTERM, SIGINT}) {
    CallLog log;
    FakeVssd daemon(script_, log);
    VssctlProcess process({"create", "--json", "-v", volume_});
    ASSERT_TRUE(wait_until([&] { return process.output().ends_with('\n'); }, kLimit));
    const json set = json::parse(process.output());
    EXPECT_EQ(set["set_id"], kSetId);
    EXPECT_EQ(set["consistency"], "cut");
    EXPECT_EQ(set["hold_ms"], 2.5);
    EXPECT_EQ(set["snapshots"][1]["path"], "/run/vssd/snapshots/s/2");
    EXPECT_EQ(set["writers"][0]["name"], "pg");
    EXPECT_THAT(log.all(), testing::Not(testing::Contains("BackupComplete")));
    process.signal(signal);
    EXPECT_EQ(process.wait(), 0);
    EXPECT_EQ(log.all().back(), "Release");
    EXPECT_THAT(log.all(), testing::Contains("BackupComplete"));
    EXPECT_EQ(process.errors(), "");
  }
}

TEST_F(RequesterTest, CreateFailsWhenTheDaemonDiesWhileTheSetIsKept) {
  start_daemon();
  VssctlProcess process({"create", "-v", volume_});
  ASSERT_TRUE(wait_until([&] { return process.output().find("pg") != std::string::npos; }, kLimit));
  daemon_.reset();
  EXPECT_EQ(process.wait(), 8);
}

TEST_F(RequesterTest, ASignalDuringCreationCancelsAbortsAndReleases) {
  script_.hang = {"DoSnapshotSet"};
  start_daemon();
  VssctlProcess process({"create", "-v", volume_});
  ASSERT_TRUE(log_.wait_for("DoSnapshotSet"));
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 128 + SIGINT);
  EXPECT_THAT(calls_after("DoSnapshotSet"), ElementsAre("Cancel", "AbortBackup", "Release"));
}

TEST_F(RequesterTest, AWriterThatFailedEndsTheOperation) {
  script_.status = {writer_status("pg", "failed-at-prepare-backup", "WriterNonRetryable", "disk on fire")};
  EXPECT_EQ(run({"create", "-v", volume_}), 6);
  EXPECT_THAT(calls_after("PrepareForBackup"), ElementsAre("GatherWriterStatus", "AbortBackup", "Release"));
  EXPECT_THAT(errors_,
              HasSubstr("writer \"pg\": disk on fire [failed-at-prepare-backup] (WriterNonRetryable, "
                        "VSS 0x800423f4)"));
}

TEST_F(RequesterTest, LenientReportsAFailedWriterAndGoesOn) {
  script_.status = {writer_status("pg", "failed-at-freeze", "WriterTimeout")};
  EXPECT_EQ(run({"create", "--lenient", "--json", "-v", volume_}), 0);
  EXPECT_THAT(log_.all(), testing::Contains("CreateBackup policy=lenient lock_timeout=0"));
  EXPECT_THAT(json::parse(output_)["warnings"][0].get<std::string>(), HasSubstr("WriterTimeout"));
}

TEST_F(RequesterTest, AWriterThatFailsInBackupCompleteIsReported) {
  script_.status_after_complete = {writer_status("pg", "failed-at-backup-complete", "WriterNonRetryable")};
  EXPECT_EQ(run({"run", "-v", volume_, "--", "true"}), 6);
  EXPECT_EQ(log_.all().back(), "Release");
}

TEST_F(RequesterTest, DataPartlyOutsideTheSetIsAnErrorBeforeTheSetIsStarted) {
  script_.writers = {writer_with_files("pg", {volume_ + "/data", "/proc/wal"})};
  EXPECT_EQ(run({"create", "-v", volume_}), 6);
  EXPECT_THAT(errors_, HasSubstr("/proc/wal"));
  EXPECT_THAT(log_.all(), testing::Not(testing::Contains("StartSnapshotSet")));
  EXPECT_EQ(log_.all().back(), "Release");
  EXPECT_EQ(run({"create", "-v", volume_, "--exclude-writer", "pg"}), 0);
}

TEST_F(RequesterTest, AVolumeThatIsNotSupportedIsNamedWithTheReason) {
  EXPECT_EQ(run({"create", "-v", "/sys"}), 7);
  EXPECT_THAT(errors_, HasSubstr("volume /sys: no provider wants it (VolumeNotSupported"));
}

TEST_F(RequesterTest, AnErrorAfterTheStartOfTheSetAborts) {
  for (const std::string method :
       {"StartSnapshotSet", "AddToSnapshotSet", "PrepareForBackup", "DoSnapshotSet"}) {
    daemon_.reset();
    script_.errors = {{method, "HoldWritesTimeout"}};
    EXPECT_EQ(run({"run", "-v", volume_, "--", "true"}), 3) << method;
    const Calls calls = log_.all();
    ASSERT_GE(calls.size(), 2U);
    EXPECT_EQ(calls[calls.size() - 2], "AbortBackup") << method;
    EXPECT_EQ(calls.back(), "Release") << method;
  }
}

TEST_F(RequesterTest, ProgressGoesToStandardErrorAsLines) {
  EXPECT_EQ(run({"create", "-v", volume_}), 0);
  EXPECT_THAT(errors_, HasSubstr("vssctl: freeze 1/2, waiting for PostgreSQL\n"));
  EXPECT_EQ(run({"create", "--quiet", "-v", volume_}), 0);
  EXPECT_EQ(errors_, "");
  EXPECT_EQ(output_, std::string(kSetId) + "\n");
}

TEST_F(RequesterTest, ACommandThatSucceedsCompletesTheBackup) {
  EXPECT_EQ(run({"run", "-v", volume_, "-v", "/proc", "--", "sh", "-c",
                 "echo \"$VSS_SET_ID|$VSS_VOLUME_2|$VSS_SNAPSHOT_1\"; echo \"$VSS_SNAPSHOTS\"", "--json"}),
            0);
  EXPECT_EQ(output_,
            std::string(kSetId) +
                "|/proc|/run/vssd/snapshots/s/1\n/run/vssd/snapshots/s/1\n/run/vssd/snapshots/s/2\n");
  EXPECT_THAT(calls_after("DoSnapshotSet"), ElementsAre("GatherWriterStatus", "SetBackupSucceeded true",
                                                        "BackupComplete", "GatherWriterStatus", "Release"));
}

TEST_F(RequesterTest, ACommandThatFailsAbortsAndItsStatusIsOurs) {
  EXPECT_EQ(run({"run", "-v", volume_, "--", "sh", "-c", "exit 42"}), 42);
  EXPECT_THAT(calls_after("DoSnapshotSet"),
              ElementsAre("GatherWriterStatus", "SetBackupSucceeded false", "AbortBackup", "Release"));
  EXPECT_EQ(run({"run", "-v", volume_, "--", "sh", "-c", "kill -9 $$"}), 128 + SIGKILL);
  EXPECT_EQ(run({"run", "-v", volume_, "--", "/no/such/program"}), 127);
  EXPECT_EQ(run({"run", "-v", volume_, "--", volume_}), 126);
  EXPECT_EQ(log_.all().back(), "Release");
}

TEST_F(RequesterTest, ShutdownOnErrorOnlyReleases) {
  EXPECT_EQ(run({"run", "--shutdown-on-error", "-v", volume_, "--", "false"}), 1);
  EXPECT_THAT(calls_after("DoSnapshotSet"), ElementsAre("GatherWriterStatus", "Release"));
}

TEST_F(RequesterTest, SignalsArePassedToTheCommand) {
  start_daemon();
  VssctlProcess process({"run", "--quiet", "-v", volume_, "--", "sh", "-c",
                         "trap 'exit 7' TERM; echo ready; while :; do read line; done"});
  ASSERT_TRUE(wait_until([&] { return process.output() == "ready\n"; }, kLimit));
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(), 7);
  EXPECT_EQ(log_.all().back(), "Release");
}

TEST_F(RequesterTest, TheCommandIsEndedWhenTheDaemonDies) {
  start_daemon();
  VssctlProcess process({"run", "--json", "-v", volume_, "--", "sh", "-c",
                         "trap 'echo ended; exit 0' TERM; echo ready; while :; do read line; done"});
  ASSERT_TRUE(wait_until([&] { return process.output().ends_with("ready\n"); }, kLimit));
  daemon_.reset();
  EXPECT_EQ(process.wait(), 75);
  EXPECT_THAT(process.output(), HasSubstr("ended\n"));
  EXPECT_THAT(process.output(), HasSubstr("{\"error\":{\"name\":\"DaemonGone\""));
}

}  // namespace
}  // namespace vss::test
