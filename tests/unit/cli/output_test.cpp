// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/cli/progress.hpp"
#include "daemon/cli/run_command.hpp"

namespace vss::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Json kSet = {
    {"set_id", "S"},
    {"context", "backup"},
    {"consistency", "per-volume"},
    {"consistency_reason", "two btrfs filesystems"},
    {"hold_ms", 12.34},
    {"snapshots",
     {{{"snapshot_id", "1"}, {"volume", "/a"}, {"provider", "btrfs"}, {"path", "/r/1"}},
      {{"snapshot_id", "2"}, {"volume", "/b"}, {"provider", "image"}, {"path", "/r/2"}}}},
    {"writers", {{{"name", "pg"}, {"instance_id", "I"}, {"state", "stable"}, {"failure", ""}}}}};

TEST(Table, ColumnsAreAlignedByWhatATerminalShows) {
  EXPECT_EQ(aligned({"A", "B"}, {{"größe", "1"}, {"x", "2"}}), "A      B\ngröße  1\nx      2\n");
}

TEST(Table, WhatIsMissingOrEmptyIsADash) {
  EXPECT_EQ(table(Json::array({{{"a", ""}}}), {{"A", "a"}, {"B", "b"}}), "A  B\n-  -\n");
}

TEST(Cell, EachKindOfValueHasItsForm) {
  EXPECT_EQ(cell(true), "yes");
  EXPECT_EQ(cell(17), "17");
  EXPECT_EQ(cell(Json::array({"a", "b"})), "a, b");
  EXPECT_EQ(cell(nullptr), "-");
}

TEST(Cell, ControlCharactersOfOthersNeverReachTheTerminal) {
  EXPECT_EQ(cell("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
}

TEST(UtcTime, IsReadableAndZeroIsUnknown) {
  EXPECT_EQ(utc_time(1700000000), "2023-11-14 22:13:20");
  EXPECT_EQ(utc_time(0), "-");
}

TEST(DescribeSet, NamesTheLevelAndWhyItIsNoMore) {
  const std::string description = describe_set(kSet);
  EXPECT_THAT(description, HasSubstr("per-volume (two btrfs filesystems)"));
  EXPECT_THAT(description, HasSubstr("12.3 ms"));
  EXPECT_THAT(description, HasSubstr("/r/2"));
  EXPECT_THAT(description, HasSubstr("pg"));
}

TEST(DescribeSet, SubvolumesThatASnapshotLacksAreNamed) {
  Json set = kSet;
  set["snapshots"][0]["not_included"] = {"/a/nested"};
  EXPECT_THAT(describe_set(set), HasSubstr("Not in the snapshot of /a: /a/nested\n"));
  EXPECT_THAT(describe_set(kSet), testing::Not(HasSubstr("Not in the snapshot")));
}

TEST(DescribeSnapshots, HealthIsAColumnAndItsReasonIsShownWithTheSnapshot) {
  Json snapshot{{"snapshot_id", "s"},
                {"volume", "/srv"},
                {"health", "at-risk"},
                {"health_reason", "the store fills up"},
                {"seconds_left", 3723}};
  EXPECT_THAT(describe_snapshots(Json::array({snapshot})), HasSubstr("at-risk (1:02:03 left)"));
  EXPECT_THAT(describe_snapshot(snapshot), HasSubstr("at-risk (1:02:03 left): the store fills up"));
  Json set{{"snapshots", Json::array({snapshot})}};
  EXPECT_THAT(describe_set(set), HasSubstr("The snapshot of /srv is at-risk (1:02:03 left): the store"));
  snapshot["health"] = "lost";
  snapshot["seconds_left"] = -1;
  EXPECT_THAT(describe_snapshot(snapshot), HasSubstr("lost: the store fills up"));
}

TEST(DescribeFailures, SayWhoFailedWhereAndWhy) {
  const Json failure{{"time", 1700000000},      {"name", "pg"},
                     {"unit", "pg.service"},    {"pid", 7},
                     {"event", "Freeze"},       {"failure", "WriterTimeout"},
                     {"message", "too\x1blate"}};
  EXPECT_THAT(
      describe_failures(Json::array({failure})),
      testing::ContainsRegex("2023-11-14 22:13:20 +pg +- +- +pg.service +7 +Freeze +WriterTimeout +too"));
  EXPECT_THAT(describe_failures(Json::array({failure})), HasSubstr("too\\x1blate"));
}

TEST(DescribeSnapshots, WhereElseASnapshotIsSeenIsShown) {
  const Json snapshot{{"exposed", "/mnt/x"}, {"client_path", "/run/vssd/client-accessible/srv/@GMT-1"}};
  EXPECT_THAT(describe_snapshot(snapshot), testing::ContainsRegex("Exposed +/mnt/x\n"));
  EXPECT_THAT(describe_snapshot(snapshot),
              testing::ContainsRegex("For clients +/run/vssd/client-accessible/srv/"));
}

TEST(SizeText, IsReadable) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(1536), "1.5 KiB");
  EXPECT_EQ(size_text(std::uint64_t{5} << 30U), "5.0 GiB");
  EXPECT_EQ(size_text(UINT64_MAX), "16.0 EiB");
}

TEST(DescribeStorage, WhatIsUnknownIsADashAndAnErrorTakesThePlaceOfThePlace) {
  const Json storage = {{{"volume", "/srv"},
                         {"provider", "lvm"},
                         {"location", "data/store"},
                         {"used", 1U << 20U},
                         {"maximum", 0},
                         {"error", ""}},
                        {{"volume", "/var"},
                         {"provider", "lvm"},
                         {"location", "data/other"},
                         {"used", 5},
                         {"allocated", 2048},
                         {"maximum", 4096},
                         {"error", ""}},
                        {{"volume", "/gone"}, {"provider", "lvm"}, {"error", "no group\x1b"}}};
  EXPECT_EQ(describe_storage(storage),
            "VOLUME  PROVIDER  USED     ALLOCATED  LIMIT    LOCATION\n"
            "/srv    lvm       1.0 MiB  -          none     data/store\n"
            "/var    lvm       5 B      2.0 KiB    4.0 KiB  data/other\n"
            "/gone   lvm       -        -          -        no group\\x1b\n");
}

TEST(DescribeRevert, ThePercentageIsShownWhileItRuns) {
  Json status = {
      {"volume", "/srv"}, {"provider", "lvm"}, {"state", "running"}, {"percent", 40}, {"message", ""}};
  EXPECT_THAT(describe_revert(status), HasSubstr("running (40%)\n"));
  status["state"] = "done";
  status["percent"] = 100;
  EXPECT_THAT(describe_revert(status), HasSubstr("done\n"));
  status["percent"] = -1;
  EXPECT_THAT(describe_revert(status), testing::Not(HasSubstr("%")));
}

TEST(DescribeSignal, AnEventIsOneLine) {
  const Json event = {{"signal", "Event"}, {"set", "S"},      {"writer", "pg"},
                      {"event", "Freeze"}, {"outcome", "ok"}, {"duration_ms", 1.25}};
  EXPECT_THAT(describe_signal(event), testing::MatchesRegex("S +Freeze +pg +ok +1.2 ms"));
  EXPECT_EQ(describe_signal({{"signal", "WriterAdded"}, {"name", "pg"}}), "WriterAdded  name pg");
}

TEST(ProgressText, NamesWhoIsWaitedFor) {
  EXPECT_EQ(progress_text("freeze", 1, 3, {"a", "b"}), "freeze 1/3, waiting for a, b");
  EXPECT_EQ(progress_text("hold", 0, 0, {}), "hold");
}

TEST(SetEnvironment, NumbersVolumesFromOneAndListsThemByLine) {
  EXPECT_THAT(set_environment(kSet),
              ElementsAre("VSS_SET_ID=S", "VSS_SNAPSHOT_SET=S", "VSS_VOLUME_1=/a", "VSS_SNAPSHOT_1=/r/1",
                          "VSS_VOLUME_2=/b", "VSS_SNAPSHOT_2=/r/2", "VSS_VOLUMES=/a\n/b",
                          "VSS_SNAPSHOTS=/r/1\n/r/2"));
}

}  // namespace
}  // namespace vss::cli
