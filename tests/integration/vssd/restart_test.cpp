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
};

TEST_F(Restart, PersistentSetsStayReadableAndAutoReleaseSetsGo) {
  Requester first, second;
  const std::string kept = make_set_in("nas-rollback", first);
  EXPECT_NE(make_set_in("file-share-backup", second), "");
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

TEST_F(Restart, WhatWasBeingDeletedIsDeleted) {
  Requester requester;
  const std::string set = make_set_in("nas-rollback", requester);
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
  const std::string set = make_set_in("backup", requester);
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
  const std::string set = make_set_in("nas-rollback", requester);
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
  const std::string set = make_set_in("nas-rollback", requester);
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
