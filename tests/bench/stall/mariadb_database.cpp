// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fstream>
#include <optional>
#include <random>

#include "tests/bench/stall/database.hpp"
#include "tests/loop/vssd/mariadb_server.hpp"
#include "tests/support/account.hpp"

namespace vss::test {
namespace {

namespace fs = std::filesystem;

class MariadbClient : public DatabaseClient {
 public:
  MariadbClient(const MariadbServer& server, int number)
      : session_(server.connect()), number_(std::to_string(number)), random_(static_cast<unsigned>(number)) {}

  void commit() override {
    const std::string id = std::to_string(random_() % kRowsOfEachClient);
    session_.run("BEGIN");
    session_.run("UPDATE bench.accounts SET balance = balance + 1 WHERE client = " + number_ +
                 " AND id = " + id);
    session_.run("INSERT INTO bench.entries (client, id, amount) VALUES (" + number_ + ", " + id + ", 1)");
    session_.run("COMMIT");
  }

 private:
  MariadbSession session_;
  std::string number_;
  std::minstd_rand random_;
};

class MariadbDatabase : public Database {
 public:
  MariadbDatabase(const DatabaseVolumes& volumes, const fs::path& directory)
      : directory_(directory),
        places_{volumes.data / "data", volumes.log / "log", volumes.space / "far"},
        server_(make_mariadb(places_, directory / "server", Rights::SeveralInstants)) {
    MariadbSession session = server_->connect();
    session.run("CREATE DATABASE bench");
    session.run("USE bench");
    session.run(
        "CREATE TABLE accounts (client INT, id INT, balance BIGINT NOT NULL, note VARCHAR(80), "
        "PRIMARY KEY (client, id)) ENGINE = InnoDB, DATA DIRECTORY = '" +
        places_.far.string() + "'");
    session.run(
        "CREATE TABLE entries (number BIGINT AUTO_INCREMENT PRIMARY KEY, client INT, id INT, amount "
        "INT) "
        "ENGINE = InnoDB");
    session.run("INSERT INTO accounts SELECT c.seq, i.seq, 0, REPEAT('x', 80) FROM seq_0_to_" +
                std::to_string(kDatabaseClients - 1) + " c, seq_0_to_" +
                std::to_string(kRowsOfEachClient - 1) + " i");
    version_ = "MariaDB " + session.run("SELECT VERSION()");
  }

  [[nodiscard]] std::string version() const override { return version_; }
  [[nodiscard]] std::unique_ptr<DatabaseClient> connect(int number) override {
    return std::make_unique<MariadbClient>(*server_, number);
  }

  void start_writer() override {
    const fs::path config = directory_ / "writer.toml";
    std::ofstream(config) << "instance = \"main\"\n[server]\nsocket = \"" << server_->socket().string()
                          << "\"\ndata_directory = \"" << places_.data.string() << "\"\n";
    writer_.emplace(as_account(kMariadbAccount, {VSS_WRITER_MARIADB, "--config", config}),
                    ChildProcess::Environment{}, directory_ / "writer.log");
  }
  [[nodiscard]] std::string writer_name() const override { return "MariaDB"; }
  [[nodiscard]] std::string component() const override { return "main"; }

  // The session has to stay.
  void begin_script() override {
    session_.emplace(server_->socket());
    session_->run("FLUSH TABLES WITH READ LOCK");
  }
  void end_script() override {
    session_->run("UNLOCK TABLES");
    session_.reset();
  }

 private:
  fs::path directory_;
  DatabasePlaces places_;
  std::unique_ptr<MariadbServer> server_;
  std::string version_;
  std::optional<MariadbSession> session_;
  std::optional<ChildProcess> writer_;
};

}  // namespace

std::unique_ptr<Database> make_mariadb_database(const DatabaseVolumes& volumes, const fs::path& directory) {
  return std::make_unique<MariadbDatabase>(volumes, directory);
}

}  // namespace vss::test
