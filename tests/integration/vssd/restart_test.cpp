// SPDX-License-Identifier: LGPL-2.1-or-later
// vssd is killed (SIGKILL) and started again: what the catalogue makes of it.

#include <signal.h>

#include "tests/integration/vssd/daemon_fixture.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {

class Restart : public DaemonTest {
 protected:
  void SetUp() override { start(); }

  std::string make(Requester& requester, const std::string& context) {
    Requester::Plan way = plan();
    way.context = context;
    const Reply<> made = requester.run_until(way);
    EXPECT_TRUE(made) << made.error().message;
    return requester.property("SnapshotSetId");
  }
};

TEST_F(Restart, PersistentSetsStayReadableAndAutoReleaseSetsGo) {
  Requester first, second;
  const std::string kept = make(first, "nas-rollback");
  make(second, "file-share-backup");
  EXPECT_EQ(provider_snapshots(), 2U);
  vssd().kill9();
  EXPECT_EQ(provider_snapshots(), 2U);
  vssd().restart();
  EXPECT_EQ(provider_snapshots(), 1U);
  EXPECT_EQ(catalogue_entries(), 1U);
  Requester admin;
  const auto snapshots = admin.manager<Dicts>("ListSnapshots", Dict{});
  ASSERT_TRUE(snapshots);
  ASSERT_EQ(snapshots->size(), 1U);
  EXPECT_EQ(get<std::string>(snapshots->front(), "set_id"), kept);
  EXPECT_TRUE(get<bool>(snapshots->front(), "persistent"));
  const std::filesystem::path path = get<std::string>(snapshots->front(), "path");
  EXPECT_TRUE(std::filesystem::is_regular_file(
      path / (kept + "." + get<std::string>(snapshots->front(), "snapshot_id"))))
      << "mounted again at " << path;
  EXPECT_EQ(name_of(admin.manager("DeleteSnapshots", std::string("set"), kept, false)), "");
  expect_nothing_left();
}

TEST_F(Restart, WhatWasHalfMadeIsRemoved) {
  add_writer("writer");
  for (const char* operation : {"end_prepare", "pre_commit", "commit", "post_commit", "pre_final_commit",
                                "mount_info", "post_final_commit"}) {
    SCOPED_TRACE(operation);
    log_.clear();
    script(std::string(operation) + " hang\n");
    const std::size_t before = provider_log().size();
    Requester requester;
    Requester::Plan way = plan();
    way.context = "app-rollback";
    ASSERT_TRUE(requester.run_until(way, "DoSnapshotSet"));
    PendingCall call = requester.begin("DoSnapshotSet");
    ASSERT_TRUE(wait_until(
        [&] {
          const auto operations = provider_operations();
          return operations.size() > before && operations.back() == operation;
        },
        std::chrono::seconds(20)));
    EXPECT_EQ(catalogue_entries(), 1U) << "on disk before the first snapshot";
    // From PrepareForSnapshot to PostSnapshot a writer that loses vssd helps itself.
    const bool aborts = log_.count("PrepareForSnapshot") == 1 && log_.count("PostSnapshot") == 0;
    vssd().kill9();
    EXPECT_FALSE(call.result());
    if (aborts) {
      EXPECT_TRUE(log_.wait_for("Abort")) << "the writer's own";
    }
    script("");
    vssd().restart();
    expect_nothing_left();
    ASSERT_TRUE(wait_until([this] { return writers_.front()->is_registered(); }, std::chrono::seconds(30)));
    EXPECT_EQ(log_.count("Abort"), aborts ? 1U : 0U);
  }
  ASSERT_TRUE(wait_until(
      [] {
        Requester requester;
        return requester.manager<Dicts>("ListWriters").value_or(Dicts()).size() == 1;
      },
      std::chrono::seconds(30)));
  expect_next_backup_works();
}

TEST_F(Restart, WhatWasBeingDeletedIsDeleted) {
  Requester requester;
  const std::string set = make(requester, "nas-rollback");
  ASSERT_TRUE(requester.backup("Release"));
  script("remove hang\n");
  PendingCall call =
      requester.begin_at(kManagerPath, kManagerInterface, "DeleteSnapshots", std::string("set"), set, false);
  ASSERT_TRUE(wait_for_operation("remove"));
  vssd().kill9();
  EXPECT_FALSE(call.result());
  EXPECT_EQ(provider_snapshots(), 1U);
  EXPECT_EQ(catalogue_entries(), 1U);
  script("");
  vssd().restart();
  expect_nothing_left();
}

TEST_F(Restart, ATermSignalEndsEverySessionFirst) {
  add_writers(3);
  Requester requester;
  const std::string set = make(requester, "backup");
  vssd().signal(SIGTERM);
  EXPECT_EQ(vssd().wait(), 0);
  ASSERT_TRUE(log_.wait_for("BackupShutdown", 3));
  for (const LoggedEvent& event : log_.all()) {
    if (event.event == "BackupShutdown") {
      EXPECT_EQ(event.set, set);
    }
  }
  EXPECT_EQ(provider_snapshots(), 0U);
  EXPECT_EQ(catalogue_entries(), 0U);
}

TEST_F(Restart, ASnapshotThatCannotBeReachedAtTheStartIsMountedWhenItCan) {
  Requester requester;
  const std::string set = make(requester, "nas-rollback");
  vssd().kill9();
  script("query fail 10 its disk is not there yet\n");
  vssd().restart();
  Requester admin;
  const auto path = [&] {
    const auto snapshots = admin.manager<Dicts>("ListSnapshots", Dict{});
    return snapshots && snapshots->size() == 1 ? get<std::string>(snapshots->front(), "path") : "none";
  };
  EXPECT_EQ(path(), "");
  script("");
  EXPECT_TRUE(wait_until([&] { return path().starts_with("/"); }, std::chrono::seconds(20)));
  EXPECT_TRUE(std::filesystem::is_directory(path()));
  EXPECT_EQ(name_of(admin.manager("DeleteSnapshots", std::string("set"), set, false)), "");
  expect_nothing_left();
}

TEST_F(Restart, ASnapshotThatIsMissingIsReportedAndCanBeDeleted) {
  Requester requester;
  const std::string set = make(requester, "nas-rollback");
  vssd().kill9();
  std::filesystem::remove_all(directory_.path() / "fake.snapshots");
  vssd().restart();
  EXPECT_THAT(vssd().log(), ::testing::ContainsRegex("snapshot .* \\(set " + set + "\\) is missing"));
  Requester admin;
  const auto snapshots = admin.manager<Dicts>("ListSnapshots", Dict{});
  ASSERT_TRUE(snapshots);
  ASSERT_EQ(snapshots->size(), 1U);
  EXPECT_EQ(get<std::string>(snapshots->front(), "path"), "");
  EXPECT_EQ(name_of(admin.manager("DeleteSnapshots", std::string("set"), set, false)), "");
  expect_nothing_left();
}

}  // namespace
}  // namespace vss::test
