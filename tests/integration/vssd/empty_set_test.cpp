// SPDX-License-Identifier: LGPL-2.1-or-later
// A set without volumes, for components that have no files of their own: vss.md 1.2 B11.

#include <nlohmann/json.hpp>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EmptySet : public DaemonTest {
 protected:
  void SetUp() override {
    start();
    add_writer("writer", ScriptedWriter::Setup{});  // its component has no files
    nothing_ = plan();
    nothing_.volumes.clear();
  }
  // A backup of the writer's component, up to before DoSnapshotSet.
  void prepare(Requester& requester) {
    nothing_.select_components = true;
    ASSERT_EQ(name_of(requester.run_until(nothing_, "GatherWriterMetadata")), "");
    const auto metadata = requester.backup<Dicts>("GatherWriterMetadata");
    ASSERT_TRUE(metadata);
    ASSERT_EQ(name_of(requester.backup("AddComponent", get<std::string>(metadata->at(0), "instance_id"),
                                       std::string(), std::string("data"))),
              "");
    ASSERT_EQ(name_of(requester.backup("StartSnapshotSet")), "");
    EXPECT_EQ(requester.state(), "set-started");
    ASSERT_EQ(name_of(requester.backup("PrepareForBackup")), "");
    EXPECT_EQ(requester.state(), "prepared");
  }

  Requester::Plan nothing_;
};

TEST_F(EmptySet, IsAWholeBackupForTheWritersAndNothingForTheProviders) {
  Requester requester;
  ASSERT_NO_FATAL_FAILURE(prepare(requester));
  const std::string set = requester.property("SnapshotSetId");
  const auto made = requester.backup<Dict>("DoSnapshotSet");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(requester.state(), "snapped");
  EXPECT_EQ(get<std::string>(*made, "set_id"), set);
  EXPECT_EQ(get<std::string>(*made, "consistency"), "cut") << "no two volumes can differ";
  EXPECT_EQ(get<std::string>(*made, "consistency_reason"), "");
  EXPECT_EQ(get<double>(*made, "hold_ms"), 0.0);
  EXPECT_THAT(get<Dicts>(*made, "snapshots"), IsEmpty());
  EXPECT_THAT(get<Dicts>(*made, "providers"), IsEmpty());
  ASSERT_THAT(get<Dicts>(*made, "writers"), SizeIs(1));
  EXPECT_EQ(get<std::string>(get<Dicts>(*made, "writers")[0], "state"), "waiting-for-backup-complete");
  EXPECT_EQ(get<std::string>(status(), "lock_holder"), "");

  ASSERT_EQ(name_of(requester.backup("BackupComplete")), "");
  EXPECT_EQ(requester.state(), "completed");
  const auto text = requester.backup<std::string>("SaveDocument");
  ASSERT_TRUE(text) << text.error().message;
  const auto document = nlohmann::json::parse(*text);
  EXPECT_EQ(document.at("set_id"), set);
  EXPECT_EQ(document.at("consistency"), "cut");
  EXPECT_THAT(document.at("snapshots"), IsEmpty());
  EXPECT_EQ(document.at("writers").at(0).at("state"), "stable");
  EXPECT_EQ(document.at("writers").at(0).at("components").at(0).at("name"), "data");

  ASSERT_EQ(name_of(requester.backup("Release")), "");
  EXPECT_THAT(log_.names(), ElementsAre("Identify", "PrepareForBackup", "PrepareForSnapshot", "Freeze",
                                        "Thaw", "PostSnapshot", "BackupComplete", "BackupShutdown"));
  for (const LoggedEvent& event : log_.all()) {
    if (event.event == "Freeze" || event.event == "PostSnapshot" || event.event == "BackupShutdown") {
      EXPECT_EQ(event.set, set) << event.event;
    }
  }
  EXPECT_THAT(provider_operations(), IsEmpty());
  expect_nothing_left();
  expect_next_backup_works();
}

TEST_F(EmptySet, AVetoInFreezeFailsItAsAnyOther) {
  writers_.front()->on("Freeze", Reaction::veto(VSS_E_WRITER_RETRYABLE, "not now"));
  Requester requester;
  ASSERT_NO_FATAL_FAILURE(prepare(requester));
  EXPECT_EQ(name_of(requester.backup<Dict>("DoSnapshotSet")), "WriterRetryable");
  EXPECT_EQ(requester.state(), "failed");
  ASSERT_EQ(name_of(requester.backup("AbortBackup")), "");
  ASSERT_EQ(name_of(requester.backup("Release")), "");
  EXPECT_THAT(log_.names(), ElementsAre("Identify", "PrepareForBackup", "PrepareForSnapshot", "Freeze",
                                        "Abort", "BackupShutdown"));
  EXPECT_EQ(log_.all().back().set, kNullId) << "no set was made";
  expect_nothing_left();
}

// Lists are of snapshots: nobody would ever see it again.
TEST_F(EmptySet, IsNotKeptInContextsThatKeepSets) {
  for (const char* context : {"app-rollback", "client-accessible-writers"}) {
    SCOPED_TRACE(context);
    nothing_.context = context;
    Requester requester;
    const auto made = requester.run_until(nothing_);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(name_of(requester.backup("Release")), "");
    EXPECT_EQ(catalogue_entries(), 0U);
    expect_nothing_left();
  }
}

// There is nobody that it could be for; a volume makes it a set.
TEST_F(EmptySet, IsNotLegalWithoutWriters) {
  nothing_.context = "file-share-backup";
  Requester requester;
  ASSERT_EQ(name_of(requester.run_until(nothing_, "DoSnapshotSet")), "");
  const auto refused = requester.backup<Dict>("DoSnapshotSet");
  EXPECT_EQ(name_of(refused), "BadState");
  EXPECT_THAT(refused ? "" : refused.error().message, ::testing::HasSubstr("AddToSnapshotSet"));
  EXPECT_EQ(requester.state(), "set-started");
  ASSERT_EQ(name_of(requester.backup("AddToSnapshotSet", volume(), std::string("fake"))), "");
  EXPECT_EQ(name_of(requester.backup("DoSnapshotSet")), "");
  EXPECT_EQ(name_of(requester.backup("Release")), "");
  EXPECT_THAT(log_.names(), IsEmpty());
  expect_nothing_left();
}

}  // namespace
}  // namespace vss::test
