// SPDX-License-Identifier: LGPL-2.1-or-later
// Every call of a Backup in every state, through the bus: vss.md 1.6. Its state NEW and the calls
// InitializeForBackup and InitializeForRestore are CreateBackup and CreateRestore here: there is no object
// before.

#include "tests/conformance/conformance_test.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;

enum class CallState {
  Initialized,
  Gathered,
  SetStarted,
  SetFilled,
  Prepared,
  Snapped,
  Completed,
  Aborted,
  Failed
};
constexpr std::array kCallStates = {CallState::Initialized, CallState::Gathered, CallState::SetStarted,
                                    CallState::SetFilled,   CallState::Prepared, CallState::Snapped,
                                    CallState::Completed,   CallState::Aborted,  CallState::Failed};
constexpr std::array<const char*, 9> kCallStateNames = {"initialized", "gathered", "set-started",
                                                        "set-filled",  "prepared", "snapped",
                                                        "completed",   "aborted",  "failed"};
// What leads on from each state: a call that comes too early is answered with it.
constexpr std::array<const char*, 9> kNextCall = {"GatherWriterMetadata",
                                                  "StartSnapshotSet",
                                                  "AddToSnapshotSet",
                                                  "PrepareForBackup",
                                                  "DoSnapshotSet",
                                                  "BackupComplete",
                                                  "",
                                                  "",
                                                  ""};
constexpr std::array<const char*, 9> kNextQuiet = {
    "StartSnapshotSet", "", "AddToSnapshotSet", "DoSnapshotSet", "", "", "", "", ""};

// One column per state, as above: '+' not BadState, '-' BadState, too early: the error names the missing
// call; 'x' BadState for good; '!' the cause of the failure again; ' ' no such state in these contexts.
struct CallRow {
  const char* source;
  const char* call;
  const char* with_writers;
  const char* without_writers;
};
constexpr CallRow kCallRows[] = {
    {"vss.md 1.6 SetContext", "SetContext", "+xxxxxxxx", "+ xx x xx"},
    {"vss.md 1.6 SetBackupState", "SetBackupState", "++++xxxxx", "+ ++ x xx"},
    {"vss.md 1.6 Disable/EnableWriter*", "EnableWriterClasses", "++++xxxxx", "+ ++ x xx"},
    {"vss.md 1.6 Disable/EnableWriter*", "DisableWriterClasses", "++++xxxxx", "+ ++ x xx"},
    {"vss.md 1.6 Disable/EnableWriter*", "DisableWriterInstances", "++++xxxxx", "+ ++ x xx"},
    {"vss.md 1.6 GatherWriterMetadata", "GatherWriterMetadata", "+xxxxxxxx", "+ xx x xx"},
    {"vss.md 1.6 AddComponent; 1.4", "AddComponent", "-+xxxxxxx", "x xx x xx"},
    {"vss.md 1.2 B7; 1.5 R4", "GetWriterComponents", "-++++++++", "x xx x xx"},
    {"vss.md 1.2 B12", "SetBackupOptions", "-+++xxxxx", "x xx x xx"},
    {"vss.md 1.2 B12", "SetPreviousBackupStamp", "-+++xxxxx", "x xx x xx"},
    {"vss.md 1.6 StartSnapshotSet", "StartSnapshotSet", "++xxxxxxx", "+ xx x xx"},
    {"vss.md 1.6 AddToSnapshotSet", "AddToSnapshotSet", "--+++xxxx", "- ++ x xx"},
    {"vss.md 1.6 PrepareForBackup; 1.4", "PrepareForBackup", "--++xxxxx", "x xx x xx"},
    {"vss.md 1.6 DoSnapshotSet; 1.4", "DoSnapshotSet", "----+xxxx", "- -+ x xx"},
    {"vss.md 1.6 GatherWriterStatus", "GatherWriterStatus", "+++++++++", "+ ++ + ++"},
    {"vss.md 1.2 B21", "GetSnapshotProperties", "-----+++x", "- -- + +x"},
    {"vss.md 1.2 B22", "SetBackupSucceeded", "-----+xxx", "x xx x xx"},
    {"vss.md 1.6 BackupComplete; 1.4", "BackupComplete", "-----+x+!", "x xx x xx"},
    {"vss.md 1.6 AbortBackup; 5.2 Q7", "AbortBackup", "+++++++++", "+ ++ + ++"},
    {"vss.md 1.6 Query/Delete/Expose/Break", "DeleteSnapshots", "+++++++++", "+ ++ + ++"},
    {"vss.md 1.2 B25", "SaveDocument", "----+++++", "- -- + ++"},
    {"vss.md 2.1", "Cancel", "+++++++++", "+ ++ + ++"},
    {"vss.md 1.2 B26", "Release", "+++++++++", "+ ++ + ++"},
};

class BackupStates : public OnBothFaces {
 protected:
  // A Backup of a connection of its own in `state`.
  std::unique_ptr<Requester> bring_to_state(CallState state, bool writers) {
    auto requester = std::make_unique<Requester>();
    Requester::Plan way = plan();
    way.context = writers ? "backup" : "file-share-backup";
    std::string before;
    if (state == CallState::Initialized) before = writers ? "SetBackupState" : "GatherWriterMetadata";
    if (state == CallState::Gathered) before = "StartSnapshotSet";
    if (state == CallState::SetStarted) before = "AddToSnapshotSet";
    if (state == CallState::SetFilled) before = "PrepareForBackup";
    if (state == CallState::Prepared || state == CallState::Failed) before = "DoSnapshotSet";
    if (state == CallState::Aborted) before = "PrepareForBackup";
    const Reply<> there = requester->run_until(way, before);
    EXPECT_TRUE(there) << there.error().message;
    if (state == CallState::Failed) {
      script("commit fail 10 told to");
      EXPECT_EQ(name_of(requester->backup("DoSnapshotSet")), "UnexpectedProviderError");
      script("");
    }
    if (state == CallState::Completed) {
      EXPECT_TRUE(requester->backup("BackupComplete"));
    }
    if (state == CallState::Aborted) {
      EXPECT_TRUE(requester->backup("AbortBackup"));
    }
    EXPECT_EQ(requester->state(), kCallStateNames[static_cast<std::size_t>(state)]);
    return requester;
  }

  Reply<> call(Requester& requester, const std::string& method) {
    const std::string id = "7e57c1a5-0000-4000-8000-000000000001";
    const std::vector<std::string> ids{id};
    const std::string data = "data";
    const std::string none;
    if (method == "SetContext") return requester.backup(method, std::string("nas-rollback"));
    if (method == "SetBackupState") return requester.backup(method, true, true, std::string("copy"), true);
    if (method.find("able") != std::string::npos) return requester.backup(method, ids);
    if (method == "AddComponent") return requester.backup(method, id, none, data);
    if (method == "GetWriterComponents") return requester.backup(method, id);
    if (method == "SetBackupOptions" || method == "SetPreviousBackupStamp")
      return requester.backup(method, id, none, data, none);
    if (method == "SetBackupSucceeded") return requester.backup(method, id, none, data, true);
    if (method == "AddToSnapshotSet") return requester.backup(method, volume(), std::string("fake"));
    if (method == "GetSnapshotProperties") return requester.backup(method, id);
    if (method == "DeleteSnapshots") return requester.backup(method, std::string("set"), id, false);
    return requester.backup(method);
  }

  std::string picture(Requester& requester) {
    std::string text = requester.state() + " " + requester.property("Context") + " " +
                       requester.property("SnapshotSetId") + " " + get<std::string>(status(), "lock_holder");
    text.erase(text.find("since") == std::string::npos ? text.size() : text.find("since"));
    for (const std::string& line : provider_log()) text += "\n" + line;
    for (const std::string& name : log_.names()) text += "\n" + name;
    return text;
  }

  void check_refused(Requester& requester, const CallRow& row, char cell, const char* next) {
    SCOPED_TRACE(row.source);
    SCOPED_TRACE(row.call);
    const std::string before = picture(requester);
    const Reply<> reply = call(requester, row.call);
    EXPECT_EQ(name_of(reply), cell == '!' ? "UnexpectedProviderError" : "BadState");
    if (reply) return;
    EXPECT_THAT(reply.error().message, HasSubstr(row.call));
    if (cell == '-') {
      EXPECT_THAT(reply.error().message, HasSubstr(std::string(next) + " has to come first"));
    }
    EXPECT_EQ(picture(requester), before);
  }

  void check_legal(CallState state, bool writers, const CallRow& row) {
    SCOPED_TRACE(row.source);
    SCOPED_TRACE(row.call);
    const auto requester = bring_to_state(state, writers);
    const std::string name = name_of(call(*requester, row.call));
    // Without SetContext before, the two that need a state of their own are told apart by their arguments
    // only.
    EXPECT_NE(name, "BadState");
    EXPECT_FALSE(name.starts_with("org.freedesktop")) << name;
    requester->backup("Release");
  }

  void walk(bool writers) {
    start();
    add_writer("writer");
    for (const CallState state : kCallStates) {
      const auto column = static_cast<std::size_t>(state);
      if (!writers && kCallRows[0].without_writers[column] == ' ') continue;
      SCOPED_TRACE(kCallStateNames[column]);
      const auto requester = bring_to_state(state, writers);
      for (const CallRow& row : kCallRows) {
        const char cell = (writers ? row.with_writers : row.without_writers)[column];
        if (cell != '+') check_refused(*requester, row, cell, (writers ? kNextCall : kNextQuiet)[column]);
      }
      requester->backup("Release");
      for (const CallRow& row : kCallRows) {
        const char cell = (writers ? row.with_writers : row.without_writers)[column];
        const bool second_context = !writers && std::string(row.call) == "SetContext";
        if (cell == '+' && !second_context) check_legal(state, writers, row);
      }
    }
    expect_nothing_left();
  }
};

TEST_P(BackupStates, EveryCallInEveryStateWithWriters) { walk(true); }
TEST_P(BackupStates, EveryCallInEveryStateWithoutWriters) { walk(false); }

TEST_P(BackupStates, TheContextIsSetOnce) {
  SCOPED_TRACE("vss.md 1.6 SetContext, ok once");
  start();
  Requester requester;
  ASSERT_TRUE(requester.create_backup());
  EXPECT_TRUE(requester.backup("SetContext", std::string("nas-rollback")));
  EXPECT_EQ(name_of(requester.backup("SetContext", std::string("backup"))), "BadState");
  EXPECT_EQ(requester.property("Context"), "nas-rollback");
}

// The states in which a long call runs. Nothing is legal in them but its end, and to look.
struct BusyRow {
  const char* source;
  const char* state;
  Moment moment;
  const char* outcome;  // of the call that runs, when it is cancelled
};
constexpr BusyRow kBusyRows[] = {
    {"vss.md 2.1", "gathering", {"GatherWriterMetadata", "Identify"}, "Cancelled"},
    {"vss.md 2.1", "set-started", {"AddToSnapshotSet", "", "begin_prepare"}, "Cancelled"},
    {"vss.md 2.1", "preparing", {"PrepareForBackup", "PrepareForBackup"}, "Cancelled"},
    {"vss.md 2.1", "snapping", {"DoSnapshotSet", "PrepareForSnapshot"}, "Cancelled"},
    {"vss.md 2.1", "snapping", {"DoSnapshotSet", "Freeze"}, "Cancelled"},
    {"vss.md 2.1", "snapping", {"DoSnapshotSet", "", "commit"}, "Cancelled"},
    {"vss.md 2.1", "snapping", {"DoSnapshotSet", "Thaw"}, "Cancelled"},
    {"vss.md 2.1", "snapping", {"DoSnapshotSet", "PostSnapshot"}, "Cancelled"},
    {"vss.md 2.1", "completing", {"BackupComplete", "BackupComplete"}, "Cancelled"},
};

TEST_P(BackupStates, WhileALongCallRunsOnlyItsEndCanBeAskedFor) {
  start();
  add_writer("writer");
  for (const BusyRow& busy : kBusyRows) {
    SCOPED_TRACE(busy.source);
    SCOPED_TRACE(std::string(busy.moment.last) + " " + busy.moment.event + busy.moment.operation);
    Requester requester;
    std::optional<PendingCall> running = bring_to(requester, busy.moment, plan());
    ASSERT_TRUE(running);
    for (const CallRow& row : kCallRows) {
      SCOPED_TRACE(row.source);
      SCOPED_TRACE(row.call);
      const std::string method = row.call;
      if (method == "AbortBackup" || method == "Cancel" || method == "Release") continue;
      EXPECT_EQ(name_of(call(requester, method)), method == "GatherWriterStatus" ? "" : "BadState");
    }
    EXPECT_EQ(requester.state(), busy.state);
    EXPECT_EQ(name_of(requester.backup("Cancel")), "");
    let_go();
    EXPECT_EQ(name_of(running->result()), busy.outcome);
    EXPECT_EQ(name_of(requester.backup("Release")), "");
    ASSERT_TRUE(wait_for_idle_providers());
    end_row();
  }
  expect_nothing_left();
}

TEST_P(BackupStates, AnObjectThatIsReleasedIsGone) {
  start();
  Requester requester;
  ASSERT_TRUE(requester.create_backup());
  ASSERT_TRUE(requester.backup("Release"));
  // It is taken off the bus after the answer.
  const auto is_gone = [&] {
    return name_of(requester.backup("Release")).find("Unknown") != std::string::npos;
  };
  ASSERT_TRUE(wait_until(is_gone, std::chrono::seconds(10)));
  for (const CallRow& row : kCallRows) {
    SCOPED_TRACE(row.source);
    SCOPED_TRACE("vss.md 1.6, RELEASED");
    SCOPED_TRACE(row.call);
    EXPECT_THAT(name_of(call(requester, row.call)), HasSubstr("org.freedesktop.DBus.Error.Unknown"));
  }
}

VSS_ON_BOTH_FACES(BackupStates);

}  // namespace
}  // namespace vss::test
