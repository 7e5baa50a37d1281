// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A MariaDB whose data directory, logs and some tables lie in different places, with a ledger in it whose
// books show what is missing, and servers on copies of it. Nothing here listens to TCP; everything runs as
// the account mysql and dies with its object, and with the test.

#include <sys/types.h>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/loop/vssd/counter_writers.hpp"
#include "tests/loop/vssd/database_places.hpp"
#include "tests/support/child_process.hpp"

struct st_mysql;

namespace vss::test {

inline constexpr const char* kMariadbAccount = "mysql";

// Of relay logs: beside the others, and empty as long as the server is no replica.
[[nodiscard]] std::filesystem::path relay_logs_of(const DatabasePlaces& places);

class MariadbSession {
 public:
  // As root, to the server with that socket. Throws std::runtime_error, as run() does.
  explicit MariadbSession(const std::filesystem::path& socket);
  // The rows, their columns with spaces between them; "" if there is none.
  std::string run(const std::string& sql);

 private:
  std::unique_ptr<st_mysql, void (*)(st_mysql*)> connection_;
};

class MariadbServer {
 public:
  // `directory`, which is made, gets the socket, the configuration and the logs. With `copies` the server
  // sees these in the places, and nobody else does. It is not started yet.
  MariadbServer(DatabasePlaces places, std::filesystem::path directory,
                std::optional<DatabasePlaces> copies = std::nullopt);
  // Ends it as a power cut would; prints its last log if the running test has failed.
  ~MariadbServer();
  MariadbServer(const MariadbServer&) = delete;
  MariadbServer& operator=(const MariadbServer&) = delete;

  // Returns when it takes connections; throws std::runtime_error with its log.
  void start(std::chrono::seconds limit = std::chrono::seconds(60));
  // Clean; throws std::runtime_error if it was not.
  void stop();
  void kill9();
  [[nodiscard]] std::filesystem::path socket() const { return directory_ / "socket"; }
  [[nodiscard]] MariadbSession connect() const { return MariadbSession(socket()); }
  [[nodiscard]] std::string log() const { return process_ ? process_->output() : last_log_; }

 private:
  DatabasePlaces places_;
  std::filesystem::path directory_;
  std::optional<DatabasePlaces> copies_;
  std::optional<ChildProcess> process_;
  std::string last_log_;
  int starts_ = 0;
};

// What the writer's account may do: as vss-writer-mariadb(8) says, or all, as the installation makes it.
enum class Rights { OneInstant, SeveralInstants, AsInstalled };

// Makes a server there with the ledger and the writer's account, and starts it. `directory` as above.
[[nodiscard]] std::unique_ptr<MariadbServer> make_mariadb(const DatabasePlaces& places,
                                                          const std::filesystem::path& directory,
                                                          Rights rights);

}  // namespace vss::test
