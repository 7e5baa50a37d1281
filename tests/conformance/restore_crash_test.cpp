// SPDX-License-Identifier: LGPL-2.1-or-later
// The end of a requester, of vssd or of a writer in each phase of a restore: vss.md 1.5. There is no Abort;
// RestoreShutdown, which VSS does not have, says that it is over.

#include <signal.h>

#include "tests/conformance/conformance_test.hpp"
#include "tests/conformance/failure_history.hpp"

namespace vss::test {
namespace {

struct RestoreRow {
  const char* source;
  const char* last;   // the requester's last call, answered...
  const char* event;  // ...or not, because the writers are in this event
  const char* told;
};
constexpr RestoreRow kRestoreCrashRows[] = {
    {"vss.md 1.5 R1", "CreateRestore", "", ""},
    {"vss.md 1.5 R3", "GatherWriterMetadata", "Identify", ""},
    {"vss.md 1.5 R3", "GatherWriterMetadata", "", ""},
    {"vss.md 1.5 R6, R10", "PreRestore", "PreRestore", "rE"},
    {"vss.md 1.5 R6, R10", "PreRestore", "", "rE"},
    {"vss.md 1.5 R9, R10", "PostRestore", "PostRestore", "rRE"},
    {"vss.md 1.5 R9, R10", "PostRestore", "", "rRE"},
};

class RestoreCrash : public OnBothFaces {
 protected:
  void SetUp() override {
    start(limits_);
    add_writer("first");
    add_writer("second");
    document_ = document_of_backup({"first", "second"});
    ASSERT_NE(document_, "");
    end_row();
  }

  void bring_restore_to(Requester& requester, const RestoreRow& row) {
    const std::string last = row.last;
    ASSERT_TRUE(requester.create_restore(document_));
    for (const char* method : {"GatherWriterMetadata", "PreRestore", "PostRestore"}) {
      if (last == "CreateRestore") return;
      const bool stops = last == method && *row.event != '\0';
      if (stops) {
        for (const auto& writer : writers_) writer->on(row.event, Reaction::block());
        running_ = requester.begin_at(requester.restore_path(), kRestoreInterface, method);
        ASSERT_TRUE(log_.wait_for(row.event, 2));
        return;
      }
      const Reply<> done = requester.restore(method);
      ASSERT_TRUE(done) << done.error().message;
      if (last == method) return;
      if (std::string(method) == "GatherWriterMetadata") select_all(requester);
    }
  }

  void select_all(Requester& requester) {
    for (const auto& writer : writers_) {
      ASSERT_TRUE(requester.restore("SetSelectedForRestore", class_id_of(writer->name()), std::string(),
                                    std::string(), std::string("data"), true, std::string()));
    }
  }

  void let_writers_go(const RestoreRow& row) {
    for (const auto& writer : writers_) {
      if (*row.event != '\0') writer->on(row.event, Reaction::ok());
      writer->unblock();
    }
    if (*row.told != '\0') {
      ASSERT_TRUE(log_.wait_for("RestoreShutdown", writers_.size()));
    }
  }

  std::string limits_;
  std::optional<PendingCall> running_;
  std::string document_;
};

TEST_P(RestoreCrash, OfTheRequester) {
  for (const RestoreRow& row : kRestoreCrashRows) {
    SCOPED_TRACE(row.source);
    SCOPED_TRACE(std::string(row.last) + " " + row.event);
    {
      Requester requester;
      bring_restore_to(requester, row);
    }  // its connection ends
    let_writers_go(row);
    EXPECT_TRUE(wait_for_no_session());
    for (const auto& writer : writers_) EXPECT_EQ(told(writer->name()), row.told);
    end_row();
  }
}

TEST_P(RestoreCrash, OfVssd) {
  for (const RestoreRow& row : kRestoreCrashRows) {
    SCOPED_TRACE(row.source);
    SCOPED_TRACE(std::string(row.last) + " " + row.event);
    Requester requester;
    bring_restore_to(requester, row);
    vssd().kill9();
    let_writers_go(row);
    for (const auto& writer : writers_) {
      EXPECT_TRUE(wait_until([&] { return !writer->is_registered(); }, std::chrono::seconds(10)));
      EXPECT_EQ(told(writer->name()), row.told);
    }
    vssd().restart();
    ASSERT_TRUE(wait_for_writers(2));
    end_row();
  }
}

// A writer that was started again has a new instance id: it gets nothing of the restore, and is missed.
TEST_P(RestoreCrash, OfAWriter) {
  SCOPED_TRACE("vss.md 1.5, a writer process restarted between PreRestore and PostRestore");
  Requester requester;
  bring_restore_to(requester, {"", "PreRestore", "", ""});
  writers_.front()->stop();
  ASSERT_TRUE(wait_for_writers(1));
  writers_.front() = std::make_unique<ScriptedWriter>(
      log_, "first", ScriptedWriter::Setup{.data = volume(), .face = GetParam()});
  writers_.front()->start();
  EXPECT_EQ(name_of(requester.restore("PostRestore")), "WriterNotResponding");
  EXPECT_TRUE(requester.restore("Release"));
  EXPECT_EQ(told("first"), "rE") << "the one that was stopped, by its own end";
  EXPECT_EQ(told("second"), "rRE");
}

VSS_ON_BOTH_FACES(RestoreCrash);

constexpr const char* kRestoreLimits = "[limits]\nrestore_ms = 1500\nbackup_shutdown_ms = 1500\n";

// A writer whose process ends, or hangs, in its handler. One that hangs is still there: the call succeeds and
// the status of the writer tells.
struct RestoreWriterRow {
  const char* source;
  const char* event;
  const char* how;    // as WriterProcess takes it
  const char* error;  // of the call that sends the event
  const char* state;  // of the writer after it; "" if nobody can ask any more
};
constexpr RestoreWriterRow kRestoreWriterRows[] = {
    {"vss.md 1.5 R6; 3.4, 3.5", "PreRestore", "exit", "WriterNotResponding", "failed-at-pre-restore"},
    {"vss.md 1.5 R6; 3.4, 3.5", "PreRestore", "stop", "", "failed-at-pre-restore"},
    {"vss.md 1.5 R9; 3.4, 3.5", "PostRestore", "exit", "WriterNotResponding", "failed-at-post-restore"},
    {"vss.md 1.5 R9; 3.4, 3.5", "PostRestore", "stop", "", "failed-at-post-restore"},
    {"vss.md 1.5 R10; 3.5", "RestoreShutdown", "exit", "", ""},
    {"vss.md 1.5 R10; 3.5", "RestoreShutdown", "stop", "", ""},
};

class RestoreWriterCrash : public RestoreCrash {
 protected:
  RestoreWriterCrash() { limits_ = kRestoreLimits; }

  // The call that sends the event; while the writer hangs in it, others are served.
  void send(Requester& requester, const std::string& method, const RestoreWriterRow& row,
            const WriterProcess& bad) {
    const bool here = method == row.event || (method == "Release" && *row.state == '\0');
    PendingCall call = requester.begin_at(requester.restore_path(), kRestoreInterface, method);
    if (here) {
      EXPECT_TRUE(bad.wait_for(std::string(row.event) + " ")) << bad.output();
      Requester other;
      EXPECT_NE(make_set_in("file-share-backup", other), "");
      EXPECT_EQ(name_of(other.backup("Release")), "");
    }
    // One that is gone stays so for the rest of the restore.
    const bool was_gone = row.event == std::string("PreRestore") && method == "PostRestore";
    EXPECT_EQ(name_of(call.result()), here || was_gone ? row.error : "") << method;
    if (here && *row.state != '\0') expect_failed(requester, row);
  }
  static void expect_failed(Requester& requester, const RestoreWriterRow& row) {
    const auto all = requester.restore<Dicts>("GatherWriterStatus");
    ASSERT_TRUE(all) << all.error().message;
    ASSERT_EQ(all->size(), 2U);
    for (const Dict& writer : *all) {
      const bool is_bad = get<std::string>(writer, "name") == "first";
      EXPECT_EQ(get<std::string>(writer, "failure"), is_bad ? "WriterNotResponding" : "");
      EXPECT_EQ(get<std::uint32_t>(writer, "failure_code"), is_bad ? 0x80042319U : 0U);
      EXPECT_EQ(get<std::string>(writer, "state"), is_bad ? row.state : "stable");
    }
  }
};

TEST_P(RestoreWriterCrash, FailsThatWriterOnlyAndTheOthersGoOn) {
  writers_.front()->stop();
  for (const RestoreWriterRow& row : kRestoreWriterRows) {
    SCOPED_TRACE(row.source);
    SCOPED_TRACE(std::string(row.event) + " " + row.how);
    ASSERT_TRUE(wait_for_writers(1));
    WriterProcess bad("first", {{row.event, row.how}}, std::chrono::minutes(1), GetParam());
    ASSERT_TRUE(wait_for_writers(2));
    Requester requester;
    ASSERT_TRUE(requester.create_restore(document_));
    ASSERT_TRUE(requester.restore("GatherWriterMetadata"));
    select_all(requester);
    const std::string session = get<std::string>(get<Dicts>(status(), "sessions").at(0), "session_id");
    for (const char* method : {"PreRestore", "PostRestore", "Release"}) send(requester, method, row, bad);
    EXPECT_TRUE(log_.wait_for("RestoreShutdown"));
    EXPECT_EQ(told("second"), "rRE") << "the others go on";
    EXPECT_TRUE(wait_for_silence("first", row.event, session));
    bad.signal(SIGCONT);
    if (row.how == std::string("stop")) {
      EXPECT_TRUE(bad.wait_for("RestoreShutdown ")) << "it hears of the end when it looks again";
    }
    bad.kill9();
    ASSERT_TRUE(wait_for_writers(1));
    expect_nothing_left();
    expect_next_backup_works();
    end_row();
  }
}

VSS_ON_BOTH_FACES(RestoreWriterCrash);

}  // namespace
}  // namespace vss::test
