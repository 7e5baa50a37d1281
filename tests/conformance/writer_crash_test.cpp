// SPDX-License-Identifier: LGPL-2.1-or-later
// A writer that dies, stops or answers late, in each event: vss.md 5.6, writer crash, and 5.1 for what
// follows.

#include <signal.h>

#include "tests/conformance/conformance_test.hpp"
#include "tests/conformance/failure_history.hpp"

namespace vss::test {
namespace {

using ::testing::ElementsAre;

constexpr const char* kWriterLimits = R"([limits]
identify_ms = 1500
prepare_for_backup_ms = 1500
prepare_for_snapshot_ms = 1500
freeze_default_ms = 10000
abort_ms = 1500
post_snapshot_ms = 1500
backup_complete_ms = 1500
backup_shutdown_ms = 1500
)";

struct WriterCrashRow {
  const char* source;
  const char* event;
  bool in_list;       // GatherWriterMetadata returns it
  const char* state;  // of the writer afterwards
  bool fails_strict;  // DoSnapshotSet under policy "strict"
};
constexpr WriterCrashRow kWriterCrashRows[] = {
    {"vss.md 5.8 G4", "Identify", false, "", false},
    {"vss.md 5.1, OnPrepareBackup; 5.6 writer crash", "PrepareForBackup", true, "failed-at-prepare-backup",
     false},
    {"vss.md 5.1, OnPrepareSnapshot; 5.6 writer crash", "PrepareForSnapshot", true,
     "failed-at-prepare-snapshot", false},
    {"vss.md 5.1 A2, OnFreeze time-out; 5.6 writer crash", "Freeze", true, "failed-at-freeze", true},
    {"vss.md 5.1 A2, OnThaw window exceeded; 5.6 writer crash", "Thaw", true, "failed-at-thaw", true},
    {"vss.md 5.1, OnPostSnapshot; 5.6 writer crash", "PostSnapshot", true, "failed-at-post-snapshot", false},
    {"vss.md 5.1, OnBackupComplete; 5.6 writer crash", "BackupComplete", true, "failed-at-backup-complete",
     false},
    {"vss.md 5.1, OnBackupShutdown; 5.6 writer crash", "BackupShutdown", true, "", false},
};

struct WriterCase {
  WriterCrashRow row;
  std::string how;  // as WriterProcess takes it
  bool lenient;
  Face face;
};

void PrintTo(const WriterCase& one, std::ostream* out) { *out << one.row.event << " " << one.how; }

std::vector<WriterCase> writer_cases() {
  std::vector<WriterCase> all;
  for (const WriterCrashRow& row : kWriterCrashRows) {
    // Late by the clock is the same for both faces; by dying, the faces take turns.
    for (const auto& [how, face] : {std::pair("stop", Face::C), std::pair("exit", Face::Cpp),
                                    std::pair("exit", Face::C), std::pair("delay:2500", Face::Cpp)}) {
      all.push_back({row, how, false, face});
      if (row.fails_strict) all.push_back({row, how, true, face});
    }
  }
  return all;
}

std::string name_of_writer_case(const ::testing::TestParamInfo<WriterCase>& info) {
  const std::string how = info.param.how.substr(0, info.param.how.find(':'));
  return std::string(info.param.row.event) + "_" + how + (info.param.lenient ? "_lenient_" : "_strict_") +
         name_of_face(info.param.face);
}

class WriterCrash : public ConformanceTest, public ::testing::WithParamInterface<WriterCase> {
 protected:
  bool fails() const { return GetParam().row.fails_strict && !GetParam().lenient; }

  void SetUp() override {
    faces_ = {GetParam().face};
    start(kWriterLimits);
    add_writer("healthy");
    // Its window is the shorter one: when it hangs, the healthy one still has time.
    bad_ = std::make_unique<WriterProcess>(
        "bad", std::map<std::string, std::string>{{GetParam().row.event, GetParam().how}},
        std::chrono::milliseconds(1500), GetParam().face);
  }

  // The status of the bad writer; empty if it is not in the list.
  Dict status_of_bad(Requester& requester) {
    const auto all = requester.backup<Dicts>("GatherWriterStatus");
    EXPECT_TRUE(all);
    for (const Dict& writer : *all) {
      if (get<std::string>(writer, "name") == "bad") return writer;
      EXPECT_EQ(get<std::string>(writer, "failure"), "") << "of the healthy writer";
    }
    return {};
  }

  // The failure that each way to fail has to be recorded as.
  void check_failure(const std::string& failure) const {
    const std::string& how = GetParam().how;
    const std::string event = GetParam().row.event;
    const bool timed = event == "Freeze" || event == "Thaw";
    if (how == "exit" || !timed) {
      EXPECT_EQ(failure, "WriterNotResponding");
    } else {
      EXPECT_EQ(failure, "WriterTimeout");
    }
  }

  // What the writer itself has seen, once it can look again. Of one that is gone nobody knows how it would go
  // on.
  void check_events_of_bad() {
    const std::string event = GetParam().row.event;
    bad_->signal(SIGCONT);
    if (GetParam().how == "exit") return;
    if (event != "Identify") {
      EXPECT_TRUE(bad_->wait_for("BackupShutdown")) << bad_->output();
    }
    std::vector<LoggedEvent> log;
    for (const std::string& name : bad_->events()) log.push_back({"bad", name, "", "", "", {}});
    EXPECT_THAT(broken_rules(log), ::testing::IsEmpty());
    const std::string heard = letters(bad_->events());
    if (event == "Freeze") {
      EXPECT_EQ(heard, "bsFAS");
    }
    if (event == "Thaw") {
      EXPECT_EQ(heard, "bsFTAS");
    }
  }

  std::unique_ptr<WriterProcess> bad_;
};

TEST_P(WriterCrash, HasTheEffectThatTheTableSays) {
  const WriterCrashRow& row = GetParam().row;
  SCOPED_TRACE(row.source);
  Requester requester;
  Requester::Plan way = plan();
  if (GetParam().lenient) way.options["policy"] = sdbus::Variant{std::string("lenient")};
  const Reply<> prepared = requester.run_until(way, "DoSnapshotSet");
  ASSERT_TRUE(prepared) << prepared.error().message;
  const auto metadata = requester.backup<Dicts>("GatherWriterStatus");
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->size(), row.in_list ? 2U : 1U);

  const auto made = requester.backup<Dict>("DoSnapshotSet");
  EXPECT_EQ(made.has_value(), !fails()) << (made ? "" : made.error().message);
  if (!made) {
    check_failure(made.error().name);
    EXPECT_THAT(made.error().message, ::testing::HasSubstr("bad"));
    EXPECT_EQ(provider_snapshots(), 0U);
    EXPECT_EQ(requester.state(), "failed");
    EXPECT_EQ(get<std::string>(status(), "lock_holder"), "");
  } else {
    EXPECT_EQ(provider_snapshots(), 1U);
    EXPECT_EQ(name_of(requester.backup("BackupComplete")), "");
  }
  const std::string state = row.state;
  const Dict bad = status_of_bad(requester);
  if (!state.empty()) {
    EXPECT_EQ(get<std::string>(bad, "state"), state);
    check_failure(get<std::string>(bad, "failure"));
    EXPECT_NE(get<std::string>(bad, "message"), "");
  }
  ASSERT_TRUE(requester.backup("AbortBackup"));
  ASSERT_TRUE(requester.backup("Release"));

  // The healthy one: the whole sequence, or exactly one Abort and nothing of the operation after it.
  ASSERT_TRUE(log_.wait_for("BackupShutdown"));
  if (!fails()) {
    EXPECT_THAT(log_.names(), ElementsAre("Identify", "PrepareForBackup", "PrepareForSnapshot", "Freeze",
                                          "Thaw", "PostSnapshot", "BackupComplete", "BackupShutdown"));
  } else if (std::string(row.event) == "Freeze") {
    // An Abort that comes before the handler of Freeze was called takes its place.
    std::vector<std::string> names = log_.names();
    std::erase(names, "Freeze");
    EXPECT_THAT(names,
                ElementsAre("Identify", "PrepareForBackup", "PrepareForSnapshot", "Abort", "BackupShutdown"));
  } else {
    EXPECT_THAT(log_.names(), ElementsAre("Identify", "PrepareForBackup", "PrepareForSnapshot", "Freeze",
                                          "Thaw", "Abort", "BackupShutdown"));
  }
  check_events_of_bad();
  expect_nothing_left();
  bad_.reset();
  ASSERT_TRUE(wait_until([&] { return requester.manager<Dicts>("ListWriters").value().size() == 1; },
                         std::chrono::seconds(10)));
  expect_next_backup_works();
}

INSTANTIATE_TEST_SUITE_P(Each, WriterCrash, ::testing::ValuesIn(writer_cases()), name_of_writer_case);

// The events that nobody waits for in the end: what the writer does there is nobody's failure but its own.
struct LastEventRow {
  const char* source;
  const char* event;
  const char* last;  // the requester's last call before Release
  const char* told;  // the healthy writer
};
constexpr LastEventRow kLastEventRows[] = {
    {"vss.md 5.1 A1; 5.6 writer crash", "Abort", "AbortBackup", "bAS"},
    {"vss.md 5.1 A3; 5.6 writer crash", "Abort", "DoSnapshotSet", "bsFAS"},
    {"vss.md 5.1, OnBackupShutdown; 5.6 writer crash", "BackupShutdown", "AbortBackup", "bAS"},
    {"vss.md 5.1, OnBackupShutdown; 5.6 writer crash", "BackupShutdown", "BackupComplete", "bsFTPCS"},
};

class WriterCrashAtTheEnd : public OnBothFaces {
 protected:
  void SetUp() override {
    start(kWriterLimits);
    add_writer("healthy");
  }

  void run(Requester& requester, const std::string& last) {
    ASSERT_EQ(name_of(requester.run_until(plan(), "DoSnapshotSet")), "");
    if (last == "AbortBackup") {
      EXPECT_EQ(name_of(requester.backup("AbortBackup")), "") << "the others are told, and that is all";
    } else if (last == "DoSnapshotSet") {
      script("commit fail 9 told to refuse\n");
      EXPECT_EQ(name_of(requester.backup("DoSnapshotSet")), "ProviderVeto") << "the cause, not the Abort";
      script("");
    } else {
      ASSERT_EQ(name_of(requester.backup("DoSnapshotSet")), "");
      EXPECT_EQ(name_of(requester.backup("BackupComplete")), "");
    }
  }
};

TEST_P(WriterCrashAtTheEnd, TheSessionEndsTheOthersAreToldAndNothingIsLeft) {
  for (const LastEventRow& row : kLastEventRows) {
    for (const char* how : {"exit", "stop"}) {
      SCOPED_TRACE(row.source);
      SCOPED_TRACE(std::string(how) + " in " + row.event + " after " + row.last);
      WriterProcess bad("bad", {{row.event, how}}, std::chrono::minutes(1), GetParam());
      ASSERT_TRUE(wait_for_writers(2));
      Requester requester;
      run(requester, row.last);
      const std::string session = requester.property("SessionId");
      EXPECT_EQ(name_of(requester.backup("Release")), "");
      ASSERT_TRUE(log_.wait_for("BackupShutdown"));
      EXPECT_EQ(told("healthy"), row.told);
      // Abort and BackupShutdown may both be under way when it ends, and the first that is lost is the news.
      const bool both = row.event == std::string("Abort");
      EXPECT_TRUE(wait_for_silence("bad", both ? "" : row.event, session));
      expect_nothing_left();
      bad.kill9();
      ASSERT_TRUE(wait_for_writers(1));
      end_row();
      expect_next_backup_works();
      end_row();
    }
  }
}

VSS_ON_BOTH_FACES(WriterCrashAtTheEnd);

}  // namespace
}  // namespace vss::test
