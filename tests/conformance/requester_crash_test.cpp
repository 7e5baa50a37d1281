// SPDX-License-Identifier: LGPL-2.1-or-later
// The requester is killed (SIGKILL) in each state: vss.md 5.5 and 5.6.

#include "tests/conformance/conformance_test.hpp"

namespace vss::test {
namespace {

constexpr std::size_t kManyWriters = kSanitized ? 10 : 50;
// Short, so that nothing that hangs makes the tests long; long enough for 50 writers on a busy machine.
constexpr const char* kShortLimits = "[limits]\nhold_limit_ms = 6000\nprovider_ms = 6000\n";

enum class Ends { Unheard, Null, Set };  // nothing at all, or BackupShutdown with which id

struct DeathRow {
  const char* source;
  const char* name;
  const char* last;    // the requester's last call, answered...
  const char* event;   // ...or, if not "", not answered: the writers are in this event
  const char* script;  // or the provider is in this
  const char* context;
  Ends ends;
  bool abort;  // before BackupShutdown
  std::size_t snapshots_left;
};

constexpr DeathRow kDeathRows[] = {
    {"vss.md 5.6, after Init/GatherWriterMetadata; 5.5 S9", "AfterCreateBackup", "CreateBackup", "", "",
     "backup", Ends::Unheard, false, 0},
    {"vss.md 5.6, after Init/GatherWriterMetadata; 5.5 S9", "AfterSetBackupState", "SetBackupState", "", "",
     "backup", Ends::Unheard, false, 0},
    {"vss.md 5.6, after Init/GatherWriterMetadata; 5.5 S9", "InIdentify", "GatherWriterMetadata", "Identify",
     "", "backup", Ends::Unheard, false, 0},
    {"vss.md 5.6, after Init/GatherWriterMetadata; 5.5 S9", "AfterGatherWriterMetadata",
     "GatherWriterMetadata", "", "", "backup", Ends::Unheard, false, 0},
    {"vss.md 5.6, after StartSnapshotSet", "AfterStartSnapshotSet", "StartSnapshotSet", "", "", "backup",
     Ends::Unheard, false, 0},
    {"vss.md 5.6, after AddToSnapshotSet", "InBeginPrepare", "AddToSnapshotSet", "", "begin_prepare",
     "backup", Ends::Unheard, false, 0},
    {"vss.md 5.6, after AddToSnapshotSet", "AfterAddToSnapshotSet", "AddToSnapshotSet", "", "", "backup",
     Ends::Unheard, false, 0},
    {"vss.md 5.6, after PrepareForBackup", "InPrepareForBackup", "PrepareForBackup", "PrepareForBackup", "",
     "backup", Ends::Null, false, 0},
    {"vss.md 5.6, after PrepareForBackup", "AfterPrepareForBackup", "PrepareForBackup", "", "", "backup",
     Ends::Null, false, 0},
    {"vss.md 5.6, before Commit", "InPrepareForSnapshot", "DoSnapshotSet", "PrepareForSnapshot", "", "backup",
     Ends::Null, true, 0},
    {"vss.md 5.6, before Commit", "InEndPrepare", "DoSnapshotSet", "", "end_prepare", "backup", Ends::Null,
     true, 0},
    {"vss.md 5.6, before Commit", "InFreeze", "DoSnapshotSet", "Freeze", "", "backup", Ends::Null, true, 0},
    {"vss.md 5.6, before Commit", "InPreCommit", "DoSnapshotSet", "", "pre_commit", "backup", Ends::Null,
     true, 0},
    {"vss.md 5.6, during hold", "InCommit", "DoSnapshotSet", "", "commit", "backup", Ends::Null, true, 0},
    {"vss.md 5.6, after Commit, before PostSnapshot", "InPostCommit", "DoSnapshotSet", "", "post_commit",
     "backup", Ends::Null, true, 0},
    {"vss.md 5.6, after Commit, before PostSnapshot", "InThaw", "DoSnapshotSet", "Thaw", "", "backup",
     Ends::Null, true, 0},
    {"vss.md 5.6, after Commit, before PostSnapshot", "InPreFinalCommit", "DoSnapshotSet", "",
     "pre_final_commit", "backup", Ends::Null, true, 0},
    {"vss.md 5.6, after Commit, before PostSnapshot; 5.3 W4", "InPostSnapshot", "DoSnapshotSet",
     "PostSnapshot", "", "backup", Ends::Null, false, 0},
    {"vss.md 5.6, after Commit, before PostSnapshot; 5.3 W4", "InPostFinalCommit", "DoSnapshotSet", "",
     "post_final_commit", "backup", Ends::Null, false, 0},
    {"vss.md 5.6, after Commit, before PostSnapshot; 5.3 W4", "InPostSnapshotPersistent", "DoSnapshotSet",
     "PostSnapshot", "", "app-rollback", Ends::Null, false, 0},
    {"vss.md 5.6, after DoSnapshotSet; 5.5 S3; 5.7", "AfterDoSnapshotSet", "DoSnapshotSet", "", "", "backup",
     Ends::Set, false, 0},
    {"vss.md 5.6, after DoSnapshotSet; 5.5 S3; 5.7", "AfterDoSnapshotSetPersistent", "DoSnapshotSet", "", "",
     "app-rollback", Ends::Set, false, 1},
    {"vss.md 5.6, after DoSnapshotSet", "InBackupComplete", "BackupComplete", "BackupComplete", "", "backup",
     Ends::Set, false, 0},
    {"vss.md 5.6, after BackupComplete; 5.5 S2", "AfterBackupComplete", "BackupComplete", "", "", "backup",
     Ends::Set, false, 0},
    {"vss.md 5.6, after BackupComplete; 5.5 S2", "AfterBackupCompletePersistent", "BackupComplete", "", "",
     "app-rollback", Ends::Set, false, 1},
};

void PrintTo(const DeathRow& moment, std::ostream* out) { *out << moment.name; }

class RequesterDeath : public ConformanceTest, public ::testing::WithParamInterface<DeathRow> {
 protected:
  bool is_there(const RequesterProcess& requester) const {
    const DeathRow& moment = GetParam();
    if (*moment.event != '\0') return log_.wait_for(moment.event, kManyWriters);
    if (*moment.script != '\0') return wait_for_operation(moment.script);
    return requester.wait_for(moment.last);
  }

  void check_events_of(const std::string& writer, const std::string& set) const {
    const DeathRow& moment = GetParam();
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
  const DeathRow& moment = GetParam();
  SCOPED_TRACE(moment.source);
  faces_ = {Face::Cpp, Face::C};
  start(kShortLimits);
  add_writers(kManyWriters);
  if (*moment.event != '\0') {
    for (const auto& writer : writers_) writer->on(moment.event, Reaction::block());
  }
  if (*moment.script != '\0') script(std::string(moment.script) + " delay 2500\n");
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
    ASSERT_TRUE(log_.wait_for("BackupShutdown", kManyWriters));
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

INSTANTIATE_TEST_SUITE_P(Killed, RequesterDeath, ::testing::ValuesIn(kDeathRows),
                         [](const auto& param) { return std::string(param.param.name); });

class RequesterDeathOf : public OnBothFaces {};

TEST_P(RequesterDeathOf, AWriterWithNothingSelectedHearsNothing) {
  SCOPED_TRACE("vss.md 5.5 S9; 1.2 notes, not selected");
  start();
  add_writer("chosen");
  add_writer("bystander");
  {
    Requester requester;
    select(requester, {"chosen"});
    for (const char* call : {"StartSnapshotSet", "AddToSnapshotSet", "PrepareForBackup", "DoSnapshotSet"}) {
      const bool adds = std::string(call) == "AddToSnapshotSet";
      ASSERT_TRUE(adds ? requester.backup(call, volume(), std::string("fake")) : requester.backup(call))
          << call;
    }
  }  // its connection ends
  ASSERT_TRUE(log_.wait_for("BackupShutdown"));
  expect_nothing_left();
  EXPECT_THAT(log_.names("bystander"), ::testing::ElementsAre("Identify", "PrepareForBackup"));
  EXPECT_EQ(told("chosen"), "bsFTPS");
}

VSS_ON_BOTH_FACES(RequesterDeathOf);

}  // namespace
}  // namespace vss::test
