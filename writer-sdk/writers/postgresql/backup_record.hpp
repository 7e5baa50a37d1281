// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What the writer puts into the backup document: the metadata of its component.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "writer-sdk/writers/common/places.hpp"
#include "writer-sdk/writers/postgresql/backup_mode.hpp"

namespace vss::postgresql {

// Atomic: all files show one instant, and the server recovers from it as after a power cut.
enum class Consistency : std::uint8_t { Atomic, BackupMode };

[[nodiscard]] constexpr std::string_view to_string(Consistency consistency) noexcept {
  switch (consistency) {
    case Consistency::Atomic:
      return "crash-consistent-atomic";
    case Consistency::BackupMode:
      return "backup-mode";
  }
  return "";
}

struct BackupRecord {
  std::string data_directory;
  int major = 0;
  std::optional<BackupEnd> end;  // of the backup mode; nothing for Atomic
  writers::Places places;        // the data directory too
  writers::Places empty;         // those in which there was nothing

  [[nodiscard]] Consistency consistency() const {
    return end ? Consistency::BackupMode : Consistency::Atomic;
  }
};

// Throws std::runtime_error if a path in it is not UTF-8, which no document can have.
[[nodiscard]] std::string to_text(const BackupRecord& record);
// Throws std::runtime_error with what is wrong.
[[nodiscard]] BackupRecord parse_backup_record(const std::string& text);

}  // namespace vss::postgresql
