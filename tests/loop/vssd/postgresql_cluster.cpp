// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/postgresql_cluster.hpp"

#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "tests/support/account.hpp"
#include "tests/support/collect_wrong.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAccount = "postgres";
constexpr auto kStopLimit = std::chrono::seconds(60);

// Every transfer is in the journal and moves as much out of "near" as it moves into "far", so each of the
// three tells what the other two have to be. Their indexes lie where they do not.
constexpr const char* kLedger = R"(
  create extension amcheck;
  create table near(id int primary key using index tablespace far, balance bigint not null);
  create table far(id int, balance bigint not null) tablespace far;
  alter table far add primary key (id);
  create table journal(number bigserial primary key using index tablespace far, amount bigint not null);
  create table witness(number bigint primary key) tablespace far;
  insert into near select id, 1000 from generate_series(1, 500) id;
  insert into far select id, 1000 from generate_series(1, 500) id;
)";
constexpr const char* kTransfer = R"(
\set near random(1, 500)
\set far random(1, 500)
\set amount random(-100, 100)
begin;
update near set balance = balance - :amount where id = :near;
update far set balance = balance + :amount where id = :far;
insert into journal(amount) values (:amount);
end;
)";
constexpr const char* kBooks = R"(
  select case when n.sum + j.sum = 500000 and f.sum - j.sum = 500000 then ''
    else format('near %s, far %s, journal %s', n.sum, f.sum, j.sum) end
  from (select sum(balance) from near) n, (select sum(balance) from far) f,
    (select coalesce(sum(amount), 0) as sum from journal) j)";

std::string quoted(const std::string& text) { return "'" + text + "'"; }

// It rereads its configuration from the copy as well.
void configure(const DatabasePlaces& places, const fs::path& archive) {
  std::ofstream file(places.data / "postgresql.conf", std::ios::app);
  file << "shared_buffers = 32MB\nmin_wal_size = 32MB\nmax_wal_size = 64MB\ncheckpoint_timeout = 30s\n"
       << "fsync = on\nsynchronous_commit = on\nautovacuum_naptime = 5s\n";
  if (!archive.empty())
    file << "archive_mode = on\narchive_command = 'cp %p " << archive.string() << "/%f'\n";
}

void make_link(const fs::path& target, const fs::path& link) {
  fs::remove_all(link);
  fs::create_symlink(target, link);
}

}  // namespace

std::vector<std::string> as_postgres(std::vector<std::string> argv) {
  return as_account(kAccount, std::move(argv));
}

std::string postgres_program(const std::string& name) {
  fs::path newest;
  int version = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const int found = std::atoi(entry.path().filename().c_str());
    if (found > version && fs::exists(entry.path() / "bin" / name)) {
      version = found;
      newest = entry.path() / "bin" / name;
    }
  }
  if (newest.empty()) throw std::runtime_error(name + " of PostgreSQL is not installed: /usr/lib/postgresql");
  return newest;
}

void make_postgres_directory(const fs::path& directory) { make_directory_of(kAccount, directory); }

SqlSession::SqlSession(const fs::path& socket, const std::string& application)
    : connection_(PQconnectdb(("host=" + quoted(socket) +
                               " user=postgres dbname=postgres connect_timeout=20 "
                               "application_name=" +
                               quoted(application))
                                  .c_str()),
                  PQfinish) {
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    throw std::runtime_error(PQerrorMessage(connection_.get()));
}

std::string SqlSession::run(const std::string& sql) {
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection_.get(), sql.c_str()),
                                                              PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(sql + ": " + PQerrorMessage(connection_.get()));
  return PQntuples(result.get()) == 0 ? std::string() : PQgetvalue(result.get(), 0, 0);
}

PostgresServer::PostgresServer(fs::path data, fs::path directory, Settings settings)
    : data_(std::move(data)), directory_(std::move(directory)), settings_(std::move(settings)) {
  make_postgres_directory(directory_);
  settings_["listen_addresses"] = "";
  settings_["unix_socket_directories"] = directory_;
}

PostgresServer::~PostgresServer() {
  if (process_) {
    process_->signal(SIGQUIT);
    if (!process_->wait(kStopLimit)) process_->kill9();
  }
  if (testing::Test::HasFailure())
    std::fprintf(stderr, "--- log of the server on %s\n%s---\n", data_.c_str(), log().c_str());
}

bool PostgresServer::takes_connections() const {
  // As pg_ctl does it: an attempt to connect would be in the log each time.
  std::ifstream file(data_ / "postmaster.pid");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines.size() >= 8 && lines[0] == std::to_string(process_->pid()) && lines[7].starts_with("ready");
}

void PostgresServer::start(std::chrono::seconds limit) {
  std::vector<std::string> argv{postgres_program("postgres"), "-D", data_};
  for (const auto& [name, value] : settings_) {
    argv.emplace_back("-c");
    argv.push_back(name + "=" + value);
  }
  argv = as_postgres(std::move(argv));
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    process_.emplace(argv, ChildProcess::Environment{}, directory_ / ("log." + std::to_string(++starts_)));
    std::optional<int> status;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const bool decided = wait_until(
        [&] {
          status = process_->wait(std::chrono::milliseconds(0));
          return status || takes_connections();
        },
        left);
    if (decided && !status) return;
    last_log_ = process_->output();
    process_.reset();
    // The processes of a killed one see its end, but not at once.
    const bool others = last_log_.find("pre-existing shared memory block") != std::string::npos;
    if (!others || std::chrono::steady_clock::now() >= end)
      throw std::runtime_error("the server on " + data_.string() + " did not start:\n" + last_log_);
  }
}

void PostgresServer::stop() {
  process_->signal(SIGINT);
  const std::optional<int> status = process_->wait(kStopLimit);
  last_log_ = process_->output();
  process_.reset();
  if (status != 0) throw std::runtime_error("the server did not stop cleanly:\n" + last_log_);
}

void PostgresServer::kill9() {
  process_->kill9();
  last_log_ = process_->output();
  process_.reset();
}

std::unique_ptr<PostgresServer> make_cluster(const DatabasePlaces& places, const fs::path& directory,
                                             const fs::path& archive) {
  for (const fs::path& place : {places.data, places.log, places.far}) make_postgres_directory(place);
  if (!archive.empty()) make_postgres_directory(archive);
  run_program(
      as_postgres({postgres_program("initdb"), "-D", places.data, "-X", places.log, "--data-checksums", "-A",
                   "trust", "-U", kAccount, "--no-locale", "-E", "UTF8", "--no-sync"}));
  configure(places, archive);
  auto server = std::make_unique<PostgresServer>(places.data, directory);
  server->start();
  SqlSession session = server->connect();
  session.run("create tablespace far location " + quoted(places.far));
  session.run(kLedger);
  return server;
}

std::string postgres_writer_configuration(const PostgresServer& server, const std::string& more) {
  return "instance = \"main\"\n[server]\nsocket_directory = \"" + server.socket().string() +
         "\"\ndata_directory = \"" + server.data().string() + "\"\n" + more;
}

LedgerLoad::LedgerLoad(const PostgresServer& server, const fs::path& directory, int clients)
    : process_([&]() -> ChildProcess {
        std::ofstream(directory / "transfer.sql") << kTransfer;
        return {{postgres_program("pgbench"), "-h", server.socket(), "-U", kAccount, "-n", "-f",
                 directory / "transfer.sql", "-c", std::to_string(clients), "-T", "3600", kAccount},
                {},
                directory / "pgbench.log"};
      }()) {}

std::string LedgerLoad::failure() {
  return process_.wait(std::chrono::milliseconds(0)) ? "the load ended: " + process_.output() : "";
}

Witness::Witness(const PostgresServer& server) : session_(server.connect()) {
  thread_ = std::make_unique<Repeater>([this](std::uint64_t number) {
    session_.run("insert into witness values (" + std::to_string(number) + ")");
    acknowledged_ = number;
  });
}

Witness::~Witness() { thread_.reset(); }

DatabasePlaces RestoredServer::copies(const fs::path& scratch) {
  return {scratch / "data", scratch / "wal", scratch / "space"};
}

RestoredServer::RestoredServer(const DatabasePlaces& snapshots, fs::path scratch,
                               const std::optional<BackupMode>& backup)
    : scratch_(std::move(scratch)), places_(copies(scratch_)) {
  make_postgres_directory(scratch_);
  run_program({"cp", "-a", "--reflink=auto", snapshots.data, places_.data});
  run_program({"cp", "-a", "--reflink=auto", snapshots.log, places_.log});
  run_program({"cp", "-a", "--reflink=auto", snapshots.far, places_.far});
  make_link(places_.log, places_.data / "pg_wal");
  for (const auto& link : fs::directory_iterator(places_.data / "pg_tblspc")) make_link(places_.far, link);
  fs::remove(places_.data / "postmaster.pid");
  PostgresServer::Settings settings{{"fsync", "off"}, {"archive_mode", "off"}, {"hot_standby", "off"}};
  if (backup) {
    for (const auto& segment : fs::directory_iterator(places_.log)) {
      if (segment.is_regular_file()) fs::remove(segment);
    }
    std::ofstream(places_.data / "backup_label") << backup->label;
    if (!backup->tablespace_map.empty())
      std::ofstream(places_.data / "tablespace_map") << backup->tablespace_map;
    std::ofstream(places_.data / "recovery.signal");
    run_program({"chown", "-R", std::string(kAccount) + ":", places_.data});
    settings["restore_command"] = "cp " + backup->archive.string() + "/%f %p";
  }
  server_ = std::make_unique<PostgresServer>(places_.data, scratch_ / "run", settings);
}

RestoredServer::~RestoredServer() {
  server_.reset();
  std::error_code ignored;
  fs::remove_all(scratch_, ignored);
}

std::vector<std::string> RestoredServer::violations(std::uint64_t acknowledged) {
  std::vector<std::string> wrong;
  collect_wrong(wrong, [&] {
    server_->start();
    return "";
  });
  if (!wrong.empty()) return wrong;
  collect_wrong(wrong, [&] { return server_->connect().run(kBooks); });
  collect_wrong(wrong, [&] {
    // Each was committed after the one before: none may be missing in between either.
    const std::string numbers = server_->connect().run("select count(*) || ' ' || max(number) from witness");
    const std::uint64_t count = std::stoull(numbers);
    const std::uint64_t last = std::stoull(numbers.substr(numbers.find(' ')));
    return count == last && last >= acknowledged
               ? std::string()
               : "count and last number " + numbers + ", acknowledged " + std::to_string(acknowledged);
  });
  collect_wrong(wrong, [&] {
    return run_program({"env", "PGOPTIONS=-c client_min_messages=warning", postgres_program("pg_amcheck"),
                        "-h", server_->socket(), "-U", kAccount, "--all", "--heapallindexed",
                        "--install-missing"});
  });
  collect_wrong(wrong, [&] {
    server_->stop();
    (void)run_program(as_postgres({postgres_program("pg_checksums"), "--check", "-D", places_.data}));
    return "";
  });
  return wrong;
}

}  // namespace vss::test
