// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A PostgreSQL whose data directory, WAL and tablespace lie in different places, with a ledger in it whose
// books show what is missing, and servers on copies of it. Nothing here listens to TCP; everything runs as
// the account postgres and dies with its object, and with the test.

#include <sys/types.h>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/loop/vssd/counter_writers.hpp"
#include "tests/loop/vssd/database_places.hpp"
#include "tests/support/child_process.hpp"

struct pg_conn;

namespace vss::test {

// `argv` as the account postgres. It is killed when the thread that starts it ends.
[[nodiscard]] std::vector<std::string> as_postgres(std::vector<std::string> argv);
// A program of the newest PostgreSQL of this machine; throws std::runtime_error if there is none.
[[nodiscard]] std::string postgres_program(const std::string& name);
// Makes a directory that belongs to the account postgres alone.
void make_postgres_directory(const std::filesystem::path& directory);

class SqlSession {
 public:
  // To the server with its socket there. Throws std::runtime_error, as run() does.
  explicit SqlSession(const std::filesystem::path& socket, const std::string& application = "vss-test");
  // The first column of the first row, "" if there is none.
  std::string run(const std::string& sql);

 private:
  std::unique_ptr<pg_conn, void (*)(pg_conn*)> connection_;
};

class PostgresServer {
 public:
  using Settings = std::map<std::string, std::string>;  // before those of postgresql.conf
  // `directory`, which is made, gets the socket and the logs. The server is not started yet.
  PostgresServer(std::filesystem::path data, std::filesystem::path directory, Settings settings = {});
  // Ends it as a power cut would; prints its last log if the running test has failed.
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // Returns when it takes connections; throws std::runtime_error with its log.
  void start(std::chrono::seconds limit = std::chrono::seconds(60));
  // Clean ("fast"); throws std::runtime_error if it was not.
  void stop();
  void kill9();
  [[nodiscard]] const std::filesystem::path& data() const { return data_; }
  [[nodiscard]] const std::filesystem::path& socket() const { return directory_; }
  [[nodiscard]] SqlSession connect() const { return SqlSession(directory_); }
  [[nodiscard]] std::string log() const { return process_ ? process_->output() : last_log_; }

 private:
  [[nodiscard]] bool takes_connections() const;

  std::filesystem::path data_;
  std::filesystem::path directory_;
  Settings settings_;
  std::optional<ChildProcess> process_;
  std::string last_log_;
  int starts_ = 0;
};

// Makes a cluster there with page checksums, with the tablespace "far" and the ledger, and starts it.
// `directory` as above; `archive`, if given, gets all WAL.
[[nodiscard]] std::unique_ptr<PostgresServer> make_cluster(const DatabasePlaces& places,
                                                           const std::filesystem::path& directory,
                                                           const std::filesystem::path& archive = {});

// Of a writer of this server; `more` is the rest of it, beginning with the section "server".
[[nodiscard]] std::string postgres_writer_configuration(const PostgresServer& server,
                                                        const std::string& more = "");

// Clients that transfer between an account of the default tablespace and one of "far", and note it in a
// journal, in one transaction.
class LedgerLoad {
 public:
  LedgerLoad(const PostgresServer& server, const std::filesystem::path& directory, int clients);
  // "" as long as all clients are at work.
  [[nodiscard]] std::string failure();

 private:
  ChildProcess process_;
};

// Commits 1, 2, 3... one after another, and knows what was acknowledged.
class Witness {
 public:
  explicit Witness(const PostgresServer& server);
  ~Witness();
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  SqlSession session_;
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::unique_ptr<Repeater> thread_;
};

// What a backup in backup mode has besides the files.
struct BackupMode {
  std::string label;
  std::string tablespace_map;  // with the paths of the copies
  std::filesystem::path archive;
};

// A server on copies of what snapshots show.
class RestoredServer {
 public:
  // `scratch` is made, and removed at the end. Without `backup` it starts as after a power cut, with it from
  // the archive alone: the copy of the WAL is emptied.
  RestoredServer(const DatabasePlaces& snapshots, std::filesystem::path scratch,
                 const std::optional<BackupMode>& backup = std::nullopt);
  ~RestoredServer();
  RestoredServer(const RestoredServer&) = delete;
  RestoredServer& operator=(const RestoredServer&) = delete;

  // Where the copies are that it is made of.
  [[nodiscard]] static DatabasePlaces copies(const std::filesystem::path& scratch);
  // Starts it, looks at everything and stops it. What is wrong: it does not start, the books are not
  // balanced, a number up to `acknowledged` is missing, a relation or a page is damaged.
  [[nodiscard]] std::vector<std::string> violations(std::uint64_t acknowledged);

 private:
  std::filesystem::path scratch_;
  DatabasePlaces places_;
  std::unique_ptr<PostgresServer> server_;
};

}  // namespace vss::test
