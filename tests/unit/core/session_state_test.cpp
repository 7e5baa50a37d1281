// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/session_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace vss::core {
namespace {

using testing::HasSubstr;

template <typename Visit>
void for_each_cell(Visit visit) {
  for (std::size_t call = 0; call < kCalls; ++call) {
    for (std::size_t state = 0; state < kSessionStates; ++state) {
      for (const Context context : {Context::Backup, Context::FileShareBackup}) {
        visit(static_cast<Call>(call), static_cast<SessionState>(state), context);
      }
    }
  }
}

TEST(LegalityTable, EveryNameIsThereAndDistinct) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kCalls; ++i) EXPECT_TRUE(names.insert(to_string(static_cast<Call>(i))).second);
  for (std::size_t i = 0; i < kSessionStates; ++i) {
    EXPECT_TRUE(names.insert(to_string(static_cast<SessionState>(i))).second);
  }
  EXPECT_FALSE(names.contains(""));
}

TEST(LegalityTable, WhileALongCallRunsOnlyStatusCancelAbortAndReleaseAreLegal) {
  for_each_cell([](Call call, SessionState state, Context context) {
    if (!is_busy(state)) return;
    const bool expected = call == Call::GatherWriterStatus || call == Call::Cancel ||
                          call == Call::AbortBackup || call == Call::Release;
    EXPECT_EQ(verdict(call, state, context) == Verdict::Legal, expected)
        << to_string(call) << to_string(state);
  });
}

TEST(LegalityTable, NothingButRepeatedEndingsIsAcceptedAfterRelease) {
  for_each_cell([](Call call, SessionState state, Context context) {
    if (state != SessionState::Released) return;
    const bool ending = call == Call::Cancel || call == Call::AbortBackup || call == Call::Release;
    EXPECT_EQ(verdict(call, state, context), ending ? Verdict::Ignored : Verdict::BadState)
        << to_string(call);
  });
}

TEST(LegalityTable, ContextsWithoutWritersHaveNoWriterCalls) {
  for (const Call call :
       {Call::AddComponent, Call::PrepareForBackup, Call::BackupComplete, Call::SetBackupSucceeded}) {
    for (std::size_t i = 0; i < kSessionStates; ++i) {
      const auto state = static_cast<SessionState>(i);
      EXPECT_EQ(verdict(call, state, Context::NasRollback), Verdict::BadState);
    }
    EXPECT_THAT(explain_bad_state(call, SessionState::SetFilled, Context::NasRollback),
                HasSubstr("no writers"));
  }
}

TEST(LegalityTable, AnErrorNamesTheMissingCall) {
  struct Row {
    Call call;
    SessionState state;
    Context context;
    std::string names;
  };
  const Row rows[] = {
      {Call::AddComponent, SessionState::Initialized, Context::Backup, "GatherWriterMetadata"},
      {Call::AddToSnapshotSet, SessionState::Gathered, Context::Backup, "StartSnapshotSet"},
      {Call::PrepareForBackup, SessionState::Initialized, Context::Backup, "GatherWriterMetadata"},
      {Call::DoSnapshotSet, SessionState::SetFilled, Context::Backup, "PrepareForBackup"},
      {Call::DoSnapshotSet, SessionState::SetStarted, Context::NasRollback, "AddToSnapshotSet"},
      {Call::DoSnapshotSet, SessionState::Initialized, Context::NasRollback, "StartSnapshotSet"},
      {Call::BackupComplete, SessionState::SetFilled, Context::Backup, "PrepareForBackup"},
      {Call::SetBackupSucceeded, SessionState::Gathered, Context::Backup, "StartSnapshotSet"},
      {Call::SaveDocument, SessionState::SetFilled, Context::Backup, "PrepareForBackup"},
      {Call::SetContext, SessionState::Gathered, Context::Backup, "too late"},
      {Call::AddToSnapshotSet, SessionState::Snapped, Context::Backup, "too late"},
      {Call::StartSnapshotSet, SessionState::Starting, Context::Backup, "still running"},
  };
  for (const Row& row : rows) {
    ASSERT_EQ(verdict(row.call, row.state, row.context), Verdict::BadState) << to_string(row.call);
    EXPECT_THAT(explain_bad_state(row.call, row.state, row.context), HasSubstr(row.names));
  }
}

// vss.md 1.6, cell by cell, for the states that its columns name. PrepareForBackup when gathered,
// BackupComplete and SetBackupSucceeded when prepared are for a backup that needs no snapshot.
TEST(LegalityTable, AgreesWithTheMatrixOfVss) {
  using enum SessionState;
  struct Row {
    Call call;
    std::string_view cells;  // initialized gathered set-started set-filled prepared snapped completed aborted
  };
  constexpr SessionState kColumns[] = {Initialized, Gathered, SetStarted, SetFilled,
                                       Prepared,    Snapped,  Completed,  Aborted};
  const Row rows[] = {
      {Call::SetContext, "o-------"},          {Call::SetBackupState, "oooo----"},
      {Call::EnableWriterClasses, "oiii----"}, {Call::GatherWriterMetadata, "o-------"},
      {Call::AddComponent, "-o------"},        {Call::StartSnapshotSet, "oo------"},
      {Call::AddToSnapshotSet, "--ooo---"},    {Call::PrepareForBackup, "-ooo----"},
      {Call::DoSnapshotSet, "----o---"},       {Call::BackupComplete, "----oo-i"},
      {Call::AbortBackup, "iiooooii"},         {Call::GatherWriterStatus, "oooooooo"},
      {Call::SetBackupOptions, "-ooo----"},    {Call::SetPreviousBackupStamp, "-ooo----"},
      {Call::SetBackupSucceeded, "----oo--"},  {Call::GetWriterComponents, "-ooooooo"},
  };
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < std::size(kColumns); ++i) {
      const Verdict expected = row.cells[i] == 'o'   ? Verdict::Legal
                               : row.cells[i] == 'i' ? Verdict::Ignored
                                                     : Verdict::BadState;
      EXPECT_EQ(verdict(row.call, kColumns[i], Context::Backup), expected)
          << to_string(row.call) << " in " << to_string(kColumns[i]);
    }
  }
}

}  // namespace
}  // namespace vss::core
