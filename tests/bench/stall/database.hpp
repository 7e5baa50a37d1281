// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A database server as the benchmark sees it: on three volumes, with clients that commit, with its writer,
// and with what a backup script without vssd asks of it. One more server is one more of these, and a line in
// the table of database_bench.cpp.

#include <filesystem>
#include <memory>
#include <string>

namespace vss::test {

// The volumes, in each of which the server gets a directory of its own.
struct DatabaseVolumes {
  std::filesystem::path data;
  std::filesystem::path log;    // WAL, redo log
  std::filesystem::path space;  // a tablespace
};

// One connection. Used by one thread, not the one that made it.
class DatabaseClient {
 public:
  virtual ~DatabaseClient() = default;
  // A small transaction that changes something in each place; returns when it is acknowledged.
  virtual void commit() = 0;
};

// Thread rule: one thread. What it starts ends with it.
class Database {
 public:
  virtual ~Database() = default;
  [[nodiscard]] virtual std::string version() const = 0;
  // The clients are numbered from 0 to kDatabaseClients - 1 and do not wait for each other.
  [[nodiscard]] virtual std::unique_ptr<DatabaseClient> connect(int number) = 0;

  // Starts its writer, which registers.
  virtual void start_writer() = 0;
  [[nodiscard]] virtual std::string writer_name() const = 0;
  [[nodiscard]] virtual std::string component() const = 0;

  // What a script does before it captures the first volume and after it has captured the last one.
  virtual void begin_script() = 0;
  virtual void end_script() = 0;
};

inline constexpr int kDatabaseClients = 4;
inline constexpr int kRowsOfEachClient = 20000;

// The account of the server, which has to be admitted by vssd, and how the server is made. `directory` is
// made and gets what belongs in no volume.
struct DatabaseKind {
  const char* name;
  const char* account;
  std::unique_ptr<Database> (*make)(const DatabaseVolumes& volumes, const std::filesystem::path& directory);
};

[[nodiscard]] std::unique_ptr<Database> make_postgresql_database(const DatabaseVolumes& volumes,
                                                                 const std::filesystem::path& directory);
[[nodiscard]] std::unique_ptr<Database> make_mariadb_database(const DatabaseVolumes& volumes,
                                                              const std::filesystem::path& directory);

}  // namespace vss::test
