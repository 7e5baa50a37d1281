// SPDX-License-Identifier: LGPL-2.1-or-later
// create and run against a scripted vssd: which calls, in which order, and with which exit status.

#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/private_bus.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/unit/cli/fake_vssd.hpp"
#include "tests/unit/cli/vssctl_test.hpp"

namespace vss::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::chrono::seconds kLimit{10};

std::string contents_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Two volumes that the machine surely has, on different devices: the bus's directory, and /proc.
class RequesterTest : public VssctlTest {
 protected:
  RequesterTest() : volume_(bus_.directory()) {
    script_.volumes = {{volume_, volume_}, {volume_ + "/sub", volume_}, {"/proc", "/proc"}};
    script_.writers = {writer_with_files("pg", {volume_ + "/data"})};
    script_.status = {writer_status("pg", "waiting-for-backup-complete")};
    script_.snapshots = {snapshot_of(volume_, "/run/vssd/snapshots/s/1"),
                         snapshot_of("/proc", "/run/vssd/snapshots/s/2")};
  }

  std::string volume_;
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

TEST_F(RequesterTest, WithoutAutoRecoveryVssdIsTold) {
  EXPECT_EQ(run({"create", "--no-auto-recovery", "-v", volume_}), 0);
  EXPECT_THAT(log_.all(), testing::Contains(HasSubstr("auto_recovery=0")));
}

TEST_F(RequesterTest, LenientReportsAFailedWriterAndGoesOn) {
  script_.status = {writer_status("pg", "failed-at-freeze", "WriterTimeout")};
  EXPECT_EQ(run({"create", "--lenient", "--json", "-v", volume_}), 0);
  EXPECT_THAT(log_.all(), testing::Contains("CreateBackup policy=lenient lock_timeout=0"));
  EXPECT_THAT(json::parse(output_)["warnings"][0].get<std::string>(), HasSubstr("WriterTimeout"));
}

TEST_F(RequesterTest, WhatVssdWarnsOfIsPrintedAndInTheSet) {
  script_.warnings = {"writer pg is left out: nobody answers"};
  EXPECT_EQ(run({"create", "--json", "-v", volume_}), 0);
  EXPECT_THAT(errors_, HasSubstr("warning: writer pg is left out: nobody answers"));
  EXPECT_EQ(json::parse(output_)["warnings"], json(script_.warnings));
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

TEST_F(RequesterTest, TheDocumentIsTheOneAfterBackupComplete) {
  script_.document = R"({"version":1})";
  const std::string file = volume_ + "/backup.json";
  EXPECT_EQ(run({"run", "-v", volume_, "--document", file, "--", "true"}), 0);
  EXPECT_THAT(calls_after("BackupComplete"), ElementsAre("SaveDocument", "GatherWriterStatus", "Release"));
  EXPECT_EQ(contents_of(file), script_.document);
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
}

TEST_F(RequesterTest, ABackupThatFailedLeavesTheFormerDocument) {
  const std::string file = volume_ + "/backup.json";
  std::ofstream(file) << "former";
  EXPECT_EQ(run({"run", "-v", volume_, "--document", file, "--", "false"}), 1);
  EXPECT_EQ(contents_of(file), "former");
  for (const auto& entry : std::filesystem::directory_iterator(volume_))
    EXPECT_THAT(entry.path().filename().string(), testing::Not(testing::StartsWith(".backup.json")));
}

TEST_F(RequesterTest, ADocumentThatCannotBeWrittenIsKnownBeforeTheBackup) {
  EXPECT_EQ(run({"run", "-v", volume_, "--document", "/no/such/directory/b.json", "--", "true"}), 5);
  EXPECT_EQ(run({"run", "-v", volume_, "--document", volume_, "--", "true"}), 2);
  EXPECT_THAT(log_.all(), testing::IsEmpty());
}

TEST_F(RequesterTest, NamedComponentsTakePartWithTheirOptions) {
  script_.writers.push_back(writer_with_files("other", {volume_ + "/other"}));
  EXPECT_EQ(run({"create", "-v", volume_, "--component", "pg:data", "--backup-type", "incremental",
                 "--partial-files", "--backup-options", "pg:data=a=b", "--previous-stamp", "pg=s1"}),
            0);
  EXPECT_THAT(log_.all(), testing::Contains("SetBackupState incremental partial"));
  EXPECT_THAT(calls_after("IsVolumeSupported " + volume_),
              testing::Contains("SetBackupOptions pg-instance data a=b"));
  EXPECT_THAT(log_.all(), testing::IsSupersetOf({"AddComponent pg-instance data",
                                                 "SetPreviousBackupStamp pg-instance data s1"}));
  EXPECT_THAT(log_.all(), testing::Not(testing::Contains("AddComponent other-instance data")));
  EXPECT_EQ(run({"create", "-v", volume_, "--component", "pg:nothing"}), 5);
}

TEST_F(RequesterTest, ComponentsWithoutAVolumeAreABackupWithoutASnapshot) {
  EXPECT_EQ(run({"run", "--component", "pg", "--", "true"}), 0);
  EXPECT_THAT(calls_after("AddComponent pg-instance data"),
              ElementsAre("PrepareForBackup", "GatherWriterStatus", "SetBackupSucceeded true",
                          "BackupComplete", "GatherWriterStatus", "Release"));
  EXPECT_EQ(run({"run", "--", "true"}), 2);
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
