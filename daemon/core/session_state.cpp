// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/session_state.hpp"

#include <optional>

namespace vss::core {
namespace {

constexpr bool rows_are_complete() {
  for (std::size_t i = 0; i < kCalls; ++i) {
    if (static_cast<std::size_t>(kLegal[i].call) != i) return false;
    if (kLegal[i].writers.size() != kSessionStates || kLegal[i].no_writers.size() != kSessionStates)
      return false;
  }
  return true;
}
static_assert(rows_are_complete(), "one row per call, in order, one column per state");

// The call that leads from `state` one step on towards a complete backup.
std::optional<Call> next_call(SessionState state, Context context) {
  switch (state) {
    case SessionState::Initialized:
      return has_writers(context) ? Call::GatherWriterMetadata : Call::StartSnapshotSet;
    case SessionState::Gathered:
      return Call::StartSnapshotSet;
    case SessionState::SetStarted:
      return Call::AddToSnapshotSet;
    case SessionState::SetFilled:
      return has_writers(context) ? Call::PrepareForBackup : Call::DoSnapshotSet;
    case SessionState::Prepared:
      return Call::DoSnapshotSet;
    case SessionState::Snapped:
      return Call::BackupComplete;
    case SessionState::Gathering:
    case SessionState::Starting:
    case SessionState::Preparing:
    case SessionState::Snapping:
    case SessionState::Completing:
    case SessionState::Completed:
    case SessionState::Aborting:
    case SessionState::Aborted:
    case SessionState::Failed:
    case SessionState::Released:
      return std::nullopt;
  }
  return std::nullopt;
}

// True for calls that exist only in contexts with writers.
bool needs_writers(Call call) {
  return kLegal[static_cast<std::size_t>(call)].no_writers.find_first_not_of('-') == std::string_view::npos;
}

// True if the call becomes legal in a state that a backup reaches after `state`.
bool is_legal_later(Call call, SessionState state, Context context) {
  for (auto later = static_cast<std::size_t>(state) + 1;
       later <= static_cast<std::size_t>(SessionState::Completed); ++later) {
    const auto candidate = static_cast<SessionState>(later);
    if (!is_busy(candidate) && verdict(call, candidate, context) == Verdict::Legal) return true;
  }
  return false;
}

}  // namespace

std::string_view to_string(SessionState state) noexcept {
  switch (state) {
    case SessionState::Initialized:
      return "initialized";
    case SessionState::Gathering:
      return "gathering";
    case SessionState::Gathered:
      return "gathered";
    case SessionState::Starting:
      return "starting";
    case SessionState::SetStarted:
      return "set-started";
    case SessionState::SetFilled:
      return "set-filled";
    case SessionState::Preparing:
      return "preparing";
    case SessionState::Prepared:
      return "prepared";
    case SessionState::Snapping:
      return "snapping";
    case SessionState::Snapped:
      return "snapped";
    case SessionState::Completing:
      return "completing";
    case SessionState::Completed:
      return "completed";
    case SessionState::Aborting:
      return "aborting";
    case SessionState::Aborted:
      return "aborted";
    case SessionState::Failed:
      return "failed";
    case SessionState::Released:
      return "released";
  }
  return "";
}

std::string_view to_string(Call call) noexcept {
  switch (call) {
    case Call::SetContext:
      return "SetContext";
    case Call::SetBackupState:
      return "SetBackupState";
    case Call::EnableWriterClasses:
      return "EnableWriterClasses";
    case Call::DisableWriterClasses:
      return "DisableWriterClasses";
    case Call::DisableWriterInstances:
      return "DisableWriterInstances";
    case Call::GatherWriterMetadata:
      return "GatherWriterMetadata";
    case Call::AddComponent:
      return "AddComponent";
    case Call::GetWriterComponents:
      return "GetWriterComponents";
    case Call::SetBackupOptions:
      return "SetBackupOptions";
    case Call::SetPreviousBackupStamp:
      return "SetPreviousBackupStamp";
    case Call::StartSnapshotSet:
      return "StartSnapshotSet";
    case Call::AddToSnapshotSet:
      return "AddToSnapshotSet";
    case Call::PrepareForBackup:
      return "PrepareForBackup";
    case Call::DoSnapshotSet:
      return "DoSnapshotSet";
    case Call::GatherWriterStatus:
      return "GatherWriterStatus";
    case Call::GetSnapshotProperties:
      return "GetSnapshotProperties";
    case Call::SetBackupSucceeded:
      return "SetBackupSucceeded";
    case Call::BackupComplete:
      return "BackupComplete";
    case Call::AbortBackup:
      return "AbortBackup";
    case Call::DeleteSnapshots:
      return "DeleteSnapshots";
    case Call::SaveDocument:
      return "SaveDocument";
    case Call::Cancel:
      return "Cancel";
    case Call::Release:
      return "Release";
  }
  return "";
}

std::string explain_bad_state(Call call, SessionState state, Context context) {
  std::string text = std::string(to_string(call)) + " is not legal in state " + std::string(to_string(state));
  if (!has_writers(context) && needs_writers(call)) {
    return text + ": the context " + std::string(to_string(context)) + " has no writers";
  }
  if (is_busy(state)) return text + ": a call is still running";
  if (const auto missing = next_call(state, context); missing && is_legal_later(call, state, context)) {
    return text + ": " + std::string(to_string(*missing)) + " has to come first";
  }
  return text + ": it is too late for it";
}

}  // namespace vss::core
