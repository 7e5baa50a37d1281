// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The states of a Backup object and which call is legal in which: vss.md 1.6 as a table that a test walks.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/core/context.hpp"

namespace vss::core {

// States in ...ing are those of a long call that runs.
enum class SessionState : std::uint8_t {
  Initialized,
  Gathering,
  Gathered,
  Starting,
  SetStarted,
  SetFilled,
  Preparing,
  Prepared,
  Snapping,
  Snapped,
  Completing,
  Completed,
  Aborting,
  Aborted,
  Failed,
  Released,
};
inline constexpr std::size_t kSessionStates = 16;

enum class Call : std::uint8_t {
  SetContext,
  SetBackupState,
  EnableWriterClasses,
  DisableWriterClasses,
  DisableWriterInstances,
  GatherWriterMetadata,
  AddComponent,
  GetWriterComponents,
  SetBackupOptions,
  SetPreviousBackupStamp,
  StartSnapshotSet,
  AddToSnapshotSet,
  PrepareForBackup,
  DoSnapshotSet,
  GatherWriterStatus,
  GetSnapshotProperties,
  SetBackupSucceeded,
  BackupComplete,
  AbortBackup,
  DeleteSnapshots,
  SaveDocument,
  Cancel,
  Release,
};
inline constexpr std::size_t kCalls = 23;

enum class Verdict : std::uint8_t { Legal, Ignored, BadState };

// clang-format off
// One row per call, one column per state: o legal, i ignored with success, - BadState. A backup that needs no snapshot
// skips StartSnapshotSet to DoSnapshotSet; which of its calls are legal then is in BackupSession.
//   columns: Initialized Gathering Gathered Starting SetStarted SetFilled Preparing Prepared
//            Snapping Snapped Completing Completed Aborting Aborted Failed Released
struct LegalRow { Call call; std::string_view writers; std::string_view no_writers; };
inline constexpr std::array<LegalRow, kCalls> kLegal{{
  //                             with writers        NO_WRITERS contexts
  {Call::SetContext,             "o---------------", "o---------------"},
  {Call::SetBackupState,         "o-o-oo----------", "o-o-oo----------"},
  {Call::EnableWriterClasses,    "o-i-ii----------", "o-i-ii----------"},
  {Call::DisableWriterClasses,   "o-i-ii----------", "o-i-ii----------"},
  {Call::DisableWriterInstances, "o-i-ii----------", "o-i-ii----------"},
  {Call::GatherWriterMetadata,   "o---------------", "o---------------"},
  {Call::AddComponent,           "--o-------------", "----------------"},
  {Call::GetWriterComponents,    "--o-oo-o-o-o-oo-", "----------------"},
  {Call::SetBackupOptions,       "--o-oo----------", "----------------"},
  {Call::SetPreviousBackupStamp, "--o-oo----------", "----------------"},
  {Call::StartSnapshotSet,       "o-o-------------", "o-o-------------"},
  {Call::AddToSnapshotSet,       "----oo-o--------", "----oo----------"},
  {Call::PrepareForBackup,       "--o-oo----------", "----------------"},
  {Call::DoSnapshotSet,          "-------o--------", "-----o----------"},
  {Call::GatherWriterStatus,     "ooooooooooooooo-", "ooooooooooooooo-"},
  {Call::GetSnapshotProperties,  "---------o-o-o--", "---------o---o--"},
  {Call::SetBackupSucceeded,     "-------o-o------", "----------------"},
  {Call::BackupComplete,         "-------o-o---i--", "----------------"},
  {Call::AbortBackup,            "ioiooooooooioioi", "iooooooooooioioi"},
  {Call::DeleteSnapshots,        "o-o-oo-o-o-o-oo-", "o-o-oo---o---oo-"},
  {Call::SaveDocument,           "-------o-o-o-oo-", "---------o---oo-"},
  {Call::Cancel,                 "oooooooooooooooi", "oooooooooooooooi"},
  {Call::Release,                "oooooooooooooooi", "oooooooooooooooi"},
}};
// clang-format on

[[nodiscard]] constexpr Verdict verdict(Call call, SessionState state, Context context) noexcept {
  const LegalRow& row = kLegal[static_cast<std::size_t>(call)];
  const auto& cells = has_writers(context) ? row.writers : row.no_writers;
  switch (cells[static_cast<std::size_t>(state)]) {
    case 'o':
      return Verdict::Legal;
    case 'i':
      return Verdict::Ignored;
    default:
      return Verdict::BadState;
  }
}

// True for a state in which a long call runs.
[[nodiscard]] constexpr bool is_busy(SessionState state) noexcept {
  switch (state) {
    case SessionState::Gathering:
    case SessionState::Starting:
    case SessionState::Preparing:
    case SessionState::Snapping:
    case SessionState::Completing:
    case SessionState::Aborting:
      return true;
    case SessionState::Initialized:
    case SessionState::Gathered:
    case SessionState::SetStarted:
    case SessionState::SetFilled:
    case SessionState::Prepared:
    case SessionState::Snapped:
    case SessionState::Completed:
    case SessionState::Aborted:
    case SessionState::Failed:
    case SessionState::Released:
      return false;
  }
  return false;
}

[[nodiscard]] std::string_view to_string(SessionState state) noexcept;
[[nodiscard]] std::string_view to_string(Call call) noexcept;

// Why a call is BadState here: names the call that is missing, or says that it is too late.
[[nodiscard]] std::string explain_bad_state(Call call, SessionState state, Context context);

}  // namespace vss::core
