// SPDX-License-Identifier: LGPL-2.1-or-later
// A writer that refuses, hangs, exits or answers late, in each event: the rows of vss.md 5.1.

#include <signal.h>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::ElementsAre;

constexpr const char* kConfig = R"([limits]
identify_ms = 1500
prepare_for_backup_ms = 1500
prepare_for_snapshot_ms = 1500
freeze_default_ms = 10000
abort_ms = 1500
post_snapshot_ms = 1500
backup_complete_ms = 1500
backup_shutdown_ms = 1500
)";

struct Row {
  const char* event;
  bool in_list;       // GatherWriterMetadata returns it
  const char* state;  // of the writer afterwards
  bool fails_strict;  // DoSnapshotSet under policy "strict"
};
constexpr Row kRows[] = {
    {"Identify", false, "", false},
    {"PrepareForBackup", true, "failed-at-prepare-backup", false},
    {"PrepareForSnapshot", true, "failed-at-prepare-snapshot", false},
    {"Freeze", true, "failed-at-freeze", true},
    {"Thaw", true, "failed-at-thaw", true},
    {"PostSnapshot", true, "failed-at-post-snapshot", false},
    {"BackupComplete", true, "failed-at-backup-complete", false},
    {"BackupShutdown", true, "", false},
};

struct Case {
  Row row;
  std::string how;  // as WriterProcess takes it
  bool lenient;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.row.event << " " << one.how; }

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Row& row : kRows) {
    for (const char* how : {"veto", "stop", "exit", "delay:2500"}) {
      all.push_back({row, how, false});
      if (row.fails_strict) all.push_back({row, how, true});
    }
  }
  return all;
}

std::string name_of_case(const ::testing::TestParamInfo<Case>& info) {
  const std::string how = info.param.how.substr(0, info.param.how.find(':'));
  return std::string(info.param.row.event) + "_" + how + (info.param.lenient ? "_lenient" : "_strict");
}

class WriterFailure : public DaemonTest, public ::testing::WithParamInterface<Case> {
 protected:
  bool fails() const { return GetParam().row.fails_strict && !GetParam().lenient; }

  void SetUp() override {
    start(kConfig);
    add_writer("healthy");
    // Its window is the shorter one: when it hangs, the healthy one still has time.
    bad_ = std::make_unique<WriterProcess>(
        "bad", std::map<std::string, std::string>{{GetParam().row.event, GetParam().how}},
        std::chrono::milliseconds(1500));
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
    if (how == "veto") {
      EXPECT_EQ(failure, "WriterRetryable");
    } else if (how == "exit" || !timed) {
      EXPECT_EQ(failure, "WriterNotResponding");
    } else {
      EXPECT_EQ(failure, "WriterTimeout");
    }
  }

  // What the writer itself has seen, once it can look again: each event at most once, none out of order.
  void check_events_of_bad() {
    const std::string event = GetParam().row.event;
    bad_->signal(SIGCONT);
    if (GetParam().how != "exit" && event != "Identify") {
      EXPECT_TRUE(bad_->wait_for("BackupShutdown")) << bad_->output();
    }
    static const std::vector<std::string> kOrder{
        "Identify",      "PrepareForBackup", "PrepareForSnapshot", "Freeze",
        "Thaw",          "PostSnapshot",     "BackupComplete",     "Abort",
        "BackupShutdown"};
    std::size_t last = 0;
    for (const std::string& name : bad_->events()) {
      const auto place =
          static_cast<std::size_t>(std::find(kOrder.begin(), kOrder.end(), name) - kOrder.begin()) + 1;
      EXPECT_GT(place, last) << name << "\n" << bad_->output();
      last = place;
    }
    const auto count = [&](const char* name) {
      const auto events = bad_->events();
      return std::count(events.begin(), events.end(), name);
    };
    if (event == "Freeze" && GetParam().how != "exit") {
      EXPECT_EQ(count("Thaw"), 0);
      EXPECT_EQ(count("Abort"), 1) << bad_->output();
    }
    if (event == "PrepareForBackup" || event == "PrepareForSnapshot") {
      EXPECT_EQ(count("Freeze"), 0);
    }
  }

  std::unique_ptr<WriterProcess> bad_;
};

TEST_P(WriterFailure, HasTheEffectThatTheTableSays) {
  const Row& row = GetParam().row;
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

INSTANTIATE_TEST_SUITE_P(Each, WriterFailure, ::testing::ValuesIn(cases()), name_of_case);

class WriterReport : public DaemonTest {};

// A failure without a veto is noted, and the sequence goes on.
TEST_F(WriterReport, AFailureWithoutVetoStopsNothing) {
  start();
  ScriptedWriter& writer = add_writer("writer");
  for (const char* event : {"PrepareForBackup", "PrepareForSnapshot", "Freeze", "Thaw", "PostSnapshot"}) {
    SCOPED_TRACE(event);
    writer.on(event, Reaction::fail(VSS_E_WRITER_OUT_OF_RESOURCES, std::string("no room in ") + event));
    Requester requester;
    const Reply<> made = requester.run_until(plan());
    ASSERT_TRUE(made) << made.error().message;
    const auto states = requester.backup<Dicts>("GatherWriterStatus");
    ASSERT_TRUE(states);
    EXPECT_EQ(get<std::string>(states->front(), "failure"), "WriterOutOfResources");
    EXPECT_EQ(get<std::uint32_t>(states->front(), "failure_code"), 0x800423F1U);
    EXPECT_EQ(get<std::string>(states->front(), "message"), std::string("no room in ") + event);
    EXPECT_EQ(name_of(requester.backup("BackupComplete")), "");
    EXPECT_EQ(name_of(requester.backup("Release")), "");
    writer.on(event, Reaction::ok());
  }
  EXPECT_EQ(log_.count("Abort"), 0U);
  EXPECT_EQ(log_.count("BackupComplete"), 5U);
  expect_nothing_left();
}

// States are of one session: vss.md 5.8.
TEST_F(WriterReport, AFailureInOneSessionSaysNothingInAnother) {
  start();
  ScriptedWriter& writer = add_writer("writer");
  writer.on("PrepareForBackup", Reaction::veto(VSS_E_WRITER_NON_RETRYABLE, "not now"));
  Requester first;
  ASSERT_TRUE(first.run_until(plan(), "DoSnapshotSet"));
  writer.on("PrepareForBackup", Reaction::ok());
  ASSERT_TRUE(first.backup("Release"));
  Requester second;
  ASSERT_TRUE(second.run_until(plan(), "DoSnapshotSet"));
  const auto states = second.backup<Dicts>("GatherWriterStatus");
  ASSERT_TRUE(states);
  EXPECT_EQ(get<std::string>(states->front(), "failure"), "");
  const auto writers = second.manager<Dicts>("ListWriters");
  ASSERT_TRUE(writers);
  EXPECT_THAT(get<std::string>(writers->front(), "last_failure"), ::testing::HasSubstr("not now"));
  EXPECT_EQ(get<std::string>(writers->front(), "last_failure_event"), "PrepareForBackup");
}

// The window from Freeze to Thaw is the writer's own: it aborts by itself, and the set is not valid.
TEST_F(WriterReport, AFreezeLongerThanTheWriterAllowsFailsTheSet) {
  start();
  ScriptedWriter::Setup setup;
  setup.freeze_timeout = std::chrono::milliseconds(700);
  ScriptedWriter writer(log_, "impatient", setup);
  writer.start();
  script("pre_commit delay 2000\n");
  Requester requester;
  ASSERT_TRUE(requester.run_until(plan(), "DoSnapshotSet"));
  EXPECT_EQ(name_of(requester.backup("DoSnapshotSet")), "WriterTimeout");
  EXPECT_TRUE(log_.wait_for("Abort"));
  EXPECT_EQ(log_.count("Thaw"), 0U);
  ASSERT_TRUE(requester.backup("Release"));
  EXPECT_EQ(log_.count("Abort"), 1U);
  expect_nothing_left();
}

}  // namespace
}  // namespace vss::test
