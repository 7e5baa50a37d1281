// SPDX-License-Identifier: LGPL-2.1-or-later
// Every call of a Restore in every state, through the bus: vss.md 1.5 and the column INIT_RESTORE of 1.6.

#include "tests/conformance/conformance_test.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;

enum class RestorePoint { Initialized, Gathered, PreRestored, Completed, Failed };
constexpr std::array kRestorePoints = {RestorePoint::Initialized, RestorePoint::Gathered,
                                       RestorePoint::PreRestored, RestorePoint::Completed,
                                       RestorePoint::Failed};
constexpr std::array<const char*, 5> kRestoreNames = {"initialized", "gathered", "pre-restored", "completed",
                                                      "failed"};
// What leads on from each state: a call that comes too early is answered with it.
constexpr std::array<const char*, 5> kNextRestoreCall = {"GatherWriterMetadata", "PreRestore", "PostRestore",
                                                         "", ""};

// One column per state, as above: '+' not BadState, '-' BadState, too early: the error names the missing
// call; 'x' BadState for good.
struct RestoreCallRow {
  const char* source;
  const char* call;
  const char* cells;
};
constexpr RestoreCallRow kRestoreCallRows[] = {
    {"vss.md 1.5 R5", "SetRestoreState", "++xxx"},
    {"vss.md 1.6 GatherWriterMetadata, ok once; 1.5 R3", "GatherWriterMetadata", "+xxxx"},
    {"vss.md 1.5 R5", "SetSelectedForRestore", "-+xxx"},
    {"vss.md 1.5 R5", "AddRestoreSubcomponent", "-+xxx"},
    {"vss.md 1.5 R5", "SetRestoreOptions", "-+xxx"},
    {"vss.md 1.5 R5", "SetAdditionalRestores", "-+xxx"},
    {"vss.md 1.5 R5", "SetRestoreName", "-+xxx"},
    {"vss.md 1.5 R5", "SetAuthoritativeRestore", "-+xxx"},
    {"vss.md 1.5 R5", "SetRollForward", "-+xxx"},
    {"vss.md 1.5 R5", "AddNewTarget", "-+xxx"},
    {"vss.md 1.5 R6", "PreRestore", "-+xxx"},
    {"vss.md 1.5 R8", "AddAlternativeLocationMapping", "--+xx"},
    {"vss.md 1.5 R8, between PreRestore and PostRestore", "SetFileRestoreStatus", "--+xx"},
    {"vss.md 1.5 R8", "SetRangesFilePath", "--+xx"},
    {"vss.md 1.5 R9", "PostRestore", "--+xx"},
    {"vss.md 1.6 GatherWriterStatus; 1.5 R7, R10", "GatherWriterStatus", "+++++"},
    {"vss.md 1.5 R4", "GetWriterComponents", "+++++"},
    {"vss.md 1.2 B25", "SaveDocument", "+++++"},
    {"vss.md 2.1", "Cancel", "+++++"},
    {"vss.md 1.5 R10", "Release", "+++++"},
};

// 1.6, column INIT_RESTORE: what belongs to a backup does not exist on a restore.
constexpr RestoreCallRow kBackupCalls[] = {
    {"vss.md 1.6 SetContext", "SetContext", ""},
    {"vss.md 1.6 SetBackupState", "SetBackupState", ""},
    {"vss.md 1.6 AddComponent", "AddComponent", ""},
    {"vss.md 1.6 StartSnapshotSet", "StartSnapshotSet", ""},
    {"vss.md 1.6 AddToSnapshotSet", "AddToSnapshotSet", ""},
    {"vss.md 1.6 PrepareForBackup", "PrepareForBackup", ""},
    {"vss.md 1.6 DoSnapshotSet", "DoSnapshotSet", ""},
    {"vss.md 1.6 BackupComplete", "BackupComplete", ""},
    {"vss.md 1.6 AbortBackup, not supported; 1.5", "AbortBackup", ""},
};

class RestoreStates : public OnBothFaces {
 protected:
  void SetUp() override {
    start();
    add_writer("writer");
    document_ = document_of_backup({"writer"});
    ASSERT_NE(document_, "");
  }

  std::string state(Requester& requester) {
    const auto value = requester
                           .begin_at(requester.restore_path(), "org.freedesktop.DBus.Properties", "Get",
                                     std::string(kRestoreInterface), std::string("State"))
                           .result<sdbus::Variant>();
    return value ? value->get<std::string>() : "";
  }

  PendingCall begin(Requester& requester, const std::string& method) {
    return requester.begin_at(requester.restore_path(), kRestoreInterface, method);
  }
  // The long call stops in its event; it is cancelled there.
  void cancel_in(Requester& requester, const std::string& method, const std::string& event) {
    writers_.front()->on(event, Reaction::block());
    const std::size_t before = log_.count(event);
    PendingCall running = begin(requester, method);
    ASSERT_TRUE(log_.wait_for(event, before + 1));
    EXPECT_EQ(name_of(requester.restore("Cancel")), "");
    EXPECT_EQ(name_of(running.result()), "Cancelled");
    writers_.front()->on(event, Reaction::ok());
    writers_.front()->unblock();
  }

  std::unique_ptr<Requester> bring_to_state(RestorePoint state_wanted) {
    auto requester = std::make_unique<Requester>();
    EXPECT_TRUE(requester->create_restore(document_));
    if (state_wanted == RestorePoint::Failed) cancel_in(*requester, "GatherWriterMetadata", "Identify");
    const bool goes_on = state_wanted != RestorePoint::Initialized && state_wanted != RestorePoint::Failed;
    if (goes_on) {
      EXPECT_TRUE(requester->restore("GatherWriterMetadata"));
      EXPECT_TRUE(call(*requester, "SetSelectedForRestore"));
    }
    if (state_wanted == RestorePoint::PreRestored || state_wanted == RestorePoint::Completed) {
      EXPECT_TRUE(requester->restore("PreRestore"));
    }
    if (state_wanted == RestorePoint::Completed) {
      EXPECT_TRUE(requester->restore("PostRestore"));
    }
    EXPECT_EQ(state(*requester), kRestoreNames[static_cast<std::size_t>(state_wanted)]);
    return requester;
  }

  Reply<> call(Requester& requester, const std::string& method) {
    const std::string id = class_id_of("writer");
    const std::string none;
    const std::string data = "data";
    const std::string path = "/srv";
    const std::string all = "*";
    const auto on_data = [&](const auto&... more) {
      return requester.restore(method, id, none, none, data, more...);
    };
    if (method == "SetRestoreState") return requester.restore(method, std::string("by-copy"));
    if (method == "SetSelectedForRestore") return on_data(true, none);
    if (method == "AddRestoreSubcomponent") return on_data(data, data);
    if (method == "SetRestoreOptions" || method == "SetRestoreName") return on_data(data);
    if (method == "SetAdditionalRestores" || method == "SetAuthoritativeRestore") return on_data(true);
    if (method == "SetRollForward") return on_data(std::string("all"), none);
    if (method == "SetFileRestoreStatus") return on_data(std::string("all"));
    if (method == "SetRangesFilePath") return on_data(std::uint32_t{0}, path);
    if (method == "AddNewTarget" || method == "AddAlternativeLocationMapping")
      return on_data(path, all, true, path);
    if (method == "GetWriterComponents") return requester.restore(method, id, none);
    return requester.restore(method);
  }

  void check_refused(Requester& requester, const RestoreCallRow& row, RestorePoint where) {
    const auto column = static_cast<std::size_t>(where);
    const std::string document = requester.restore<std::string>("SaveDocument").value_or("none");
    const std::vector<std::string> heard = log_.names();
    const Reply<> reply = call(requester, row.call);
    EXPECT_EQ(name_of(reply), "BadState");
    if (reply) return;
    EXPECT_THAT(reply.error().message, HasSubstr(row.call));
    if (row.cells[column] == '-') {
      EXPECT_THAT(reply.error().message,
                  HasSubstr(std::string(kNextRestoreCall[column]) + " has to come first"));
    }
    EXPECT_EQ(state(requester), kRestoreNames[column]);
    EXPECT_EQ(requester.restore<std::string>("SaveDocument").value_or("none"), document);
    EXPECT_EQ(log_.names(), heard);
  }

  std::string document_;
};

TEST_P(RestoreStates, EveryCallInEveryState) {
  for (const RestorePoint where : kRestorePoints) {
    const auto column = static_cast<std::size_t>(where);
    SCOPED_TRACE(kRestoreNames[column]);
    const auto requester = bring_to_state(where);
    for (const RestoreCallRow& row : kRestoreCallRows) {
      SCOPED_TRACE(row.source);
      SCOPED_TRACE(row.call);
      if (row.cells[column] != '+') check_refused(*requester, row, where);
    }
    EXPECT_TRUE(requester->restore("Release"));
    for (const RestoreCallRow& row : kRestoreCallRows) {
      if (row.cells[column] != '+') continue;
      SCOPED_TRACE(row.source);
      SCOPED_TRACE(row.call);
      const auto fresh = bring_to_state(where);
      const std::string name = name_of(call(*fresh, row.call));
      EXPECT_NE(name, "BadState");
      EXPECT_FALSE(name.starts_with("org.freedesktop")) << name;
      fresh->restore("Release");
    }
  }
  end_row();
  EXPECT_EQ(log_.count("Abort"), 0U);
}

TEST_P(RestoreStates, WhileALongCallRunsOnlyItsEndCanBeAskedFor) {
  struct RestoreBusyRow {
    const char* source;
    RestorePoint from;
    const char* call;
    const char* event;
    const char* state;
  };
  constexpr RestoreBusyRow kRestoreBusyRows[] = {
      {"vss.md 1.5 R3", RestorePoint::Initialized, "GatherWriterMetadata", "Identify", "gathering"},
      {"vss.md 1.5 R6", RestorePoint::Gathered, "PreRestore", "PreRestore", "pre-restoring"},
      {"vss.md 1.5 R9", RestorePoint::PreRestored, "PostRestore", "PostRestore", "post-restoring"},
  };
  for (const RestoreBusyRow& busy : kRestoreBusyRows) {
    SCOPED_TRACE(busy.source);
    const auto requester = bring_to_state(busy.from);
    writers_.front()->on(busy.event, Reaction::block());
    const std::size_t before = log_.count(busy.event);
    PendingCall running = begin(*requester, busy.call);
    ASSERT_TRUE(log_.wait_for(busy.event, before + 1));
    EXPECT_EQ(state(*requester), busy.state);
    for (const RestoreCallRow& row : kRestoreCallRows) {
      SCOPED_TRACE(row.source);
      SCOPED_TRACE(row.call);
      const std::string method = row.call;
      if (method == "Cancel" || method == "Release") continue;
      EXPECT_EQ(name_of(call(*requester, method)), method == "GatherWriterStatus" ? "" : "BadState");
    }
    writers_.front()->on(busy.event, Reaction::ok());
    writers_.front()->unblock();
    EXPECT_EQ(name_of(running.result()), "");
    EXPECT_TRUE(requester->restore("Release"));
  }
}

TEST_P(RestoreStates, WhatBelongsToABackupDoesNotExist) {
  const auto requester = bring_to_state(RestorePoint::Gathered);
  for (const RestoreCallRow& row : kBackupCalls) {
    SCOPED_TRACE(row.source);
    EXPECT_EQ(name_of(requester->restore(row.call)), "org.freedesktop.DBus.Error.UnknownMethod") << row.call;
  }
  EXPECT_EQ(state(*requester), "gathered");
}

VSS_ON_BOTH_FACES(RestoreStates);

}  // namespace
}  // namespace vss::test
