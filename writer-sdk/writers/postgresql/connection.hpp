// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One session with a PostgreSQL server, in which nothing waits longer than it is told to. One thread at a
// time.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "writer-sdk/writers/common/server_failure.hpp"
#include "writer-sdk/writers/postgresql/config.hpp"

struct pg_conn;
struct pg_result;

namespace vss::postgresql {

// What the server or libpq said, and what to do about it.
class ServerError : public writers::ServerFailure {
 public:
  ServerError(const std::string& message, std::string sqlstate);
  // Five letters, PostgreSQL appendix A; "" if it came from no server.
  [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }

 private:
  std::string sqlstate_;
};

using Row = std::vector<std::string>;

// For statements that only look at something.
inline constexpr std::chrono::seconds kLookLimit{10};

class Connection {
 public:
  // Connects. Errors: ServerError.
  Connection(const ServerSettings& server, std::chrono::milliseconds limit);

  // As the server counts them: 90624, 150004.
  [[nodiscard]] int version() const;

  // Runs one statement; parameters are $1 and so on. NULL comes as "". Errors: ServerError; the session
  // has ended then.
  std::vector<Row> query(const std::string& statement, const std::vector<std::string>& parameters,
                         std::chrono::milliseconds limit);
  // The same for a statement that gives one row.
  Row row(const std::string& statement, const std::vector<std::string>& parameters,
          std::chrono::milliseconds limit);

 private:
  struct Finish {
    void operator()(pg_conn* connection) const noexcept;
  };
  using TimePoint = std::chrono::steady_clock::time_point;

  void connect(const ServerSettings& server, TimePoint deadline);
  void send(const std::string& statement, const std::vector<std::string>& parameters);
  void wait(short events, TimePoint deadline, const std::string& what);
  [[noreturn]] void give_up(const std::string& what);
  [[noreturn]] void fail_with(const pg_result* result);

  std::unique_ptr<pg_conn, Finish> connection_;
};

}  // namespace vss::postgresql
