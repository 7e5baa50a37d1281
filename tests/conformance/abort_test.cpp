// SPDX-License-Identifier: LGPL-2.1-or-later
// The rows of abort_table.hpp.

#include "tests/conformance/abort_table.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;

// A hang is longer than the window of the writer that hangs; the others and vssd have time.
constexpr auto kWindow = std::chrono::milliseconds(kSanitized ? 4000 : 1500);
constexpr auto kHangTime = std::chrono::milliseconds(kSanitized ? 6000 : 2500);

class AbortRules : public OnBothFaces {
 protected:
  void SetUp() override {
    start();
    const auto add = [this](const char* name, vss_level level, std::chrono::milliseconds window) {
      ScriptedWriter::Setup setup;
      setup.level = level;
      setup.data = volume();
      setup.freeze_timeout = window;
      return &add_writer(name, setup);
    };
    add("front end", VSS_LEVEL_FRONT_END, std::chrono::minutes(1));
    failing_ = add("back end", VSS_LEVEL_BACK_END, std::chrono::minutes(1));
    add("system", VSS_LEVEL_SYSTEM, std::chrono::minutes(1));
  }

  // The one that fails, with a window that it can overrun.
  void set_window(std::chrono::milliseconds window) {
    if (window == window_) return;
    window_ = window;
    writers_[1]->stop();
    ASSERT_TRUE(wait_for_writers(2));
    ScriptedWriter::Setup setup;
    setup.level = VSS_LEVEL_BACK_END;
    setup.data = volume();
    setup.freeze_timeout = window;
    setup.face = GetParam();
    writers_[1] = std::make_unique<ScriptedWriter>(log_, "back end", setup);
    writers_[1]->start();
    failing_ = writers_[1].get();
  }

  Requester::Plan plan_under(bool lenient) const {
    Requester::Plan way = plan();
    if (lenient) way.options["policy"] = sdbus::Variant{std::string("lenient")};
    return way;
  }

  // DoSnapshotSet, what a requester does after it (5.2 Q4: AbortBackup whenever it has failed), and the end.
  void finish(Requester& requester, const Told& expected) {
    const Reply<> made = requester.backup("DoSnapshotSet");
    EXPECT_EQ(name_of(made), expected.error);
    EXPECT_EQ(name_of(requester.backup(made ? "BackupComplete" : "AbortBackup")), "");
    EXPECT_EQ(name_of(requester.backup("Release")), "");
  }

  void check(const Told& expected) {
    EXPECT_EQ(told("front end"), expected.front_end);
    EXPECT_EQ(told("back end"), expected.back_end);
    EXPECT_EQ(told("system"), expected.system);
    for (const LoggedEvent& event : log_.all()) {
      if (event.event == "Abort") {
        EXPECT_NE(event.reason, "") << event.writer;
      }
    }
    expect_nothing_left();
    end_row();
  }

  static Reaction reaction(How how) {
    switch (how) {
      case How::Veto:
        return Reaction::veto(VSS_E_WRITER_RETRYABLE, "told to refuse");
      case How::Report:
        return Reaction::fail(VSS_E_WRITER_RETRYABLE, "told to report");
      case How::Hang:
        return Reaction::after(kHangTime);
    }
    return {};
  }

  void run_writer_rows(bool lenient) {
    for (const WriterRow& row : kWriterRows) {
      SCOPED_TRACE(row.source);
      SCOPED_TRACE(row.event);
      set_window(row.how == How::Hang ? kWindow : std::chrono::minutes(1));
      failing_->on(row.event, reaction(row.how));
      Requester requester;
      const Reply<> prepared = requester.run_until(plan_under(lenient), "DoSnapshotSet");
      ASSERT_TRUE(prepared) << prepared.error().message;
      finish(requester, lenient ? row.lenient : row.strict);
      failing_->on(row.event, Reaction::ok());
      check(lenient ? row.lenient : row.strict);
    }
  }

  void run_provider_rows(bool lenient) {
    for (const ProviderRow& row : kProviderRows) {
      SCOPED_TRACE(row.source);
      script(row.script);
      Requester requester;
      const Reply<> prepared = requester.run_until(plan_under(lenient), "DoSnapshotSet");
      if (prepared) {
        finish(requester, row.told);
      } else {
        EXPECT_EQ(name_of(prepared), row.told.error);
        EXPECT_THAT(prepared.error().message, HasSubstr("AddToSnapshotSet"));
        EXPECT_EQ(name_of(requester.backup("Release")), "");
      }
      script("");
      check(row.told);
    }
  }

  ScriptedWriter* failing_ = nullptr;
  std::chrono::milliseconds window_ = std::chrono::minutes(1);
};

TEST_P(AbortRules, AWriterThatFailsUnderThePolicyStrict) { run_writer_rows(false); }
TEST_P(AbortRules, AWriterThatFailsUnderThePolicyLenient) { run_writer_rows(true); }
TEST_P(AbortRules, AProviderThatFailsUnderThePolicyStrict) { run_provider_rows(false); }
TEST_P(AbortRules, AProviderThatFailsUnderThePolicyLenient) { run_provider_rows(true); }

// 5.1 A2, the window is exceeded by others: neither handler of the writer hangs.
TEST_P(AbortRules, AWindowThatTheProviderOverrunsAbortsTheWriterByItself) {
  set_window(kWindow);
  const std::string slow = "pre_commit delay " + std::to_string(kHangTime.count()) + "\n";
  for (const bool lenient : {false, true}) {
    SCOPED_TRACE(lenient ? "vss.md 5.1 A2, lenient" : "vss.md 5.1 A2, strict");
    script(slow);
    Requester requester;
    ASSERT_TRUE(requester.run_until(plan_under(lenient), "DoSnapshotSet"));
    const Told expected =
        lenient ? Told{"", kWhole, "bsFAS", kWhole} : Told{"WriterTimeout", "bsFAS", "bsFAS", "bsFAS"};
    finish(requester, expected);
    script("");
    check(expected);
  }
}

TEST_P(AbortRules, TheRequesterAborts) {
  for (const RequesterRow& row : kRequesterRows) {
    SCOPED_TRACE(row.source);
    SCOPED_TRACE(std::string(row.moment.last) + " " + row.moment.event + row.moment.operation);
    Requester requester;
    std::optional<PendingCall> running = bring_to(requester, row.moment, plan(), "back end");
    PendingCall aborting = requester.begin("AbortBackup");
    // Calls are taken in turn: once this one is answered, the abort has begun.
    EXPECT_EQ(name_of(requester.backup("GatherWriterStatus")), "");
    let_go();
    EXPECT_EQ(running ? name_of(running->result()) : "", row.told.error);
    EXPECT_EQ(name_of(aborting.result()), "");
    ASSERT_TRUE(wait_for_idle_providers());
    EXPECT_EQ(name_of(requester.backup("AbortBackup")), "") << "5.3 W3: it is not repeated to the writers";
    EXPECT_EQ(name_of(requester.backup("Release")), "");
    check(row.told);
  }
}

// 5.1, OnAbort false: recorded, and nothing comes of it.
TEST_P(AbortRules, AnAbortThatFailsKeepsTheFailureBefore) {
  SCOPED_TRACE("vss.md 5.1, OnAbort false");
  failing_->on("Freeze", Reaction::veto(VSS_E_WRITER_RETRYABLE, "first"));
  failing_->on("Abort", Reaction::veto(VSS_E_WRITER_OUT_OF_RESOURCES, "second"));
  Requester requester;
  ASSERT_TRUE(requester.run_until(plan(), "DoSnapshotSet"));
  EXPECT_EQ(name_of(requester.backup("DoSnapshotSet")), "WriterRetryable");
  EXPECT_EQ(name_of(requester.backup("AbortBackup")), "");
  ASSERT_TRUE(log_.wait_for("Abort", 3));
  const Dict status = status_of(requester, "back end");
  EXPECT_EQ(get<std::string>(status, "state"), "failed-at-freeze");
  EXPECT_EQ(get<std::string>(status, "message"), "first");
  EXPECT_EQ(name_of(requester.backup("Release")), "");
  check({"", "bsFAS", "bsFAS", "bsAS"});
}

// seed 2: aborts are not supported in a restore. A writer that fails in it is told of the end, and so are the
// others.
TEST_P(AbortRules, ARestoreHasNoAbort) {
  const std::string document = document_of_backup({"front end", "back end", "system"});
  ASSERT_NE(document, "");
  end_row();
  for (const char* event : {"PreRestore", "PostRestore", "RestoreShutdown"}) {
    for (const How how : {How::Veto, How::Report}) {
      SCOPED_TRACE("vss.md 1.5, aborts are not supported for restores");
      SCOPED_TRACE(event);
      failing_->on(event, reaction(how));
      Requester requester;
      ASSERT_TRUE(requester.create_restore(document));
      ASSERT_TRUE(requester.restore("GatherWriterMetadata"));
      for (const auto& writer : writers_) {
        ASSERT_TRUE(requester.restore("SetSelectedForRestore", class_id_of(writer->name()), std::string(),
                                      std::string(), std::string("data"), true, std::string()));
      }
      EXPECT_EQ(name_of(requester.restore("PreRestore")), "");
      EXPECT_EQ(name_of(requester.restore("PostRestore")), "");
      EXPECT_EQ(name_of(requester.restore("Release")), "");
      failing_->on(event, Reaction::ok());
      check({"", "rRE", "rRE", "rRE"});
    }
  }
}

VSS_ON_BOTH_FACES(AbortRules);

}  // namespace
}  // namespace vss::test
