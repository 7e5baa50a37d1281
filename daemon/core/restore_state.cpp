// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/restore_state.hpp"

namespace vss::core {
namespace {
constexpr bool restore_rows_are_complete() {
  for (std::size_t i = 0; i < kRestoreCalls; ++i) {
    if (static_cast<std::size_t>(kRestoreLegal[i].call) != i) return false;
    if (kRestoreLegal[i].cells.size() != kRestoreStates) return false;
  }
  return true;
}
static_assert(restore_rows_are_complete(), "one row per call, in order, one column per state");

bool is_restore_busy(RestoreState state) {
  return state == RestoreState::Gathering || state == RestoreState::PreRestoring ||
         state == RestoreState::PostRestoring;
}

// "" where nothing leads on.
std::string_view next_restore_call(RestoreState state) {
  if (state == RestoreState::Initialized) return "GatherWriterMetadata";
  if (state == RestoreState::Gathered) return "PreRestore";
  return state == RestoreState::PreRestored ? "PostRestore" : "";
}

bool is_restore_call_legal_later(RestoreCall call, RestoreState state) {
  for (auto later = static_cast<std::size_t>(state) + 1;
       later <= static_cast<std::size_t>(RestoreState::Completed); ++later) {
    if (restore_cell(call, static_cast<RestoreState>(later)) == 'o') return true;
  }
  return false;
}
}  // namespace

std::string explain_bad_state(RestoreCall call, RestoreState state) {
  const std::string text =
      std::string(to_string(call)) + " is not legal in state " + std::string(to_string(state));
  if (is_restore_busy(state)) return text + ": a call is still running";
  const std::string_view next = next_restore_call(state);
  if (!next.empty() && is_restore_call_legal_later(call, state))
    return text + ": " + std::string(next) + " has to come first";
  return text + ": it is too late for it";
}

}  // namespace vss::core
