// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Non-exclusive backup mode: a restored copy begins with the checkpoint of its begin, and the WAL until its
// end repairs what files of different instants do not agree on. PostgreSQL manual, "Making a Base Backup
// Using the Low Level API".

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "writer-sdk/writers/postgresql/connection.hpp"

namespace vss::postgresql {

// What a restore needs besides the files.
struct BackupEnd {
  std::string backup_label;             // byte for byte
  std::string tablespace_map;           // "" if there is none
  std::string stop_lsn;                 // "0/3000138"
  std::vector<std::string> wal_needed;  // names of segments, from the first to the last
};

// Lasts as long as its session with the server, which ends it by itself when that is lost.
class BackupMode {
 public:
  // Begins with a checkpoint. Errors: ServerError.
  BackupMode(Connection server, const std::string& label, std::chrono::milliseconds limit);
  // Whether it lasts. Errors: ServerError.
  void check();
  // Does not wait until the WAL is archived. Errors: ServerError.
  [[nodiscard]] BackupEnd end(std::chrono::milliseconds limit);

 private:
  Connection server_;
};

// The segments from the begin that a label names to the end. Errors: ServerError for a label without begin.
[[nodiscard]] std::vector<std::string> wal_segments(const std::string& label, const std::string& stop_lsn,
                                                    std::uint64_t segment_size);

// Whether a file has the WAL that its name says, up to `stop_lsn` if that lies in it. A server makes segments
// of old ones: name and size say nothing.
[[nodiscard]] bool has_wal(const std::filesystem::path& segment, const std::string& stop_lsn);

}  // namespace vss::postgresql
