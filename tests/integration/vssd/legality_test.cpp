// SPDX-License-Identifier: LGPL-2.1-or-later
// Every call in every resting state, through the bus: vss.md 1.6.

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;

enum class State {
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
constexpr std::array kStates = {State::Initialized, State::Gathered, State::SetStarted,
                                State::SetFilled,   State::Prepared, State::Snapped,
                                State::Completed,   State::Aborted,  State::Failed};
constexpr std::array<const char*, 9> kNames = {"initialized", "gathered", "set-started",
                                               "set-filled",  "prepared", "snapped",
                                               "completed",   "aborted",  "failed"};
// What leads on from each state: a call that comes too early is answered with it.
constexpr std::array<const char*, 9> kNext = {"GatherWriterMetadata",
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
struct Row {
  const char* call;
  const char* with_writers;
  const char* without_writers;
};
constexpr Row kRows[] = {
    {"SetContext", "+xxxxxxxx", "+ xx x xx"},
    {"SetBackupState", "++++xxxxx", "+ ++ x xx"},
    {"EnableWriterClasses", "++++xxxxx", "+ ++ x xx"},
    {"DisableWriterClasses", "++++xxxxx", "+ ++ x xx"},
    {"DisableWriterInstances", "++++xxxxx", "+ ++ x xx"},
    {"GatherWriterMetadata", "+xxxxxxxx", "+ xx x xx"},
    {"AddComponent", "-+xxxxxxx", "x xx x xx"},
    {"StartSnapshotSet", "++xxxxxxx", "+ xx x xx"},
    {"AddToSnapshotSet", "--+++xxxx", "- ++ x xx"},
    {"PrepareForBackup", "--++xxxxx", "x xx x xx"},
    {"DoSnapshotSet", "----+xxxx", "- -+ x xx"},
    {"GatherWriterStatus", "+++++++++", "+ ++ + ++"},
    {"GetSnapshotProperties", "-----+++x", "- -- + +x"},
    {"SetBackupSucceeded", "-----+xxx", "x xx x xx"},
    {"BackupComplete", "-----+x+!", "x xx x xx"},
    {"AbortBackup", "+++++++++", "+ ++ + ++"},
    {"DeleteSnapshots", "+++++++++", "+ ++ + ++"},
    {"SaveDocument", "----+++++", "- -- + ++"},
    {"Cancel", "+++++++++", "+ ++ + ++"},
    {"Release", "+++++++++", "+ ++ + ++"},
};

class Legality : public DaemonTest {
 protected:
  // A Backup of a connection of its own in `state`.
  std::unique_ptr<Requester> bring_to(State state, bool writers) {
    auto requester = std::make_unique<Requester>();
    Requester::Plan way = plan();
    way.context = writers ? "backup" : "file-share-backup";
    std::string before;
    if (state == State::Initialized) before = writers ? "SetBackupState" : "GatherWriterMetadata";
    if (state == State::Gathered) before = "StartSnapshotSet";
    if (state == State::SetStarted) before = "AddToSnapshotSet";
    if (state == State::SetFilled) before = "PrepareForBackup";
    if (state == State::Prepared || state == State::Failed) before = "DoSnapshotSet";
    if (state == State::Aborted) before = "PrepareForBackup";
    const Reply<> there = requester->run_until(way, before);
    EXPECT_TRUE(there) << there.error().message;
    if (state == State::Failed) {
      script("commit fail 10 told to");
      EXPECT_EQ(name_of(requester->backup("DoSnapshotSet")), "UnexpectedProviderError");
      script("");
    }
    if (state == State::Completed) {
      EXPECT_TRUE(requester->backup("BackupComplete"));
    }
    if (state == State::Aborted) {
      EXPECT_TRUE(requester->backup("AbortBackup"));
    }
    EXPECT_EQ(requester->state(), kNames[static_cast<std::size_t>(state)]);
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

  void check_refused(Requester& requester, const Row& row, char cell, const char* next) {
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

  void check_legal(State state, bool writers, const Row& row) {
    SCOPED_TRACE(row.call);
    const auto requester = bring_to(state, writers);
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
    for (const State state : kStates) {
      const auto column = static_cast<std::size_t>(state);
      if (!writers && kRows[0].without_writers[column] == ' ') continue;
      SCOPED_TRACE(kNames[column]);
      const auto requester = bring_to(state, writers);
      for (const Row& row : kRows) {
        const char cell = (writers ? row.with_writers : row.without_writers)[column];
        if (cell != '+') check_refused(*requester, row, cell, (writers ? kNext : kNextQuiet)[column]);
      }
      requester->backup("Release");
      for (const Row& row : kRows) {
        const char cell = (writers ? row.with_writers : row.without_writers)[column];
        const bool second_context = !writers && std::string(row.call) == "SetContext";
        if (cell == '+' && !second_context) check_legal(state, writers, row);
      }
    }
    expect_nothing_left();
  }
};

TEST_F(Legality, EveryCallInEveryStateWithWriters) { walk(true); }
TEST_F(Legality, EveryCallInEveryStateWithoutWriters) { walk(false); }

TEST_F(Legality, TheContextIsSetOnce) {
  start();
  Requester requester;
  ASSERT_TRUE(requester.create_backup());
  EXPECT_TRUE(requester.backup("SetContext", std::string("nas-rollback")));
  EXPECT_EQ(name_of(requester.backup("SetContext", std::string("backup"))), "BadState");
  EXPECT_EQ(requester.property("Context"), "nas-rollback");
}

TEST_F(Legality, WhileALongCallRunsOnlyItsEndCanBeAskedFor) {
  start();
  ScriptedWriter& writer = add_writer("writer");
  Requester requester;
  ASSERT_TRUE(requester.run_until(plan(), "PrepareForBackup"));
  writer.on("PrepareForBackup", Reaction::block());
  PendingCall running = requester.begin("PrepareForBackup");
  ASSERT_TRUE(log_.wait_for("PrepareForBackup"));
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.call);
    const std::string method = row.call;
    if (method == "AbortBackup" || method == "Cancel" || method == "Release") continue;
    EXPECT_EQ(name_of(call(requester, method)), method == "GatherWriterStatus" ? "" : "BadState");
  }
  EXPECT_EQ(requester.state(), "preparing");
  EXPECT_EQ(name_of(requester.backup("Cancel")), "");
  EXPECT_EQ(name_of(running.result()), "Cancelled");
}

}  // namespace
}  // namespace vss::test
