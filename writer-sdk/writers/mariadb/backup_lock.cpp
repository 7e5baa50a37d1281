// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/backup_lock.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace vss::mariadb {
namespace {

using namespace std::chrono_literals;

// For the server's answer that it has given up.
constexpr auto kAnswer = 1000ms;

std::string seconds(std::chrono::milliseconds time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%lld.%03lld", static_cast<long long>(time.count() / 1000),
                static_cast<long long>(time.count() % 1000));
  return text.data();
}

}  // namespace

std::chrono::milliseconds Deadline::left() const {
  return std::max(1ms, std::chrono::ceil<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now()));
}

void run_within(Connection& server, const std::string& statement, const Deadline& deadline) {
  // Whole seconds, and rounded up; MySQL has nothing finer for statements that are no SELECT.
  std::string limits = "SET SESSION lock_wait_timeout = " +
                       std::to_string(std::chrono::ceil<std::chrono::seconds>(deadline.left()).count());
  if (server.is_mariadb()) limits += ", max_statement_time = " + seconds(deadline.left());
  server.query(limits, kLookLimit);
  server.query(statement, deadline.left() + kAnswer);
  if (server.is_mariadb()) server.query("SET SESSION max_statement_time = 0", kLookLimit);
}

void BackupLock::note_positions(Connection& server) {
  const Row gtids =
      server.query("SELECT @@GLOBAL.gtid_binlog_pos, @@GLOBAL.gtid_slave_pos", kLookLimit).at(0);
  replica_gtid_ = gtids.at(1);
  const auto rows = server.query("SHOW MASTER STATUS", kLookLimit);
  if (rows.empty()) return;
  position_ = Position{rows[0].at(0), std::strtoull(rows[0].at(1).c_str(), nullptr, 10), gtids.at(0)};
}

// From FLUSH on such tables cannot be written: the stages are given up again at once.
void flush_early(Connection& server, const Limits& limits) {
  const Deadline deadline(limits.lock);
  run_within(server, "BACKUP STAGE START", deadline);
  run_within(server, "BACKUP STAGE FLUSH", deadline);
  server.query("BACKUP STAGE END", kLookLimit);
}

// START blocks nobody but other backups.
BackupStages::BackupStages(Connection server, const Limits& limits)
    : server_(std::move(server)), limits_(limits) {
  flush_early(server_, limits_);
  run_within(server_, "BACKUP STAGE START", Deadline(limits_.lock));
}

void BackupStages::block() {
  const Deadline deadline(limits_.lock);
  for (const char* stage : {"FLUSH", "BLOCK_DDL", "BLOCK_COMMIT"})
    run_within(server_, std::string("BACKUP STAGE ") + stage, deadline);
  // Whatever innodb_flush_log_at_trx_commit says, what was acknowledged is in the files.
  server_.query("FLUSH LOCAL ENGINE LOGS", kLookLimit);
  note_positions(server_);
}

void BackupStages::release() { server_.query("BACKUP STAGE END", kLookLimit); }

}  // namespace vss::mariadb
