// SPDX-License-Identifier: LGPL-2.1-or-later
// The requester is killed (SIGKILL) in each state: vss.md 5.5 and 5.6.

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

constexpr std::size_t kWriters = kSanitized ? 10 : 50;
// Short, so that nothing that hangs makes the tests long; long enough for 50 writers on a busy machine.
constexpr const char* kConfig = "[limits]\nhold_limit_ms = 3000\nprovider_ms = 3000\n";

enum class Ends { Unheard, Null, Set };  // nothing at all, or BackupShutdown with which id

struct Moment {
  const char* name;
  const char* last;    // the requester's last call, answered...
  const char* event;   // ...or, if not "", not answered: the writers are in this event
  const char* script;  // or the provider is in this
  const char* context;
  Ends ends;
  bool abort;  // before BackupShutdown
  std::size_t snapshots_left;
};

constexpr Moment kMoments[] = {
    {"AfterCreateBackup", "CreateBackup", "", "", "backup", Ends::Unheard, false, 0},
    {"AfterSetBackupState", "SetBackupState", "", "", "backup", Ends::Unheard, false, 0},
    {"InIdentify", "GatherWriterMetadata", "Identify", "", "backup", Ends::Unheard, false, 0},
    {"AfterGatherWriterMetadata", "GatherWriterMetadata", "", "", "backup", Ends::Unheard, false, 0},
    {"AfterStartSnapshotSet", "StartSnapshotSet", "", "", "backup", Ends::Unheard, false, 0},
    {"InBeginPrepare", "AddToSnapshotSet", "", "begin_prepare", "backup", Ends::Unheard, false, 0},
    {"AfterAddToSnapshotSet", "AddToSnapshotSet", "", "", "backup", Ends::Unheard, false, 0},
    {"InPrepareForBackup", "PrepareForBackup", "PrepareForBackup", "", "backup", Ends::Null, false, 0},
    {"AfterPrepareForBackup", "PrepareForBackup", "", "", "backup", Ends::Null, false, 0},
    {"InPrepareForSnapshot", "DoSnapshotSet", "PrepareForSnapshot", "", "backup", Ends::Null, true, 0},
    {"InEndPrepare", "DoSnapshotSet", "", "end_prepare", "backup", Ends::Null, true, 0},
    {"InFreeze", "DoSnapshotSet", "Freeze", "", "backup", Ends::Null, true, 0},
    {"InPreCommit", "DoSnapshotSet", "", "pre_commit", "backup", Ends::Null, true, 0},
    {"InCommit", "DoSnapshotSet", "", "commit", "backup", Ends::Null, true, 0},
    {"InPostCommit", "DoSnapshotSet", "", "post_commit", "backup", Ends::Null, true, 0},
    {"InThaw", "DoSnapshotSet", "Thaw", "", "backup", Ends::Null, true, 0},
    {"InPreFinalCommit", "DoSnapshotSet", "", "pre_final_commit", "backup", Ends::Null, true, 0},
    {"InPostSnapshot", "DoSnapshotSet", "PostSnapshot", "", "backup", Ends::Null, false, 0},
    {"InPostFinalCommit", "DoSnapshotSet", "", "post_final_commit", "backup", Ends::Null, false, 0},
    {"InPostSnapshotPersistent", "DoSnapshotSet", "PostSnapshot", "", "app-rollback", Ends::Null, false, 0},
    {"AfterDoSnapshotSet", "DoSnapshotSet", "", "", "backup", Ends::Set, false, 0},
    {"AfterDoSnapshotSetPersistent", "DoSnapshotSet", "", "", "app-rollback", Ends::Set, false, 1},
    {"InBackupComplete", "BackupComplete", "BackupComplete", "", "backup", Ends::Set, false, 0},
    {"AfterBackupComplete", "BackupComplete", "", "", "backup", Ends::Set, false, 0},
    {"AfterBackupCompletePersistent", "BackupComplete", "", "", "app-rollback", Ends::Set, false, 1},
};

void PrintTo(const Moment& moment, std::ostream* out) { *out << moment.name; }

class RequesterDeath : public DaemonTest, public ::testing::WithParamInterface<Moment> {
 protected:
  bool is_there(const RequesterProcess& requester) const {
    const Moment& moment = GetParam();
    if (*moment.event != '\0') return log_.wait_for(moment.event, kWriters);
    if (*moment.script != '\0') return wait_for_operation(moment.script);
    return requester.wait_for(moment.last);
  }

  void check_events_of(const std::string& writer, const std::string& set) const {
    const Moment& moment = GetParam();
    EXPECT_EQ(log_.count("BackupShutdown", writer), moment.ends == Ends::Unheard ? 0U : 1U);
    EXPECT_EQ(log_.count("Abort", writer), moment.abort ? 1U : 0U);
    const std::vector<std::string> names = log_.names(writer);
    if (moment.ends == Ends::Unheard) {
      for (const std::string& name : names) EXPECT_EQ(name, "Identify");
      return;
    }
    ASSERT_FALSE(names.empty());
    EXPECT_EQ(names.back(), "BackupShutdown") << "the last event, also after Abort";
    EXPECT_LE(log_.count("Thaw", writer), log_.count("Freeze", writer));
    for (const LoggedEvent& event : log_.all()) {
      if (event.writer == writer && event.event == "BackupShutdown") {
        EXPECT_EQ(event.set, moment.ends == Ends::Set ? set : kNullId);
      }
    }
  }
};

TEST_P(RequesterDeath, EveryoneIsToldOnceAndWhatWasTemporaryIsGone) {
  const Moment& moment = GetParam();
  start(kConfig);
  add_writers(kWriters);
  if (*moment.event != '\0') {
    for (const auto& writer : writers_) writer->on(moment.event, Reaction::block());
  }
  if (*moment.script != '\0') script(std::string(moment.script) + " delay 1500\n");
  RequesterProcess requester(moment.last, {volume()}, moment.context);
  ASSERT_TRUE(is_there(requester)) << requester.output();
  const std::string set = requester.set_id();
  requester.kill9();

  // The next one gets the creation lock, whatever is still blocked.
  {
    Requester next;
    Requester::Plan quick = plan();
    quick.context = "file-share-backup";
    quick.options["lock_timeout"] = sdbus::Variant{std::uint32_t{10'000}};
    const Reply<> locked = next.run_until(quick, "AddToSnapshotSet");
    EXPECT_TRUE(locked) << locked.error().message;
  }
  script("");
  for (const auto& writer : writers_) writer->unblock();
  if (moment.ends != Ends::Unheard) {
    ASSERT_TRUE(log_.wait_for("BackupShutdown", kWriters));
  }
  ASSERT_TRUE(wait_for_no_session());
  ASSERT_TRUE(wait_for_idle_providers());
  for (const auto& writer : writers_) {
    SCOPED_TRACE(writer->name());
    check_events_of(writer->name(), set);
  }
  EXPECT_EQ(provider_snapshots(), moment.snapshots_left);
  EXPECT_EQ(catalogue_entries(), moment.snapshots_left);
  if (moment.snapshots_left == 0) {
    expect_nothing_left();
  } else {
    Requester admin;
    const auto snapshots = admin.manager<Dicts>("ListSnapshots", Dict{});
    ASSERT_TRUE(snapshots);
    ASSERT_EQ(snapshots->size(), 1U);
    EXPECT_EQ(get<std::string>(snapshots->front(), "set_id"), set);
    EXPECT_EQ(name_of(admin.manager("DeleteSnapshots", std::string("set"), set, false)), "");
  }
  expect_next_backup_works();
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Killed, RequesterDeath, ::testing::ValuesIn(kMoments),
                         [](const auto& param) { return std::string(param.param.name); });

// Two that never meet: only the dead one's writers hear of it.
class RequesterDeathOf : public DaemonTest {};

TEST_F(RequesterDeathOf, OneDoesNotTouchTheOther) {
  start();
  add_writers(3);
  RequesterProcess doomed("DoSnapshotSet", {volume()});
  ASSERT_TRUE(doomed.wait_for("DoSnapshotSet")) << doomed.output();
  Requester survivor;
  ASSERT_TRUE(survivor.run_until(plan()));
  const std::string dead = doomed.set_id();
  doomed.kill9();
  ASSERT_TRUE(log_.wait_for("BackupShutdown", 3));
  for (const LoggedEvent& event : log_.all()) {
    if (event.event == "BackupShutdown") {
      EXPECT_EQ(event.set, dead);
    }
  }
  EXPECT_EQ(survivor.state(), "snapped");
  ASSERT_TRUE(wait_until([&] { return provider_snapshots() == 1; }, std::chrono::seconds(10)));
  ASSERT_TRUE(survivor.backup("BackupComplete"));
  ASSERT_TRUE(survivor.backup("Release"));
  EXPECT_EQ(log_.count("BackupShutdown"), 6U);
  expect_nothing_left();
}

TEST_F(RequesterDeathOf, AWriterWithNothingSelectedHearsNothing) {
  start();
  add_writer("chosen");
  add_writer("bystander");
  {
    Requester requester;
    Requester::Plan selective = plan();
    selective.select_components = true;
    ASSERT_TRUE(requester.run_until(selective, "GatherWriterMetadata"));
    const auto metadata = requester.backup<Dicts>("GatherWriterMetadata");
    ASSERT_TRUE(metadata);
    for (const Dict& writer : *metadata) {
      if (get<std::string>(writer, "name") != "chosen") continue;
      const std::string instance = get<std::string>(writer, "instance_id");
      ASSERT_TRUE(requester.backup("AddComponent", instance, std::string(), std::string("data")));
    }
    for (const char* call : {"StartSnapshotSet", "AddToSnapshotSet", "PrepareForBackup", "DoSnapshotSet"}) {
      const bool adds = std::string(call) == "AddToSnapshotSet";
      ASSERT_TRUE(adds ? requester.backup(call, volume(), std::string("fake")) : requester.backup(call))
          << call;
    }
  }  // its connection ends
  ASSERT_TRUE(log_.wait_for("BackupShutdown"));
  expect_nothing_left();
  EXPECT_THAT(log_.names("bystander"), ::testing::ElementsAre("Identify", "PrepareForBackup"));
}

}  // namespace
}  // namespace vss::test
