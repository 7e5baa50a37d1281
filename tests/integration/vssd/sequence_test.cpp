// SPDX-License-Identifier: LGPL-2.1-or-later
// One whole backup, and what everybody sees of it: design section 6.

#include <nlohmann/json.hpp>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Sequence : public DaemonTest {};

std::vector<std::string> order_of(const EventLog& log, const std::string& event) {
  std::vector<std::string> writers;
  for (const LoggedEvent& entry : log.all()) {
    if (entry.event == event) writers.push_back(entry.writer);
  }
  return writers;
}

TEST_F(Sequence, EveryoneIsCalledInTheOrderOfTheTable) {
  start();
  add_writer("database", VSS_LEVEL_BACK_END);
  add_writer("system", VSS_LEVEL_SYSTEM);
  add_writer("application", VSS_LEVEL_FRONT_END);
  Requester requester;
  ASSERT_TRUE(requester.run_until(plan(), "DoSnapshotSet"));
  EXPECT_EQ(requester.state(), "prepared");
  EXPECT_NE(get<std::string>(status(), "lock_holder"), "");
  const std::string set = requester.property("SnapshotSetId");

  const auto made = requester.backup<Dict>("DoSnapshotSet");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(get<std::string>(status(), "lock_holder"), "");
  EXPECT_EQ(requester.state(), "snapped");
  ASSERT_TRUE(requester.backup("BackupComplete"));
  EXPECT_EQ(provider_snapshots(), 1U);
  ASSERT_TRUE(requester.backup("Release"));

  for (const char* writer : {"application", "database", "system"}) {
    EXPECT_THAT(log_.names(writer),
                ElementsAre("Identify", "PrepareForBackup", "PrepareForSnapshot", "Freeze", "Thaw",
                            "PostSnapshot", "BackupComplete", "BackupShutdown"));
  }
  EXPECT_THAT(order_of(log_, "Freeze"), ElementsAre("application", "database", "system"));
  EXPECT_THAT(order_of(log_, "Thaw"), ElementsAre("system", "database", "application"));
  for (const LoggedEvent& event : log_.all()) {
    const bool has_set = event.event == "Freeze" || event.event == "Thaw" || event.event == "PostSnapshot" ||
                         event.event == "BackupShutdown";
    EXPECT_EQ(event.set, has_set ? set : "") << event.event;
  }
  EXPECT_EQ(get<std::string>(*made, "set_id"), set);
  EXPECT_EQ(get<std::string>(*made, "context"), "backup");
  EXPECT_EQ(get<double>(*made, "hold_ms"), 0.0);
  EXPECT_THAT(provider_operations(),
              ElementsAre("begin_prepare", "end_prepare", "pre_commit", "commit", "post_commit",
                          "pre_final_commit", "mount_info", "post_final_commit", "mount_info", "remove"));
  expect_nothing_left();
}

// The provider waits in each operation: what have the writers been told by then?
TEST_F(Sequence, TheProviderWorksBetweenTheEventsOfTheWriters) {
  start();
  add_writer("writer");
  const std::vector<std::pair<std::string, std::string>> last_event{{"begin_prepare", "Identify"},
                                                                    {"end_prepare", "PrepareForSnapshot"},
                                                                    {"pre_commit", "Freeze"},
                                                                    {"commit", "Freeze"},
                                                                    {"post_commit", "Freeze"},
                                                                    {"pre_final_commit", "Thaw"},
                                                                    {"post_final_commit", "PostSnapshot"}};
  for (const auto& [operation, event] : last_event) {
    SCOPED_TRACE(operation);
    log_.clear();
    const std::size_t before = provider_log().size();
    script(operation + " hang\n");
    Requester requester;
    const bool early = operation == "begin_prepare";
    ASSERT_TRUE(requester.run_until(plan(), early ? "AddToSnapshotSet" : "DoSnapshotSet"));
    PendingCall call = early ? requester.begin("AddToSnapshotSet", volume(), std::string("fake"))
                             : requester.begin("DoSnapshotSet");
    ASSERT_TRUE(wait_until(
        [&] {
          const auto operations = provider_operations();
          return operations.size() > before && operations.back() == operation;
        },
        std::chrono::seconds(20)));
    EXPECT_EQ(log_.names().back(), event);
    EXPECT_FALSE(get<bool>(status(), "holding") && operation != "commit");
    EXPECT_FALSE(call.is_done());
    script("");
    EXPECT_EQ(name_of(call.result()), "");
  }
  expect_nothing_left();
}

TEST_F(Sequence, DocumentStatusAndPropertiesTellWhatHappened) {
  start();
  add_writer("chosen");
  add_writer("bystander");
  Requester requester;
  Requester::Plan selective = plan();
  selective.select_components = true;
  ASSERT_TRUE(requester.run_until(selective, "GatherWriterMetadata"));
  const auto metadata = requester.backup<Dicts>("GatherWriterMetadata");
  ASSERT_TRUE(metadata);
  std::string chosen;
  for (const Dict& writer : *metadata) {
    if (get<std::string>(writer, "name") == "chosen") chosen = get<std::string>(writer, "instance_id");
  }
  ASSERT_TRUE(requester.backup("AddComponent", chosen, std::string(), std::string("data")));
  const auto set = requester.backup<std::string>("StartSnapshotSet");
  const auto snapshot = requester.backup<std::string>("AddToSnapshotSet", volume(), std::string("fake"));
  ASSERT_TRUE(set && snapshot);
  ASSERT_TRUE(requester.backup("PrepareForBackup"));
  ASSERT_TRUE(requester.backup("DoSnapshotSet"));
  ASSERT_TRUE(requester.backup("SetBackupSucceeded", chosen, std::string(), std::string("data"), true));

  const auto properties = requester.backup<Dict>("GetSnapshotProperties", *snapshot);
  ASSERT_TRUE(properties);
  EXPECT_EQ(get<std::string>(*properties, "set_id"), *set);
  EXPECT_EQ(get<std::string>(*properties, "volume"), volume());
  EXPECT_EQ(get<std::string>(*properties, "provider"), "fake");
  EXPECT_TRUE(get<bool>(*properties, "auto_release"));
  EXPECT_FALSE(get<bool>(*properties, "persistent"));
  EXPECT_TRUE(std::filesystem::is_directory(get<std::string>(*properties, "path")));

  for (const bool complete : {false, true}) {
    if (complete) {
      ASSERT_TRUE(requester.backup("BackupComplete"));
    }
    const auto states = requester.backup<Dicts>("GatherWriterStatus");
    ASSERT_TRUE(states);
    ASSERT_EQ(states->size(), 2U);
    for (const Dict& writer : *states) {
      const bool selected = get<std::string>(writer, "name") == "chosen";
      EXPECT_EQ(get<bool>(writer, "selected"), selected);
      EXPECT_EQ(get<std::string>(writer, "failure"), "");
      if (selected) {
        EXPECT_EQ(get<std::string>(writer, "state"), complete ? "stable" : "waiting-for-backup-complete");
      }
    }
  }
  const auto document = requester.backup<std::string>("SaveDocument");
  ASSERT_TRUE(document);
  EXPECT_TRUE(nlohmann::json::accept(*document));
  EXPECT_NE(document->find(*set), std::string::npos);
  EXPECT_NE(document->find(*snapshot), std::string::npos);
  EXPECT_NE(document->find(chosen), std::string::npos);
  ASSERT_TRUE(requester.backup("Release"));
  EXPECT_THAT(log_.names("bystander"), ElementsAre("Identify", "PrepareForBackup"))
      << "a writer with nothing selected gets no further event";
  EXPECT_EQ(log_.names("chosen").size(), 8U);
}

TEST_F(Sequence, ContextsWithoutWritersTellNobody) {
  start();
  add_writer("writer");
  for (const char* context : {"file-share-backup", "nas-rollback"}) {
    Requester requester;
    Requester::Plan quiet = plan();
    quiet.context = context;
    ASSERT_TRUE(requester.run_until(quiet));
    EXPECT_EQ(requester.state(), "snapped");
    const std::string set = requester.property("SnapshotSetId");
    ASSERT_TRUE(requester.backup("Release"));
    const bool persistent = std::string(context) == "nas-rollback";
    EXPECT_EQ(provider_snapshots(), persistent ? 1U : 0U);
    if (persistent) {
      EXPECT_EQ(name_of(requester.manager("DeleteSnapshots", std::string("set"), set, false)), "");
    }
  }
  EXPECT_THAT(log_.names(), IsEmpty());
  expect_nothing_left();
}

}  // namespace
}  // namespace vss::test
