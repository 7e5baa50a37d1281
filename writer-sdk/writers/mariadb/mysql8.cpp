// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/mysql8.hpp"

#include <nlohmann/json.hpp>

namespace vss::mariadb::mysql8 {
namespace {

// Those of the server itself are transactional, but for its logs.
constexpr const char* kTablesWithoutTransactions =
    "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE IN ('MyISAM', "
    "'MRG_MYISAM', 'ARCHIVE', 'CSV') AND TABLE_SCHEMA NOT IN ('mysql', 'performance_schema', "
    "'information_schema', 'sys')";

}  // namespace

std::vector<std::string> data_files(Connection& server) {
  std::vector<std::string> files;
  for (const Row& row : server.query("SELECT PATH FROM information_schema.INNODB_DATAFILES", kLookLimit))
    files.push_back(row.at(0));
  return files;
}

std::optional<Position> position_of(const std::string& local) {
  try {
    const auto json = nlohmann::json::parse(local);
    Position position{json.value("binary_log_file", ""), json.value("binary_log_position", std::uint64_t{0}),
                      json.value("gtid_executed", "")};
    if (position.file.empty()) return std::nullopt;
    return position;
  } catch (const nlohmann::json::exception& error) {
    throw ServerError("performance_schema.log_status cannot be understood: " + std::string(error.what()));
  }
}

bool needs_all_at_rest(const std::string& log_bin, const std::string& gtid_mode,
                       const std::string& tables_without_transactions) {
  return (log_bin == "1" && gtid_mode != "ON") || tables_without_transactions != "0";
}

InstanceLock::InstanceLock(Connection server, const Limits& limits)
    : server_(std::move(server)), limits_(limits) {}

void InstanceLock::block() {
  end_when_idle(server_);
  const Deadline deadline(limits_.lock);
  run_within(server_, "LOCK INSTANCE FOR BACKUP", deadline);
  const Row log = server_.query("SELECT @@GLOBAL.log_bin, @@GLOBAL.gtid_mode", kLookLimit).at(0);
  const Row tables = server_.query(kTablesWithoutTransactions, kLookLimit).at(0);
  if (needs_all_at_rest(log.at(0), log.at(1), tables.at(0)))
    run_within(server_, "FLUSH TABLES WITH READ LOCK", deadline);
  server_.query("FLUSH LOCAL ENGINE LOGS", kLookLimit);
  position_ =
      position_of(server_.query("SELECT LOCAL FROM performance_schema.log_status", kLookLimit).at(0).at(0));
}

void InstanceLock::release() {
  server_.query("UNLOCK TABLES", kLookLimit);
  server_.query("UNLOCK INSTANCE", kLookLimit);
}

}  // namespace vss::mariadb::mysql8
