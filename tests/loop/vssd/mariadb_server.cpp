// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/mariadb_server.hpp"

#include <gtest/gtest.h>
#include <mysql.h>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "tests/loop/vssd/mariadb_ledger.hpp"
#include "tests/support/account.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {

namespace fs = std::filesystem;

constexpr auto kMariadbStopLimit = std::chrono::seconds(60);
constexpr const char* kServer = "/usr/sbin/mariadbd";

// The log of InnoDB is written once a second only, so that it matters who flushes it.
// Nothing is repaired silently: a table that is damaged stays so until it is looked at.
void write_configuration(const DatabasePlaces& places, const fs::path& directory) {
  std::ofstream(directory / "my.cnf")
      << "[mariadbd]\ndatadir = " << places.data.string() << "\nsocket = " << (directory / "socket").string()
      << "\npid_file = " << (directory / "pid").string()
      << "\nskip_networking\nlog_bin = " << (places.log / "binlog").string()
      << "\nrelay_log = " << (relay_logs_of(places) / "relay").string()
      << "\ninnodb_log_group_home_dir = " << places.log.string()
      << "\ninnodb_buffer_pool_size = 16M\ninnodb_log_file_size = 8M\n"
      << "innodb_flush_log_at_trx_commit = 0\nsync_binlog = 1\n"
      << "max_binlog_size = 64M\nexpire_logs_days = 1\n"
      << "aria_pagecache_buffer_size = 8M\nkey_buffer_size = 8M\n"
      << "aria_checkpoint_interval = 5\naria_recover_options = OFF\n"
      << "myisam_recover_options = OFF\nperformance_schema = 0\n";
}

// In a mount namespace of its own, in which the copies lie where the server knows its files to be.
std::vector<std::string> with_copies(const DatabasePlaces& places, const DatabasePlaces& copies,
                                     const std::vector<std::string>& server) {
  const std::string script =
      R"(mount --bind "$1" "$2"; mount --bind "$3" "$4"; mount --bind "$5" "$6"; shift 6
                                exec "$@")";
  std::vector<std::string> argv{"/usr/bin/unshare", "--mount", "--propagation", "private",
                                "/bin/sh",          "-ec",     script,          "sh"};
  argv.insert(argv.end(), {copies.data, places.data, copies.log, places.log, copies.far, places.far});
  argv.insert(argv.end(), server.begin(), server.end());
  return argv;
}

}  // namespace

fs::path relay_logs_of(const DatabasePlaces& places) { return places.log.parent_path() / "relay"; }

MariadbSession::MariadbSession(const fs::path& socket) : connection_(mysql_init(nullptr), mysql_close) {
  if (mysql_real_connect(connection_.get(), nullptr, "root", nullptr, nullptr, 0, socket.c_str(), 0) ==
      nullptr)
    throw std::runtime_error(mysql_error(connection_.get()));
}

std::string MariadbSession::run(const std::string& sql) {
  const auto failed = [&] { return std::runtime_error(sql + ": " + mysql_error(connection_.get())); };
  if (mysql_real_query(connection_.get(), sql.data(), sql.size()) != 0) throw failed();
  const std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> result(mysql_store_result(connection_.get()),
                                                                mysql_free_result);
  if (!result && mysql_errno(connection_.get()) != 0) throw failed();
  std::string text;
  while (result) {
    const MYSQL_ROW row = mysql_fetch_row(result.get());
    if (row == nullptr) break;
    if (!text.empty()) text += '\n';
    for (unsigned column = 0; column < mysql_num_fields(result.get()); ++column)
      text += (column == 0 ? "" : " ") + std::string(row[column] == nullptr ? "" : row[column]);
  }
  return text;
}

MariadbServer::MariadbServer(DatabasePlaces places, fs::path directory, std::optional<DatabasePlaces> copies)
    : places_(std::move(places)), directory_(std::move(directory)), copies_(std::move(copies)) {
  make_directory_of(kMariadbAccount, directory_);
  // For the sessions of root and of the writer.
  fs::permissions(directory_, fs::perms(0755));
  write_configuration(places_, directory_);
}

MariadbServer::~MariadbServer() {
  if (process_) kill9();
  if (testing::Test::HasFailure())
    std::fprintf(stderr, "--- log of the server on %s\n%s---\n", places_.data.c_str(), last_log_.c_str());
}

void MariadbServer::start(std::chrono::seconds limit) {
  std::vector<std::string> argv =
      as_account(kMariadbAccount, {kServer, "--defaults-file=" + (directory_ / "my.cnf").string()});
  if (copies_) {
    // It is looked at once and thrown away.
    argv.emplace_back("--innodb-flush-method=nosync");
    argv.emplace_back("--sync-binlog=0");
    argv = with_copies(places_, *copies_, argv);
  }
  process_.emplace(argv, ChildProcess::Environment{}, directory_ / ("log." + std::to_string(++starts_)));
  std::optional<int> status;
  const bool decided = wait_until(
      [&] {
        status = process_->wait(std::chrono::milliseconds(0));
        return status || process_->output().find("ready for connections") != std::string::npos;
      },
      limit);
  last_log_ = process_->output();
  if (decided && !status) return;
  process_.reset();
  throw std::runtime_error("the server on " + places_.data.string() + " did not start:\n" + last_log_);
}

void MariadbServer::stop() {
  process_->signal(SIGTERM);
  const std::optional<int> status = process_->wait(kMariadbStopLimit);
  last_log_ = process_->output();
  process_.reset();
  if (status != 0) throw std::runtime_error("the server did not stop cleanly:\n" + last_log_);
}

void MariadbServer::kill9() {
  process_->kill9();
  last_log_ = process_->output();
  process_.reset();
}

std::unique_ptr<MariadbServer> make_mariadb(const DatabasePlaces& places, const fs::path& directory,
                                            Rights rights) {
  for (const fs::path& place : {places.data, places.log, places.far, relay_logs_of(places)})
    make_directory_of(kMariadbAccount, place);
  auto server = std::make_unique<MariadbServer>(places, directory);
  run_program({"/usr/bin/mariadb-install-db", "--defaults-file=" + (directory / "my.cnf").string(),
               "--user=" + std::string(kMariadbAccount), "--datadir=" + places.data.string(),
               "--innodb-log-group-home-dir=" + places.log.string(), "--innodb-log-file-size=8M",
               "--innodb-flush-method=nosync", "--skip-test-db", "--skip-name-resolve",
               "--auth-root-authentication-method=socket"});
  server->start();
  MariadbSession session = server->connect();
  if (rights != Rights::AsInstalled) {
    session.run("CREATE OR REPLACE USER mysql@localhost IDENTIFIED VIA unix_socket");
    session.run(std::string("GRANT RELOAD, BINLOG MONITOR") +
                (rights == Rights::SeveralInstants ? ", SUPER" : "") + " ON *.* TO mysql@localhost");
  }
  for (const std::string& statement : ledger_schema(places.far)) session.run(statement);
  return server;
}

}  // namespace vss::test
