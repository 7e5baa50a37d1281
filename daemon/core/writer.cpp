// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/writer.hpp"

namespace vss::core {

std::string_view to_string(WriterEvent event) noexcept {
  switch (event) {
    case WriterEvent::Identify:
      return "Identify";
    case WriterEvent::PrepareForBackup:
      return "PrepareForBackup";
    case WriterEvent::PrepareForSnapshot:
      return "PrepareForSnapshot";
    case WriterEvent::Freeze:
      return "Freeze";
    case WriterEvent::Thaw:
      return "Thaw";
    case WriterEvent::PostSnapshot:
      return "PostSnapshot";
    case WriterEvent::Abort:
      return "Abort";
    case WriterEvent::BackupComplete:
      return "BackupComplete";
    case WriterEvent::BackupShutdown:
      return "BackupShutdown";
    case WriterEvent::PreRestore:
      return "PreRestore";
    case WriterEvent::PostRestore:
      return "PostRestore";
    case WriterEvent::RestoreShutdown:
      return "RestoreShutdown";
  }
  return "";
}

std::string_view to_string(WriterLevel level) noexcept {
  switch (level) {
    case WriterLevel::FrontEnd:
      return "front-end";
    case WriterLevel::BackEnd:
      return "back-end";
    case WriterLevel::System:
      return "system";
  }
  return "";
}

std::optional<WriterLevel> level_from_name(std::string_view name) noexcept {
  for (const WriterLevel level : {WriterLevel::FrontEnd, WriterLevel::BackEnd, WriterLevel::System}) {
    if (name == to_string(level)) return level;
  }
  return std::nullopt;
}

std::string_view to_string(WriterState state) noexcept {
  switch (state) {
    case WriterState::Unknown:
      return "unknown";
    case WriterState::Stable:
      return "stable";
    case WriterState::WaitingForFreeze:
      return "waiting-for-freeze";
    case WriterState::WaitingForThaw:
      return "waiting-for-thaw";
    case WriterState::WaitingForPostSnapshot:
      return "waiting-for-post-snapshot";
    case WriterState::WaitingForBackupComplete:
      return "waiting-for-backup-complete";
    case WriterState::FailedAtIdentify:
      return "failed-at-identify";
    case WriterState::FailedAtPrepareBackup:
      return "failed-at-prepare-backup";
    case WriterState::FailedAtPrepareSnapshot:
      return "failed-at-prepare-snapshot";
    case WriterState::FailedAtFreeze:
      return "failed-at-freeze";
    case WriterState::FailedAtThaw:
      return "failed-at-thaw";
    case WriterState::FailedAtPostSnapshot:
      return "failed-at-post-snapshot";
    case WriterState::FailedAtBackupComplete:
      return "failed-at-backup-complete";
    case WriterState::FailedAtPreRestore:
      return "failed-at-pre-restore";
    case WriterState::FailedAtPostRestore:
      return "failed-at-post-restore";
    case WriterState::FailedAtBackupShutdown:
      return "failed-at-backup-shutdown";
  }
  return "";
}

WriterState state_after(WriterEvent event) noexcept {
  switch (event) {
    case WriterEvent::Identify:
    case WriterEvent::PrepareForBackup:
    case WriterEvent::Abort:
    case WriterEvent::BackupComplete:
    case WriterEvent::BackupShutdown:
    case WriterEvent::PreRestore:
    case WriterEvent::PostRestore:
    case WriterEvent::RestoreShutdown:
      return WriterState::Stable;
    case WriterEvent::PrepareForSnapshot:
      return WriterState::WaitingForFreeze;
    case WriterEvent::Freeze:
      return WriterState::WaitingForThaw;
    case WriterEvent::Thaw:
      return WriterState::WaitingForPostSnapshot;
    case WriterEvent::PostSnapshot:
      return WriterState::WaitingForBackupComplete;
  }
  return WriterState::Unknown;
}

WriterState state_failed_at(WriterEvent event) noexcept {
  switch (event) {
    case WriterEvent::Identify:
      return WriterState::FailedAtIdentify;
    case WriterEvent::PrepareForBackup:
      return WriterState::FailedAtPrepareBackup;
    case WriterEvent::PrepareForSnapshot:
      return WriterState::FailedAtPrepareSnapshot;
    case WriterEvent::Freeze:
      return WriterState::FailedAtFreeze;
    case WriterEvent::Thaw:
      return WriterState::FailedAtThaw;
    case WriterEvent::PostSnapshot:
      return WriterState::FailedAtPostSnapshot;
    case WriterEvent::BackupComplete:
      return WriterState::FailedAtBackupComplete;
    case WriterEvent::BackupShutdown:
      return WriterState::FailedAtBackupShutdown;
    case WriterEvent::PreRestore:
      return WriterState::FailedAtPreRestore;
    case WriterEvent::PostRestore:
      return WriterState::FailedAtPostRestore;
    case WriterEvent::RestoreShutdown:
    case WriterEvent::Abort:
      return WriterState::Unknown;
  }
  return WriterState::Unknown;
}

}  // namespace vss::core
