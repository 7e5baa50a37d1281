// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/connection.hpp"

#include <mysql.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <string_view>
#include <system_error>

namespace vss::mariadb {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kSetUpLimit = 10s;
// Longer than vssd waits between two events.
constexpr std::chrono::seconds kIdleLimit = 1h;
constexpr const char* kConnecting = "connecting";

struct Free {
  void operator()(MYSQL_RES* result) const noexcept { mysql_free_result(result); }
};
using Result = std::unique_ptr<MYSQL_RES, Free>;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

struct Advice {
  std::initializer_list<unsigned> numbers;  // MariaDB manual, "Error Codes"
  std::string_view text;
};

std::string_view advice(unsigned number, const std::string& message) {
  static const Advice known[] = {
      {{1045, 1698, 1524, 2059},
       "CREATE OR REPLACE USER mysql@localhost IDENTIFIED VIA unix_socket (or the account that the writer "
       "runs as) and "
       "GRANT it what vss-writer-mariadb(8) says"},
      {{1227, 1044, 1142, 1370}, "GRANT the account what vss-writer-mariadb(8) says"},
      {{2002, 2003},
       "start the server, or stop this writer while it is not to run; server.socket says where it is"},
      {{1205, kTimedOut, 3024},
       "a statement that is still running does not let go of what it uses, or another backup is under way: "
       "see "
       "SHOW PROCESSLIST, and let it end or KILL it, or raise snapshot.lock_timeout_ms"},
      {{1021, 1114}, "make room on the volume that the message or the server's log names, and try again"},
      {{2006, 2013, 1053, 1927, 1317, 4031},
       "the server has ended the session, and with it what was begun in it; try again when it runs"},
      {{1040, 1203}, "raise max_connections, or try again when there are fewer sessions"},
  };
  for (const Advice& entry : known) {
    if (std::ranges::find(entry.numbers, number) != entry.numbers.end()) return entry.text;
  }
  if (has(message, "No space left") || has(message, "error 28") || has(message, "Errcode: 28"))
    return "make room on the volume that the message or the server's log names, and try again";
  return "";
}

std::string with_advice(const std::string& message, unsigned number) {
  const std::string_view what_to_do = advice(number, message);
  return what_to_do.empty() ? message : message + "; " + std::string(what_to_do);
}

}  // namespace

ServerError::ServerError(const std::string& message, unsigned number)
    : ServerFailure(with_advice(message, number)), number_(number) {}

void Connection::Close::operator()(st_mysql* connection) const noexcept { mysql_close(connection); }

Connection::Connection(const ServerSettings& server, std::chrono::milliseconds limit) {
  connect(server, Clock::now() + limit);
  // What an administrator has set for ordinary sessions must end neither this one nor a flush.
  query(
      "SET SESSION wait_timeout = " + std::to_string(kIdleLimit.count()) + ", autocommit = 1, sql_mode = ''",
      kSetUpLimit);
  if (is_mariadb()) query("SET SESSION max_statement_time = 0", kSetUpLimit);
}

void Connection::connect(const ServerSettings& server, TimePoint deadline) {
  connection_.reset(mysql_init(nullptr));
  if (!connection_) throw std::bad_alloc();
  MYSQL* const mysql = connection_.get();
  mysql_options(mysql, MYSQL_OPT_NONBLOCK, nullptr);
  // Paths come as the bytes that they are.
  mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "binary");
  MYSQL* connected = nullptr;
  int wanted = mysql_real_connect_start(&connected, mysql, nullptr,
                                        server.user.empty() ? nullptr : server.user.c_str(), nullptr, nullptr,
                                        0, server.socket.c_str(), 0);
  while (wanted != 0)
    wanted = mysql_real_connect_cont(&connected, mysql, wait(wanted, deadline, kConnecting));
  if (connected == nullptr) fail("connecting to " + server.socket);
}

bool Connection::is_mariadb() const { return mariadb_connection(connection_.get()) != 0; }

unsigned long Connection::version() const { return mysql_get_server_version(connection_.get()); }

std::string Connection::version_text() const { return mysql_get_server_info(connection_.get()); }

std::vector<Row> Connection::query(const std::string& statement, std::chrono::milliseconds limit) {
  return run(statement, limit).rows;
}

std::vector<std::map<std::string, std::string>> Connection::table(const std::string& statement) {
  const Table found = run(statement, kLookLimit);
  std::vector<std::map<std::string, std::string>> named;
  for (const Row& row : found.rows) {
    auto& values = named.emplace_back();
    for (std::size_t column = 0; column < row.size(); ++column)
      values.emplace(found.columns.at(column), row[column]);
  }
  return named;
}

Connection::Table Connection::run(const std::string& statement, std::chrono::milliseconds limit) {
  if (!connection_) throw ServerError("the session with the server has ended");
  const TimePoint deadline = Clock::now() + limit;
  int error = 0;
  int wanted = mysql_real_query_start(&error, connection_.get(), statement.data(), statement.size());
  while (wanted != 0)
    wanted = mysql_real_query_cont(&error, connection_.get(), wait(wanted, deadline, statement));
  if (error != 0) fail(statement);
  return fetch(deadline, statement);
}

Connection::Table Connection::fetch(TimePoint deadline, const std::string& statement) {
  MYSQL_RES* stored = nullptr;
  int wanted = mysql_store_result_start(&stored, connection_.get());
  while (wanted != 0)
    wanted = mysql_store_result_cont(&stored, connection_.get(), wait(wanted, deadline, statement));
  const Result result(stored);
  if (!result && mysql_errno(connection_.get()) != 0) fail(statement);
  Table table;
  if (!result) return table;
  const MYSQL_FIELD* const fields = mysql_fetch_fields(result.get());
  for (unsigned column = 0; column < mysql_num_fields(result.get()); ++column)
    table.columns.emplace_back(fields[column].name);
  while (const MYSQL_ROW values = mysql_fetch_row(result.get())) {
    const unsigned long* const lengths = mysql_fetch_lengths(result.get());
    Row& row = table.rows.emplace_back();
    for (unsigned column = 0; column < mysql_num_fields(result.get()); ++column)
      row.emplace_back(values[column] == nullptr ? "" : values[column], lengths[column]);
  }
  return table;
}

std::map<std::string, std::string> Connection::values(const std::string& statement) {
  std::map<std::string, std::string> found;
  for (const Row& row : query(statement, kLookLimit)) {
    if (row.size() >= 2) found.emplace(row[0], row[1]);
  }
  return found;
}

int Connection::wait(int wanted, TimePoint deadline, const std::string& what) {
  short events = 0;
  if ((wanted & MYSQL_WAIT_READ) != 0) events |= POLLIN;
  if ((wanted & MYSQL_WAIT_WRITE) != 0) events |= POLLOUT;
  if ((wanted & MYSQL_WAIT_EXCEPT) != 0) events |= POLLPRI;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd socket{mysql_get_socket(connection_.get()), events, 0};
    const int ready = left <= 0ms ? 0 : ::poll(&socket, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) throw std::system_error(errno, std::generic_category(), "poll");
    if (ready == 0) {
      // The end of the session ends what runs in it; the server looks once a second.
      connection_.reset();
      throw ServerError(what + ": the server did not answer in time", what == kConnecting ? 0 : kTimedOut);
    }
    int happened = 0;
    if ((socket.revents & (POLLIN | POLLHUP | POLLERR)) != 0) happened |= wanted & MYSQL_WAIT_READ;
    if ((socket.revents & (POLLOUT | POLLHUP | POLLERR)) != 0) happened |= wanted & MYSQL_WAIT_WRITE;
    if ((socket.revents & POLLPRI) != 0) happened |= wanted & MYSQL_WAIT_EXCEPT;
    return happened;
  }
}

// Nothing is asked in a session in which something has failed.
void Connection::fail(const std::string& what) {
  const ServerError error(what + ": " + mysql_error(connection_.get()), mysql_errno(connection_.get()));
  connection_.reset();
  throw error;
}

}  // namespace vss::mariadb
