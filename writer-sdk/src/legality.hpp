// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Which function of the C interface means something in which event. What is not here is legal in all.

#include <array>
#include <cstddef>
#include <cstdint>

#include "writer-sdk/src/event.hpp"

namespace vss {

enum class Call : std::uint8_t {
  SetId,
  ShutdownSetId,
  SnapshotPath,
  OneInstant,
  CurrentLevel,
  BackupState,  // bootable system state, partial file support
  RestoreType,
  RestoreGetters,
  SetBackupStamp,
  SetBackupMetadata,
  SetRestoreMetadata,
  AddPartialFile,
  AddDifferencedFile,
  FailComponent,
  SetPrepareForBackupFailure,
  SetPostSnapshotFailure,
  SetPreRestoreFailure,
  SetPostRestoreFailure,
  SetRestoreTarget,
  AddDirectedTarget
};
inline constexpr std::size_t kCallCount = 20;

// One line per function, one column per event. VSS: reference pages of CVssWriter and IVssComponent.
inline constexpr std::array<std::array<bool, kEventCount>, kCallCount> kLegal = [] {
  constexpr bool X = true;
  constexpr bool o = false;
  return std::array<std::array<bool, kEventCount>, kCallCount>{{
      // clang-format off
      //                                 PrepareForBackup
      //                                 |  PrepareForSnapshot
      //                                 |  |  Freeze
      //                                 |  |  |  Thaw
      //                                 |  |  |  |  PostSnapshot
      //                                 |  |  |  |  |  Abort
      //                                 |  |  |  |  |  |  BackupComplete
      //                                 |  |  |  |  |  |  |  BackupShutdown
      //                                 |  |  |  |  |  |  |  |  PreRestore
      //                                 |  |  |  |  |  |  |  |  |  PostRestore
      //                                 |  |  |  |  |  |  |  |  |  |  RestoreShutdown
      /* SetId                      */ {{o, o, X, X, X, o, o, o, o, o, o}},
      /* ShutdownSetId              */ {{o, o, o, o, o, o, o, X, o, o, o}},
      /* SnapshotPath               */ {{o, o, o, o, X, o, o, o, o, o, o}},
      /* OneInstant                 */ {{o, X, o, o, X, o, o, o, o, o, o}},
      /* CurrentLevel               */ {{o, o, X, X, o, o, o, o, o, o, o}},
      /* BackupState                */ {{X, X, X, X, X, X, X, X, o, o, o}},
      /* RestoreType                */ {{o, o, o, o, o, o, o, o, X, X, o}},
      /* RestoreGetters             */ {{o, o, o, o, o, o, o, o, X, X, o}},
      /* SetBackupStamp             */ {{X, o, o, o, X, o, o, o, o, o, o}},
      /* SetBackupMetadata          */ {{X, o, o, o, X, o, o, o, o, o, o}},
      /* SetRestoreMetadata         */ {{X, o, o, o, X, o, o, o, X, o, o}},
      /* AddPartialFile             */ {{X, o, o, o, X, o, o, o, o, o, o}},
      /* AddDifferencedFile         */ {{X, o, o, o, X, o, o, o, o, o, o}},
      /* FailComponent              */ {{X, o, o, o, X, o, o, o, X, X, o}},
      /* SetPrepareForBackupFailure */ {{X, o, o, o, o, o, o, o, o, o, o}},
      /* SetPostSnapshotFailure     */ {{o, o, o, o, X, o, o, o, o, o, o}},
      /* SetPreRestoreFailure       */ {{o, o, o, o, o, o, o, o, X, o, o}},
      /* SetPostRestoreFailure      */ {{o, o, o, o, o, o, o, o, o, X, o}},
      /* SetRestoreTarget           */ {{o, o, o, o, o, o, o, o, X, o, o}},
      /* AddDirectedTarget          */ {{o, o, o, o, o, o, o, o, X, o, o}},
      // clang-format on
  }};
}();

[[nodiscard]] constexpr bool is_legal(Call call, Event event) noexcept {
  return kLegal[static_cast<std::size_t>(call)][static_cast<std::size_t>(event)];
}

}  // namespace vss
