// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What the writer puts into the backup document: the metadata of its component.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "writer-sdk/writers/common/places.hpp"
#include "writer-sdk/writers/mariadb/backup_lock.hpp"

namespace vss::mariadb {

// Atomic: all files show one instant, tables without transactions at rest. Standstill: they show several, in
// which nothing was written.
enum class Consistency : std::uint8_t { Atomic, Standstill };

[[nodiscard]] constexpr std::string_view to_string(Consistency consistency) noexcept {
  switch (consistency) {
    case Consistency::Atomic:
      return "backup-stage-atomic";
    case Consistency::Standstill:
      return "standstill";
  }
  return "";
}

struct BackupRecord {
  Consistency consistency = Consistency::Atomic;
  std::string product;  // "MariaDB"
  std::string version;
  std::string data_directory;
  writers::Places places;  // the data directory too
  std::optional<Position> position;
  std::string replica_gtid;  // up to where a replica has applied its source's log; "" if it is none
  writers::Places empty;     // places in which the server had no file, as that of a log which is not used
};

// Throws std::runtime_error if a path in it is not UTF-8, which no document can have.
[[nodiscard]] std::string to_text(const BackupRecord& record);
// Throws std::runtime_error with what is wrong.
[[nodiscard]] BackupRecord parse_backup_record(const std::string& text);

}  // namespace vss::mariadb
