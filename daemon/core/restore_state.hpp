// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The states of a Restore object and which call is legal in which: vss.md 1.5 as a table that a test walks.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace vss::core {

// States in ...ing are those of a long call that runs.
enum class RestoreState : std::uint8_t {
  Initialized,
  Gathering,
  Gathered,
  PreRestoring,
  PreRestored,
  PostRestoring,
  Completed,
  Failed,
  Released,
};
inline constexpr std::size_t kRestoreStates = 9;

enum class RestoreCall : std::uint8_t {
  SetRestoreState,
  GatherWriterMetadata,
  SetSelectedForRestore,
  AddRestoreSubcomponent,
  SetRestoreOptions,
  SetAdditionalRestores,
  SetRestoreName,
  SetAuthoritativeRestore,
  SetRollForward,
  AddNewTarget,
  PreRestore,
  AddAlternativeLocationMapping,
  SetFileRestoreStatus,
  SetRangesFilePath,
  PostRestore,
  GatherWriterStatus,
  GetWriterComponents,
  SaveDocument,
  Cancel,
  Release,
};
inline constexpr std::size_t kRestoreCalls = 20;

// clang-format off
// One row per call, one column per state: o legal, i ignored with success, - BadState.
//   columns: Initialized Gathering Gathered PreRestoring PreRestored PostRestoring Completed Failed Released
struct RestoreRow { RestoreCall call; std::string_view name; std::string_view cells; };
inline constexpr std::array<RestoreRow, kRestoreCalls> kRestoreLegal{{
  {RestoreCall::SetRestoreState,               "SetRestoreState",               "o-o------"},
  {RestoreCall::GatherWriterMetadata,          "GatherWriterMetadata",          "o--------"},
  {RestoreCall::SetSelectedForRestore,         "SetSelectedForRestore",         "--o------"},
  {RestoreCall::AddRestoreSubcomponent,        "AddRestoreSubcomponent",        "--o------"},
  {RestoreCall::SetRestoreOptions,             "SetRestoreOptions",             "--o------"},
  {RestoreCall::SetAdditionalRestores,         "SetAdditionalRestores",         "--o------"},
  {RestoreCall::SetRestoreName,                "SetRestoreName",                "--o------"},
  {RestoreCall::SetAuthoritativeRestore,       "SetAuthoritativeRestore",       "--o------"},
  {RestoreCall::SetRollForward,                "SetRollForward",                "--o------"},
  {RestoreCall::AddNewTarget,                  "AddNewTarget",                  "--o------"},
  {RestoreCall::PreRestore,                    "PreRestore",                    "--o------"},
  {RestoreCall::AddAlternativeLocationMapping, "AddAlternativeLocationMapping", "----o----"},
  {RestoreCall::SetFileRestoreStatus,          "SetFileRestoreStatus",          "----o----"},
  {RestoreCall::SetRangesFilePath,             "SetRangesFilePath",             "----o----"},
  {RestoreCall::PostRestore,                   "PostRestore",                   "----o----"},
  {RestoreCall::GatherWriterStatus,            "GatherWriterStatus",            "oooooooo-"},
  {RestoreCall::GetWriterComponents,           "GetWriterComponents",           "o-o-o-oo-"},
  {RestoreCall::SaveDocument,                  "SaveDocument",                  "o-o-o-oo-"},
  {RestoreCall::Cancel,                        "Cancel",                        "ooooooooi"},
  {RestoreCall::Release,                       "Release",                       "ooooooooi"},
}};
// clang-format on

[[nodiscard]] constexpr char restore_cell(RestoreCall call, RestoreState state) noexcept {
  return kRestoreLegal[static_cast<std::size_t>(call)].cells[static_cast<std::size_t>(state)];
}

[[nodiscard]] constexpr std::string_view to_string(RestoreCall call) noexcept {
  return kRestoreLegal[static_cast<std::size_t>(call)].name;
}

[[nodiscard]] constexpr std::string_view to_string(RestoreState state) noexcept {
  switch (state) {
    case RestoreState::Initialized:
      return "initialized";
    case RestoreState::Gathering:
      return "gathering";
    case RestoreState::Gathered:
      return "gathered";
    case RestoreState::PreRestoring:
      return "pre-restoring";
    case RestoreState::PreRestored:
      return "pre-restored";
    case RestoreState::PostRestoring:
      return "post-restoring";
    case RestoreState::Completed:
      return "completed";
    case RestoreState::Failed:
      return "failed";
    case RestoreState::Released:
      return "released";
  }
  return "";
}

// Why a call is BadState here: names the call that is missing, or says that it is too late.
[[nodiscard]] std::string explain_bad_state(RestoreCall call, RestoreState state);

}  // namespace vss::core
