// SPDX-License-Identifier: LGPL-2.1-or-later
// What a requester gets to see of its writers: the 16 states of vss.md 3.4, the failures of 3.5.

#include <set>

#include "tests/conformance/conformance_test.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;

// How a requester gets to see a state: at a moment of a backup in which nothing fails; after a veto in an
// event; or not by GatherWriterStatus at all, but in the history of failures that Manager keeps.
struct StateRow {
  const char* source;
  unsigned number;
  const char* name;
  Moment moment;
  const char* veto;
  bool in_history_only;
};

// clang-format off
constexpr StateRow kStateRows[] = {
  {"vss.md 3.4 UNKNOWN; 5.1, OnAbort false",  0, "unknown",                     {}, "Abort", true},
  {"vss.md 3.4 STABLE, not yet begun",        1, "stable",                      {"PrepareForBackup"}, "", false},
  {"vss.md 3.4 STABLE, done",                 1, "stable",                      {"BackupComplete"}, "", false},
  {"vss.md 3.4 WAITING_FOR_FREEZE",           2, "waiting-for-freeze",          {"DoSnapshotSet", "", "end_prepare"}, "", false},
  {"vss.md 3.4 WAITING_FOR_THAW",             3, "waiting-for-thaw",            {"DoSnapshotSet", "", "pre_commit"}, "", false},
  {"vss.md 3.4 WAITING_FOR_THAW",             3, "waiting-for-thaw",            {"DoSnapshotSet", "", "post_commit"}, "", false},
  {"vss.md 3.4 WAITING_FOR_POST_SNAPSHOT",    4, "waiting-for-post-snapshot",   {"DoSnapshotSet", "", "pre_final_commit"}, "", false},
  {"vss.md 3.4 WAITING_FOR_BACKUP_COMPLETE",  5, "waiting-for-backup-complete", {"DoSnapshotSet"}, "", false},
  {"vss.md 3.4 FAILED_AT_IDENTIFY; 5.8 G4",   6, "failed-at-identify",          {}, "Identify", true},
  {"vss.md 3.4 FAILED_AT_PREPARE_BACKUP",     7, "failed-at-prepare-backup",    {}, "PrepareForBackup", false},
  {"vss.md 3.4 FAILED_AT_PREPARE_SNAPSHOT",   8, "failed-at-prepare-snapshot",  {}, "PrepareForSnapshot", false},
  {"vss.md 3.4 FAILED_AT_FREEZE",             9, "failed-at-freeze",            {}, "Freeze", false},
  {"vss.md 3.4 FAILED_AT_THAW",              10, "failed-at-thaw",              {}, "Thaw", false},
  {"vss.md 3.4 FAILED_AT_POST_SNAPSHOT",     11, "failed-at-post-snapshot",     {}, "PostSnapshot", false},
  {"vss.md 3.4 FAILED_AT_BACKUP_COMPLETE",   12, "failed-at-backup-complete",   {}, "BackupComplete", false},
  {"vss.md 3.4 FAILED_AT_PRE_RESTORE",       13, "failed-at-pre-restore",       {}, "PreRestore", false},
  {"vss.md 3.4 FAILED_AT_POST_RESTORE",      14, "failed-at-post-restore",      {}, "PostRestore", false},
  {"vss.md 3.4 FAILED_AT_BACKUPSHUTDOWN; 5.1", 15, "failed-at-backup-shutdown", {}, "BackupShutdown", true},
};

struct CodeRow {
  const char* source;
  vss_writer_error code;
  const char* name;
  std::uint32_t vss_code;
};
constexpr CodeRow kCodeRows[] = {
  {"vss.md 3.5 INCONSISTENTSNAPSHOT", VSS_E_WRITER_INCONSISTENT_SNAPSHOT, "WriterInconsistentSnapshot", 0x800423F0},
  {"vss.md 3.5 OUTOFRESOURCES",       VSS_E_WRITER_OUT_OF_RESOURCES,      "WriterOutOfResources",       0x800423F1},
  {"vss.md 3.5 TIMEOUT",              VSS_E_WRITER_TIMEOUT,               "WriterTimeout",              0x800423F2},
  {"vss.md 3.5 RETRYABLE",            VSS_E_WRITER_RETRYABLE,             "WriterRetryable",            0x800423F3},
  {"vss.md 3.5 NONRETRYABLE",         VSS_E_WRITER_NON_RETRYABLE,         "WriterNonRetryable",         0x800423F4},
  {"vss.md 3.5 RECOVERY_FAILED",      VSS_E_WRITER_RECOVERY_FAILED,       "WriterRecoveryFailed",       0x800423F5},
  {"vss.md 3.5 PARTIAL_FAILURE",      VSS_E_WRITER_PARTIAL_FAILURE,       "WriterPartialFailure",       0x80042336},
};

// Where a writer can fail, and the number of the state that it is in then.
struct EventRow {
  const char* event;
  unsigned state;
  bool fails_creation;  // a veto fails DoSnapshotSet
};
constexpr EventRow kEventRows[] = {
  {"PrepareForBackup", 7, false}, {"PrepareForSnapshot", 8, false}, {"Freeze", 9, true},      {"Thaw", 10, true},
  {"PostSnapshot", 11, false},    {"BackupComplete", 12, false},    {"PreRestore", 13, false}, {"PostRestore", 14, false},
};
// clang-format on

class WriterStatus : public OnBothFaces {
 protected:
  void SetUp() override {
    start();
    writer_ = &add_writer("writer");
    add_writer("other");
    document_ = document_of_backup({"writer", "other"});
    ASSERT_NE(document_, "");
    end_row();
  }

  static bool is_restore(const std::string& event) { return event.ends_with("Restore"); }

  // The whole operation that has the event, up to before its Release. How DoSnapshotSet ended.
  Reply<> run(Requester& requester, const std::string& event) {
    if (!is_restore(event)) {
      const Reply<> made = requester.run_until(plan());
      if (made) {
        EXPECT_EQ(name_of(requester.backup("BackupComplete")), "");
      }
      return made;
    }
    EXPECT_TRUE(requester.create_restore(document_));
    EXPECT_TRUE(requester.restore("GatherWriterMetadata"));
    for (const char* name : {"writer", "other"}) {
      EXPECT_TRUE(requester.restore("SetSelectedForRestore", class_id_of(name), std::string(), std::string(),
                                    std::string("data"), true, std::string()));
    }
    EXPECT_EQ(name_of(requester.restore("PreRestore")), "");
    EXPECT_EQ(name_of(requester.restore("PostRestore")), "");
    return {};
  }
  void release(Requester& requester, const std::string& event) {
    EXPECT_EQ(name_of(is_restore(event) ? requester.restore("Release") : requester.backup("Release")), "");
  }

  Dict status(Requester& requester, const std::string& event, const std::string& name) {
    const auto all = is_restore(event) ? requester.restore<Dicts>("GatherWriterStatus")
                                       : requester.backup<Dicts>("GatherWriterStatus");
    for (const Dict& one : all.value_or(Dicts())) {
      if (get<std::string>(one, "name") == name) return one;
    }
    return {};
  }

  static void check_state(const Dict& status, const StateRow& row) {
    ASSERT_FALSE(status.empty());
    EXPECT_EQ(get<std::string>(status, "state"), row.name);
    EXPECT_EQ(get<std::uint32_t>(status, "state_number"), row.number);
  }

  void see_moment(const StateRow& row) {
    Requester requester;
    std::optional<PendingCall> running = bring_to(requester, row.moment, plan());
    check_state(status_of(requester, "writer"), row);
    let_go();
    if (running) {
      EXPECT_EQ(name_of(running->result()), "");
    }
    release(requester, "");
  }

  // What nobody can ask for any more, or no longer by GatherWriterStatus, is told by the history of failures.
  void see_history(const StateRow& row) {
    const std::string event = row.veto;
    Requester requester;
    ASSERT_TRUE(requester.run_until(plan(), "DoSnapshotSet"));
    if (event == "Abort") {
      EXPECT_EQ(name_of(requester.backup("AbortBackup")), "");
      const Dict seen = status_of(requester, "writer");
      EXPECT_EQ(get<std::string>(seen, "state"), "stable") << "what it was before";
      EXPECT_EQ(get<std::uint32_t>(seen, "state_number"), 1U);
      EXPECT_EQ(get<std::string>(seen, "failure"), "WriterNonRetryable") << "all the same";
    }
    EXPECT_EQ(status_of(requester, "writer").empty(), event == "Identify");
    if (event == "BackupShutdown") {
      see_no_status_after_release(requester);
    } else {
      release(requester, "");
    }
    const auto failures = requester.manager<Dicts>("ListWriterFailures", std::string());
    ASSERT_TRUE(failures);
    ASSERT_FALSE(failures->empty());
    EXPECT_EQ(get<std::string>(failures->back(), "name"), "writer");
    EXPECT_EQ(get<std::string>(failures->back(), "event"), event);
    // Whoever fails in Identify has no words for it yet.
    const bool identify = event == "Identify";
    EXPECT_EQ(get<std::string>(failures->back(), "failure"),
              identify ? "WriterNotResponding" : "WriterNonRetryable");
    EXPECT_EQ(get<std::uint32_t>(failures->back(), "failure_code"), identify ? 0x80042319U : 0x800423F4U);
    EXPECT_EQ(get<std::string>(failures->back(), "message"), "told to refuse");
  }

  // The session is over when BackupShutdown is sent: nobody can ask for state 15 while a writer is in it.
  void see_no_status_after_release(Requester& requester) {
    writers_.back()->on("BackupShutdown", Reaction::block());
    PendingCall call = requester.begin("Release");
    EXPECT_TRUE(log_.wait_for("BackupShutdown", 2));
    EXPECT_EQ(name_of(requester.backup<Dicts>("GatherWriterStatus")), "BadState");
    writers_.back()->on("BackupShutdown", Reaction::ok());
    writers_.back()->unblock();
    EXPECT_EQ(name_of(call.result()), "");
  }

  ScriptedWriter* writer_ = nullptr;
  std::string document_;
};

TEST_P(WriterStatus, EachOfTheSixteenStatesIsSeenWhereVssHasIt) {
  for (const StateRow& row : kStateRows) {
    SCOPED_TRACE(row.source);
    const std::string event = row.veto;
    if (event.empty()) {
      see_moment(row);
      end_row();
      continue;
    }
    writer_->on(event, Reaction::veto(VSS_E_WRITER_NON_RETRYABLE, "told to refuse"));
    if (row.in_history_only) {
      see_history(row);
    } else {
      Requester requester;
      run(requester, event);
      check_state(status(requester, event, "writer"), row);
      EXPECT_FALSE(get<std::string>(status(requester, event, "other"), "state").starts_with("failed"));
      release(requester, event);
    }
    writer_->on(event, Reaction::ok());
    end_row();
  }
  expect_nothing_left();
}

TEST(WriterStates, AreSixteenAndEachHasARow) {
  std::set<unsigned> numbers;
  for (const StateRow& row : kStateRows) numbers.insert(row.number);
  EXPECT_EQ(numbers.size(), 16U);
  EXPECT_EQ(*numbers.begin(), 0U);
  EXPECT_EQ(*numbers.rbegin(), 15U);
}

// Code, application code and message come through unchanged, with a veto and without, from every event.
TEST_P(WriterStatus, EachFailureReachesTheRequesterAsTheWriterSaidIt) {
  for (const EventRow& where : kEventRows) {
    for (const CodeRow& row : kCodeRows) {
      for (const bool veto : {true, false}) {
        SCOPED_TRACE(row.source);
        SCOPED_TRACE(std::string(veto ? "veto in " : "report in ") + where.event);
        const std::string message = std::string(where.event) + ": 'naïve' \"reason\"";
        const std::int32_t application_code = -40 - static_cast<std::int32_t>(row.code);
        writer_->on(where.event, veto ? Reaction::veto(row.code, message, application_code)
                                      : Reaction::fail(row.code, message, application_code));
        Requester requester;
        const Reply<> made = run(requester, where.event);
        EXPECT_EQ(name_of(made), veto && where.fails_creation ? row.name : "");
        if (!made) {
          EXPECT_THAT(made.error().message, HasSubstr(message));
        }
        const Dict seen = status(requester, where.event, "writer");
        ASSERT_FALSE(seen.empty());
        EXPECT_EQ(get<std::string>(seen, "failure"), row.name);
        EXPECT_EQ(get<std::uint32_t>(seen, "failure_code"), row.vss_code);
        EXPECT_EQ(get<std::int32_t>(seen, "application_code"), application_code);
        EXPECT_EQ(get<std::string>(seen, "message"), message);
        if (veto) {
          EXPECT_EQ(get<std::uint32_t>(seen, "state_number"), where.state);
        }
        EXPECT_EQ(get<std::string>(status(requester, where.event, "other"), "failure"), "");
        release(requester, where.event);
        writer_->on(where.event, Reaction::ok());
        end_row();
      }
    }
  }
  expect_nothing_left();
}

// vss.md 5.8 G2: what happened in one session says nothing in another.
TEST_P(WriterStatus, IsOfTheRequestersOwnSession) {
  SCOPED_TRACE("vss.md 5.8 G2");
  writer_->on("PrepareForBackup", Reaction::veto(VSS_E_WRITER_NON_RETRYABLE, "not now"));
  Requester first;
  ASSERT_TRUE(first.run_until(plan(), "DoSnapshotSet"));
  writer_->on("PrepareForBackup", Reaction::ok());
  ASSERT_TRUE(first.backup("AbortBackup"));
  Requester second;
  ASSERT_TRUE(second.run_until(plan()));
  EXPECT_EQ(get<std::string>(status_of(second, "writer"), "failure"), "");
  EXPECT_EQ(get<std::string>(status_of(second, "writer"), "state"), "waiting-for-backup-complete");
  EXPECT_EQ(get<std::string>(status_of(first, "writer"), "state"), "failed-at-prepare-backup");
}

VSS_ON_BOTH_FACES(WriterStatus);

}  // namespace
}  // namespace vss::test
