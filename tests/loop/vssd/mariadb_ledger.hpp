// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Books in a MariaDB that show what is missing, on servers and on copies of them.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/loop/vssd/mariadb_server.hpp"

namespace vss::test {

// The statements that make the ledger, with every second table in `far`.
[[nodiscard]] std::vector<std::string> ledger_schema(const std::filesystem::path& far);

// Clients that transfer between accounts in two tables of InnoDB and note it in a journal, in one
// transaction, and then in tables of Aria, with and without a log.
class MariadbLoad {
 public:
  MariadbLoad(const MariadbServer& server, int clients);
  ~MariadbLoad();
  MariadbLoad(const MariadbLoad&) = delete;
  MariadbLoad& operator=(const MariadbLoad&) = delete;
  [[nodiscard]] std::uint64_t transfers() const { return transfers_; }
  // Ends it; throws what a client ended with.
  void finish();

 private:
  class Client;
  std::atomic<std::uint64_t> transfers_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
};

// Commits 1, 2, 3... one after another, and knows what was acknowledged.
class MariadbWitness {
 public:
  explicit MariadbWitness(const MariadbServer& server);
  ~MariadbWitness();
  MariadbWitness(const MariadbWitness&) = delete;
  MariadbWitness& operator=(const MariadbWitness&) = delete;
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  MariadbSession session_;
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::unique_ptr<Repeater> thread_;
};

// A server on copies of what snapshots show, which it sees in the places of the original.
class RestoredMariadb {
 public:
  // `scratch` is made, and removed at the end.
  RestoredMariadb(const DatabasePlaces& snapshots, DatabasePlaces places, std::filesystem::path scratch);
  ~RestoredMariadb();
  RestoredMariadb(const RestoredMariadb&) = delete;
  RestoredMariadb& operator=(const RestoredMariadb&) = delete;

  // Starts it, as after a power cut, looks at everything and stops it. What is wrong: it does not start, the
  // books are not balanced, a number up to `acknowledged` is missing, a table is damaged.
  [[nodiscard]] std::vector<std::string> violations(std::uint64_t acknowledged);

 private:
  std::filesystem::path scratch_;
  std::unique_ptr<MariadbServer> server_;
};

}  // namespace vss::test
