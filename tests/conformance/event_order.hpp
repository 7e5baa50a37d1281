// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What a writer may be told in which order, checked over everything that was noted: vss.md 5.3 W3 to W5, 5.5
// S1.

#include <string>
#include <vector>

#include "tests/support/scripted_writer.hpp"

namespace vss::test {

// One line for each rule that a writer has seen broken in a session; empty is good. All sessions have ended.
[[nodiscard]] std::vector<std::string> broken_rules(const std::vector<LoggedEvent>& log);

// What a writer was told, a letter per event, for tables: b PrepareForBackup, s PrepareForSnapshot, F Freeze,
// T Thaw, P PostSnapshot, A Abort, C BackupComplete, S BackupShutdown, r PreRestore, R PostRestore,
// E RestoreShutdown. Identify belongs to no session and is left out.
[[nodiscard]] std::string letters(const std::vector<std::string>& events);

}  // namespace vss::test
