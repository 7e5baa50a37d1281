// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What a server is asked for so that its files can be captured. Lasts as long as its session, which ends it
// by itself when that is lost, in whatever way, or when nobody has used it for longer than others may wait.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "writer-sdk/writers/mariadb/connection.hpp"

namespace vss::mariadb {

// The longest time from Freeze to Thaw.
inline constexpr std::chrono::seconds kWindow{60};

// Where the binary log was in the instant of the snapshot.
struct Position {
  std::string file;
  std::uint64_t offset = 0;
  std::string gtid;  // "0-1-4711", or a set of MySQL's
};

// The constructors of what derives from it do in PrepareForSnapshot what can be done while others write.
class BackupLock {
 public:
  BackupLock() = default;
  virtual ~BackupLock() = default;
  BackupLock(const BackupLock&) = delete;
  BackupLock& operator=(const BackupLock&) = delete;

  // Freeze. Errors: ServerError.
  virtual void block() = 0;
  // Thaw. Errors: ServerError if it has not lasted until now.
  virtual void release() = 0;
  // Since block(); nothing if there is no binary log.
  [[nodiscard]] const std::optional<Position>& position() const { return position_; }
  // MariaDB's gtid_slave_pos at the same moment; "" if it is no replica.
  [[nodiscard]] const std::string& replica_gtid() const { return replica_gtid_; }

 protected:
  // Of a MariaDB. Errors: ServerError.
  void note_positions(Connection& server);

  std::optional<Position> position_;
  std::string replica_gtid_;
};

class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds limit) : end_(std::chrono::steady_clock::now() + limit) {}
  // Never less than a millisecond.
  [[nodiscard]] std::chrono::milliseconds left() const;
  [[nodiscard]] bool has_passed() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  std::chrono::steady_clock::time_point end_;
};

// Before others wait for this session: the server ends it by itself if the writer stands still and does not
// come back to it within the window. Errors: ServerError.
void end_when_idle(Connection& server);

// Runs a statement that waits for others while new ones wait behind it: it is the server that gives up, and
// we do if the server does not. Errors: ServerError.
void run_within(Connection& server, const std::string& statement, const Deadline& deadline);

// MariaDB, for sets of one instant: backup stages.
class BackupStages : public BackupLock {
 public:
  BackupStages(Connection server, const Limits& limits);
  void block() override;
  void release() override;

 private:
  Connection server_;
  Limits limits_;
};

// MariaDB: has tables without transactions written that nobody uses, so that little is left to write while
// all wait. Errors: ServerError.
void flush_early(Connection& server, const Limits& limits);

}  // namespace vss::mariadb
