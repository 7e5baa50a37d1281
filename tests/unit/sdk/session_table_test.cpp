// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/session_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace vss {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr auto kSessionLimit = 60s;
const TimePoint kStart{1000s};
const std::string kSetId = "11111111-0000-4000-8000-000000000001";

// Every event there is, in the order of a good operation up to each phase.
const std::vector<Event> kGoodOrder = {Event::PrepareForBackup, Event::PrepareForSnapshot,
                                       Event::Freeze,           Event::Thaw,
                                       Event::PostSnapshot,     Event::BackupComplete};
const std::vector<Event> kAllEvents = [] {
  std::vector<Event> events;
  for (std::size_t i = 0; i < kEventCount; ++i) events.push_back(static_cast<Event>(i));
  return events;
}();
const std::vector<Event> kRestoreOrder = {Event::PreRestore, Event::PostRestore, Event::RestoreShutdown};

SessionTable::Arrival arrive(SessionTable& table, Event event, TimePoint now = kStart, EventArgs args = {},
                             const std::string& session = "s") {
  return table.arrive(event, session, kSetId, std::move(args), now, kSessionLimit);
}

// A table with one session that has seen the first `events` of the good order.
SessionTable after(std::size_t events) {
  SessionTable table;
  for (std::size_t i = 0; i < events; ++i) {
    EXPECT_EQ(arrive(table, kGoodOrder[i]).verdict, Verdict::Run);
  }
  return table;
}

TEST(SessionTable, TheGoodOrderRunsAndNothingElseDoesOutOfTurn) {
  for (std::size_t phase = 0; phase <= kGoodOrder.size(); ++phase) {
    for (const Event event : kAllEvents) {
      // Abort and the end of the session have tests of their own.
      if (phase > 0 && (event == Event::Abort || event == Event::BackupShutdown)) continue;
      SessionTable table = after(phase);
      // A backup that needs no snapshot goes from PrepareForBackup to BackupComplete.
      const bool due = (phase < kGoodOrder.size() && kGoodOrder[phase] == event) ||
                       (phase == 0 && event == Event::PreRestore) ||
                       (phase == 1 && event == Event::BackupComplete);
      const auto arrival = arrive(table, event);
      EXPECT_EQ(arrival.verdict, due ? Verdict::Run : Verdict::Wrong) << phase << to_string(event);
      if (due) continue;
      EXPECT_EQ(arrival.refusal.code, phase == 0 ? ErrorCode::ObjectNotFound : ErrorCode::BadState);
    }
  }
}

TEST(SessionTable, AbortRunsUntilPostSnapshotAndIsIgnoredAfterwards) {
  for (std::size_t phase = 1; phase <= kGoodOrder.size(); ++phase) {
    SessionTable table = after(phase);
    EXPECT_EQ(arrive(table, Event::Abort).verdict, phase < 5 ? Verdict::Run : Verdict::Ignore) << phase;
    EXPECT_EQ(arrive(table, Event::Abort).verdict, Verdict::Ignore) << phase;
  }
}

TEST(SessionTable, AfterAbortOnlyBackupShutdownRuns) {
  for (const Event event : kAllEvents) {
    SessionTable table = after(3);
    EXPECT_EQ(arrive(table, Event::Abort).verdict, Verdict::Run);
    EXPECT_EQ(arrive(table, event).verdict == Verdict::Run, event == Event::BackupShutdown)
        << to_string(event);
  }
}

TEST(SessionTable, BackupShutdownEndsTheSessionInEveryPhase) {
  for (std::size_t phase = 1; phase <= kGoodOrder.size(); ++phase) {
    SessionTable table = after(phase);
    const auto arrival = arrive(table, Event::BackupShutdown);
    EXPECT_EQ(arrival.verdict, Verdict::Run);
    EXPECT_EQ(arrival.abort_first, phase == 3) << "only a frozen writer is aborted first";
    EXPECT_EQ(arrival.session.set, kSetId);
    EXPECT_TRUE(table.empty());
    EXPECT_EQ(arrive(table, Event::BackupShutdown).verdict, Verdict::Wrong);
  }
}

TEST(SessionTable, TheShorterOfWindowAndOwnLimitEndsTheFreeze) {
  struct Row {
    std::optional<std::uint32_t> window_ms;
    std::chrono::milliseconds deadline;
  };
  for (const Row& row : {Row{std::nullopt, 60s}, Row{10000, 10s}, Row{600000, 60s}, Row{0, 0s}}) {
    SessionTable table = after(2);
    EventArgs args;
    args.window_ms = row.window_ms;
    (void)arrive(table, Event::Freeze, kStart, args);
    EXPECT_EQ(table.next_deadline(), kStart + row.deadline);
  }
}

TEST(SessionTable, ExpiryAbortsOnceAndMakesThawLate) {
  SessionTable table = after(3);
  EXPECT_TRUE(table.expire(kStart + kSessionLimit - 1ms).empty());
  EXPECT_EQ(table.expire(kStart + kSessionLimit).size(), 1U);
  EXPECT_TRUE(table.expire(kStart + kSessionLimit).empty());
  EXPECT_EQ(table.next_deadline(), std::nullopt);
  const auto thaw = arrive(table, Event::Thaw);
  EXPECT_EQ(thaw.verdict, Verdict::Late);
  EXPECT_EQ(thaw.refusal.code, ErrorCode::WriterTimeout);
  EXPECT_EQ(thaw.refusal.kind, Answer::Kind::Veto);
  ASSERT_TRUE(table.aborted_meanwhile("s"));
  EXPECT_EQ(arrive(table, Event::Abort).verdict, Verdict::Ignore);
}

TEST(SessionTable, ThawDisarmsTheTimer) {
  SessionTable table = after(4);
  EXPECT_EQ(table.next_deadline(), std::nullopt);
  EXPECT_TRUE(table.expire(kStart + 2 * kSessionLimit).empty());
  EXPECT_FALSE(table.aborted_meanwhile("s"));
}

TEST(SessionTable, TheEndOfVssdAbortsWhatIsBetweenPrepareForBackupAndPostSnapshot) {
  for (std::size_t phase = 1; phase <= kGoodOrder.size(); ++phase) {
    SessionTable table = after(phase);
    const auto ended = table.end_all("gone");
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].phase == Phase::Aborted, phase < 5) << phase;
    EXPECT_EQ(ended[0].set, kSetId);
    EXPECT_TRUE(ended[0].given_up->load());
    EXPECT_TRUE(table.empty());
  }
  SessionTable aborted = after(3);
  (void)arrive(aborted, Event::Abort);
  EXPECT_NE(aborted.end_all("gone").at(0).phase, Phase::Aborted) << "Abort is not repeated";
}

// Whatever follows a Freeze, in every order: exactly one of Thaw and Abort runs.
TEST(SessionTable, ExactlyOneOfThawAndAbortFollowsAFreezeInEveryOrder) {
  enum Cause { ThawComes, AbortComes, TimePasses, VssdEnds, ShutdownComes };
  std::vector<int> order = {ThawComes, AbortComes, TimePasses, VssdEnds, ShutdownComes};
  do {
    SessionTable table = after(3);
    int ends = 0;
    for (const int cause : order) {
      if (cause == ThawComes) ends += arrive(table, Event::Thaw).verdict == Verdict::Run ? 1 : 0;
      // An Abort after a Thaw is legal, the set has failed; it is no second end of the freeze.
      const bool still_frozen = ends == 0;
      if (cause == AbortComes)
        ends += arrive(table, Event::Abort).verdict == Verdict::Run && still_frozen ? 1 : 0;
      if (cause == TimePasses) ends += static_cast<int>(table.expire(kStart + kSessionLimit).size());
      if (cause == ShutdownComes) ends += arrive(table, Event::BackupShutdown).abort_first ? 1 : 0;
      if (cause == VssdEnds) {
        for (const auto& session : table.end_all("gone")) {
          ends += session.phase == Phase::Aborted && still_frozen ? 1 : 0;
        }
      }
    }
    EXPECT_EQ(ends, 1) << testing::PrintToString(order);
  } while (std::ranges::next_permutation(order).found);
}

TEST(SessionTable, SessionsDoNotTouchEachOther) {
  SessionTable table = after(3);
  for (const Event event : {Event::PrepareForBackup, Event::PrepareForSnapshot, Event::Freeze}) {
    EXPECT_EQ(arrive(table, event, kStart + 1s, {}, "other").verdict, Verdict::Run);
  }
  EXPECT_EQ(arrive(table, Event::Abort, kStart + 1s, {}, "s").verdict, Verdict::Run);
  EXPECT_EQ(table.next_deadline(), kStart + 1s + kSessionLimit);
  EXPECT_EQ(arrive(table, Event::Thaw, kStart + 1s, {}, "other").verdict, Verdict::Run);
}

TEST(SessionTable, WhatIsNotSentAnewIsRemembered) {
  SessionTable table;
  EventArgs first;
  first.volumes = {{"/srv"}};
  first.backup_type = "full";
  (void)arrive(table, Event::PrepareForBackup, kStart, first);
  EventArgs second;
  second.volumes = {{"/srv", "/home"}};
  (void)arrive(table, Event::PrepareForSnapshot, kStart, second);
  const auto freeze = arrive(table, Event::Freeze);
  EXPECT_THAT(*freeze.session.known.volumes, ElementsAre("/srv", "/home"));
  EXPECT_EQ(*freeze.session.known.backup_type, "full");
}

TEST(SessionTable, ASessionInWhichNothingIsSelectedIsNotKept) {
  SessionTable table;
  EventArgs args;
  args.select_components = true;
  args.components = std::make_shared<const doc::Components>();
  EXPECT_EQ(arrive(table, Event::PrepareForBackup, kStart, args).verdict, Verdict::Run);
  EXPECT_TRUE(table.empty());
}

TEST(SessionTable, ARestoreHasItsOwnOrderAndNoAbort) {
  for (std::size_t phase = 1; phase <= 2; ++phase) {
    for (const Event event : kAllEvents) {
      SessionTable table;
      for (std::size_t i = 0; i < phase; ++i) {
        ASSERT_EQ(arrive(table, kRestoreOrder[i]).verdict, Verdict::Run);
      }
      const bool due = event == kRestoreOrder[phase] || event == Event::RestoreShutdown;
      const auto arrival = arrive(table, event);
      EXPECT_EQ(arrival.verdict, due ? Verdict::Run : Verdict::Wrong) << phase << to_string(event);
      EXPECT_EQ(arrival.abort_first, false);
      EXPECT_EQ(arrival.refusal.code, due ? Answer().code : ErrorCode::BadState);
      EXPECT_EQ(table.empty(), event == Event::RestoreShutdown) << phase << to_string(event);
    }
  }
}

TEST(SessionTable, WithoutPreRestoreThereIsNoRestore) {
  for (const Event event : {Event::PostRestore, Event::RestoreShutdown}) {
    SessionTable table;
    const auto arrival = arrive(table, event);
    EXPECT_EQ(arrival.verdict, Verdict::Wrong);
    EXPECT_EQ(arrival.refusal.code, ErrorCode::ObjectNotFound);
    EXPECT_TRUE(table.empty());
  }
}

TEST(SessionTable, TheEndOfVssdEndsARestoreWithoutAbort) {
  for (std::size_t phase = 1; phase <= 2; ++phase) {
    SessionTable table;
    for (std::size_t i = 0; i < phase; ++i) (void)arrive(table, kRestoreOrder[i]);
    const auto ended = table.end_all("gone");
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].phase, Phase::None);
    EXPECT_EQ(ended[0].shutdown, Event::RestoreShutdown);
    EXPECT_TRUE(ended[0].given_up->load());
  }
}

TEST(SessionTable, WhatAHandlerHasSetIsKnownUntilVssdSaysItAnew) {
  SessionTable table;
  const auto components = [](const std::string& name) {
    doc::Components list(1);
    list[0].id.name = name;
    return std::make_shared<const doc::Components>(std::move(list));
  };
  EventArgs args;
  args.components = components("sent");
  (void)arrive(table, Event::PrepareForBackup, kStart, args);
  table.remember("s", args.components, components("set"));
  table.remember("no such session", args.components, components("set"));
  EXPECT_EQ(arrive(table, Event::PrepareForSnapshot).session.known.components->at(0).id.name, "set");
  EXPECT_EQ(arrive(table, Event::Freeze, kStart, args).session.known.components->at(0).id.name, "sent");
  table.remember("s", components("an older one"), components("late"));
  EXPECT_EQ(arrive(table, Event::Thaw).session.known.components->at(0).id.name, "sent");
}

}  // namespace
}  // namespace vss
