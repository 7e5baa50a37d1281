// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/backup_lock.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace vss::mariadb {
namespace {

using namespace std::chrono_literals;

// For the server's answer that it has given up.
constexpr auto kAnswer = 1000ms;
constexpr auto kPoll = 20ms;
// A writer that does come back is not to be cut short.
constexpr auto kLate = 5s;

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

void end_when_idle(Connection& server) {
  server.query("SET SESSION wait_timeout = " + std::to_string((kWindow + kLate).count()), kLookLimit);
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

namespace {

// What was acknowledged is in the files then. With 0 the statement does nothing (tried with 10.11), and
// InnoDB writes its log when innodb_flush_log_at_timeout says so, once a second.
void write_log(Connection& server, const Deadline& deadline) {
  server.query("FLUSH LOCAL ENGINE LOGS", kLookLimit);
  if (server.query("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit", kLookLimit).at(0).at(0) != "0") return;
  const auto place = [&](const std::string& name) {
    const auto found = server.values("SHOW GLOBAL STATUS LIKE '" + name + "'");
    if (found.empty())
      throw ServerError(
          "the server does not say how far its log is written: set innodb_flush_log_at_trx_commit to 1 or 2");
    return std::strtoull(found.begin()->second.c_str(), nullptr, 10);
  };
  const auto end = place("Innodb_lsn_current");
  while (place("Innodb_lsn_flushed") < end) {
    if (deadline.has_passed())
      throw ServerError(
          "InnoDB has not written its log within snapshot.lock_timeout_ms: set "
          "innodb_flush_log_at_trx_commit "
          "to 1 or 2, or lower innodb_flush_log_at_timeout");
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace

// START blocks nobody but other backups.
BackupStages::BackupStages(Connection server, const Limits& limits)
    : server_(std::move(server)), limits_(limits) {
  flush_early(server_, limits_);
  run_within(server_, "BACKUP STAGE START", Deadline(limits_.lock));
}

void BackupStages::block() {
  end_when_idle(server_);
  const Deadline deadline(limits_.lock);
  for (const char* stage : {"FLUSH", "BLOCK_DDL", "BLOCK_COMMIT"})
    run_within(server_, std::string("BACKUP STAGE ") + stage, deadline);
  write_log(server_, deadline);
  note_positions(server_);
}

void BackupStages::release() { server_.query("BACKUP STAGE END", kLookLimit); }

}  // namespace vss::mariadb
