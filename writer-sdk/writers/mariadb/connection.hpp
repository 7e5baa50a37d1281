// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One session with a server, in which nothing waits longer than it is told to. One thread at a time.

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "writer-sdk/writers/common/server_failure.hpp"
#include "writer-sdk/writers/mariadb/config.hpp"

struct st_mysql;

namespace vss::mariadb {

// What the server or the library said, and what to do about it.
class ServerError : public writers::ServerFailure {
 public:
  explicit ServerError(const std::string& message, unsigned number = 0);
  // Of the server or the library; 0 for an error of our own.
  [[nodiscard]] unsigned number() const noexcept { return number_; }

 private:
  unsigned number_;
};

// The number of an error that says that there was no answer in time; ER_STATEMENT_TIMEOUT, as if of the
// server.
inline constexpr unsigned kTimedOut = 1969;

using Row = std::vector<std::string>;

// For statements that only look at something.
inline constexpr std::chrono::seconds kLookLimit{10};

class Connection {
 public:
  // Connects. Errors: ServerError.
  Connection(const ServerSettings& server, std::chrono::milliseconds limit);

  [[nodiscard]] bool is_mariadb() const;
  // 101119 for 10.11.19.
  [[nodiscard]] unsigned long version() const;
  // "10.11.19-MariaDB".
  [[nodiscard]] std::string version_text() const;

  // Runs one statement. NULL comes as "". Errors: ServerError; the session has ended then, and with it every
  // lock that it had.
  std::vector<Row> query(const std::string& statement, std::chrono::milliseconds limit);
  // The same for one that only looks, with the names of the columns.
  std::vector<std::map<std::string, std::string>> table(const std::string& statement);
  // The two columns of all rows: names and values, as SHOW has them.
  std::map<std::string, std::string> values(const std::string& statement);

 private:
  struct Close {
    void operator()(st_mysql* connection) const noexcept;
  };
  using TimePoint = std::chrono::steady_clock::time_point;

  void connect(const ServerSettings& server, TimePoint deadline);
  // Waits for what a function of the library asks for, and returns what has come of it.
  [[nodiscard]] int wait(int wanted, TimePoint deadline, const std::string& what);
  struct Table {
    Row columns;
    std::vector<Row> rows;
  };
  Table run(const std::string& statement, std::chrono::milliseconds limit);
  Table fetch(TimePoint deadline, const std::string& statement);
  [[noreturn]] void fail(const std::string& what);

  std::unique_ptr<st_mysql, Close> connection_;
};

}  // namespace vss::mariadb
