// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The numbers of the C interface and their names in documents and on the bus.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "writer-sdk/include/vss/writer.h"

namespace vss {

struct Name {
  std::uint32_t number;
  std::string_view text;
};

inline constexpr std::array kLevels = {Name{VSS_LEVEL_FRONT_END, "front-end"},
                                       Name{VSS_LEVEL_BACK_END, "back-end"},
                                       Name{VSS_LEVEL_SYSTEM, "system"}};
inline constexpr std::array kSubscriptions = {Name{VSS_SUBSCRIBE_BACKUP, "backup"},
                                              Name{VSS_SUBSCRIBE_RESTORE, "restore"}};
inline constexpr std::array kUsages = {
    Name{VSS_USAGE_UNDEFINED, "undefined"}, Name{VSS_USAGE_BOOTABLE_SYSTEM_STATE, "bootable-system-state"},
    Name{VSS_USAGE_SYSTEM_SERVICE, "system-service"}, Name{VSS_USAGE_USER_DATA, "user-data"},
    Name{VSS_USAGE_OTHER, "other"}};
inline constexpr std::array kSources = {
    Name{VSS_SOURCE_UNDEFINED, "undefined"}, Name{VSS_SOURCE_TRANSACTED_DATABASE, "transacted-database"},
    Name{VSS_SOURCE_NONTRANSACTED_DATABASE, "nontransacted-database"}, Name{VSS_SOURCE_OTHER, "other"}};

inline constexpr std::array kComponentTypes = {Name{VSS_COMPONENT_DATABASE, "database"},
                                               Name{VSS_COMPONENT_FILEGROUP, "filegroup"}};
inline constexpr std::array kComponentFlags = {
    Name{VSS_COMPONENT_BACKUP_RECOVERY, "backup-recovery"},
    Name{VSS_COMPONENT_APP_ROLLBACK_RECOVERY, "app-rollback-recovery"},
    Name{VSS_COMPONENT_NOT_SYSTEM_STATE, "not-system-state"}};
inline constexpr std::array kFileKinds = {Name{VSS_FILES, "files"}, Name{VSS_FILES_DATABASE, "database"},
                                          Name{VSS_FILES_LOG, "log"}};
// The bits of BACKUP_REQUIRED; those of SNAPSHOT_REQUIRED are the same, eight to the left.
inline constexpr unsigned kSnapshotShift = 8;
inline constexpr std::array kBackupTypes = {
    Name{VSS_BACKUP_REQUIRED_FULL, "full"}, Name{VSS_BACKUP_REQUIRED_DIFFERENTIAL, "differential"},
    Name{VSS_BACKUP_REQUIRED_INCREMENTAL, "incremental"}, Name{VSS_BACKUP_REQUIRED_LOG, "log"}};
inline constexpr std::array kSchemas = {
    Name{VSS_SCHEMA_DIFFERENTIAL, "differential"},
    Name{VSS_SCHEMA_INCREMENTAL, "incremental"},
    Name{VSS_SCHEMA_EXCLUSIVE_INCREMENTAL_DIFFERENTIAL, "exclusive-incremental-differential"},
    Name{VSS_SCHEMA_LOG, "log"},
    Name{VSS_SCHEMA_COPY, "copy"},
    Name{VSS_SCHEMA_TIMESTAMPED, "timestamped"},
    Name{VSS_SCHEMA_LAST_MODIFY, "last-modify"},
    Name{VSS_SCHEMA_LSN, "lsn"},
    Name{VSS_SCHEMA_NEW_TARGET, "new-target"},
    Name{VSS_SCHEMA_RESTORE_WITH_MOVE, "restore-with-move"},
    Name{VSS_SCHEMA_INDEPENDENT_SYSTEM_STATE, "independent-system-state"},
    Name{VSS_SCHEMA_ROLL_FORWARD_RESTORE, "roll-forward-restore"},
    Name{VSS_SCHEMA_RESTORE_RENAME, "restore-rename"},
    Name{VSS_SCHEMA_AUTHORITATIVE_RESTORE, "authoritative-restore"},
    Name{VSS_SCHEMA_PARALLEL_RESTORES, "parallel-restores"}};
inline constexpr std::array kWriterRestores = {Name{VSS_WRITER_RESTORE_NEVER, "never"},
                                               Name{VSS_WRITER_RESTORE_IF_REPLACE_FAILS, "if-replace-fails"},
                                               Name{VSS_WRITER_RESTORE_ALWAYS, "always"}};

inline constexpr std::array kRestoreTypes = {
    Name{VSS_RESTORE_UNDEFINED, "undefined"}, Name{VSS_RESTORE_BY_COPY, "by-copy"},
    Name{VSS_RESTORE_IMPORT, "import"}, Name{VSS_RESTORE_OTHER, "other"}};
inline constexpr std::array kRestoreTargets = {
    Name{VSS_RESTORE_TARGET_ORIGINAL, "original"}, Name{VSS_RESTORE_TARGET_ALTERNATE, "alternate"},
    Name{VSS_RESTORE_TARGET_DIRECTED, "directed"},
    Name{VSS_RESTORE_TARGET_ORIGINAL_LOCATION, "original-location"}};
inline constexpr std::array kFileRestoreStatuses = {Name{VSS_FILES_RESTORED_NONE, "none"},
                                                    Name{VSS_FILES_RESTORED_ALL, "all"},
                                                    Name{VSS_FILES_RESTORED_FAILED, "failed"}};
inline constexpr std::array kRollForwards = {Name{VSS_ROLL_FORWARD_NONE, "none"},
                                             Name{VSS_ROLL_FORWARD_ALL, "all"},
                                             Name{VSS_ROLL_FORWARD_PARTIAL, "partial"}};

// "" for a number that is not in the table.
template <std::size_t Size>
[[nodiscard]] constexpr std::string_view name_of(const std::array<Name, Size>& names, std::uint32_t number) {
  for (const Name& name : names) {
    if (name.number == number) return name.text;
  }
  return {};
}

template <std::size_t Size>
[[nodiscard]] constexpr std::optional<std::uint32_t> number_of(const std::array<Name, Size>& names,
                                                               std::string_view text) {
  for (const Name& name : names) {
    if (name.text == text) return name.number;
  }
  return std::nullopt;
}

// All numbers of the table together: what a mask may have.
template <std::size_t Size>
[[nodiscard]] constexpr std::uint32_t mask_of(const std::array<Name, Size>& names) {
  std::uint32_t mask = 0;
  for (const Name& name : names) mask |= name.number;
  return mask;
}

}  // namespace vss
