// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fstream>
#include <optional>
#include <random>
#include <stdexcept>

#include "tests/bench/stall/database.hpp"
#include "tests/loop/vssd/postgresql_cluster.hpp"

namespace vss::test {
namespace {

namespace fs = std::filesystem;

// Nothing but the sets is to cause checkpoints; the rest are the server's defaults.
constexpr const char* kSettings[] = {"alter system set checkpoint_timeout = '1h'",
                                     "alter system set max_wal_size = '1GB'",
                                     "alter system set min_wal_size = '256MB'", "select pg_reload_conf()"};

// "accounts" lies in the tablespace, its index and "entries" in the data directory.
std::string ledger() {
  return "create table accounts(client int, id int, balance bigint not null, note text) tablespace far;"
         "insert into accounts select c, i, 0, repeat('x', 80) from generate_series(0, " +
         std::to_string(kDatabaseClients - 1) + ") c, generate_series(0, " +
         std::to_string(kRowsOfEachClient - 1) +
         ") i;"
         "alter table accounts add primary key (client, id);"
         "create table entries(client int, id int, amount int)";
}

class PostgresqlClient : public DatabaseClient {
 public:
  PostgresqlClient(const PostgresServer& server, int number)
      : session_(server.connect()), number_(std::to_string(number)), random_(static_cast<unsigned>(number)) {}

  // Several statements in one message are one transaction.
  void commit() override {
    const std::string id = std::to_string(random_() % kRowsOfEachClient);
    session_.run("update accounts set balance = balance + 1 where client = " + number_ + " and id = " + id +
                 "; insert into entries values (" + number_ + ", " + id + ", 1)");
  }

 private:
  SqlSession session_;
  std::string number_;
  std::minstd_rand random_;
};

class PostgresqlDatabase : public Database {
 public:
  PostgresqlDatabase(const DatabaseVolumes& volumes, const fs::path& directory)
      : directory_(directory),
        server_(make_cluster({volumes.data / "data", volumes.log / "wal", volumes.space / "space"},
                             directory / "server", directory / "archive")) {
    SqlSession session = server_->connect();
    for (const char* setting : kSettings) session.run(setting);
    session.run(ledger());
    session.run("checkpoint");
    version_ = "PostgreSQL " + session.run("show server_version");
    before_15_ = std::stoi(session.run("show server_version_num")) < 150000;
  }

  [[nodiscard]] std::string version() const override { return version_; }
  [[nodiscard]] std::unique_ptr<DatabaseClient> connect(int number) override {
    return std::make_unique<PostgresqlClient>(*server_, number);
  }

  void start_writer() override {
    const fs::path config = directory_ / "writer.toml";
    std::ofstream(config) << postgres_writer_configuration(*server_);
    writer_.emplace(as_postgres({VSS_WRITER_POSTGRESQL, "--config", config}), ChildProcess::Environment{},
                    directory_ / "writer.log");
  }
  [[nodiscard]] std::string writer_name() const override { return "PostgreSQL"; }
  [[nodiscard]] std::string component() const override { return "main"; }

  void begin_script() override {
    session_.emplace(server_->socket());
    session_->run(before_15_ ? "select pg_start_backup('script', true, false)"
                             : "select pg_backup_start('script', true)");
  }
  void end_script() override {
    session_->run(before_15_ ? "select pg_stop_backup(false, false)" : "select pg_backup_stop(false)");
    session_.reset();
  }

 private:
  fs::path directory_;
  std::unique_ptr<PostgresServer> server_;
  std::string version_;
  bool before_15_ = false;
  std::optional<SqlSession> session_;
  std::optional<ChildProcess> writer_;
};

}  // namespace

std::unique_ptr<Database> make_postgresql_database(const DatabaseVolumes& volumes,
                                                   const fs::path& directory) {
  return std::make_unique<PostgresqlDatabase>(volumes, directory);
}

}  // namespace vss::test
