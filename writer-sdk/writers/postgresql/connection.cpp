// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <new>

namespace vss::postgresql {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kSetUpLimit = 10s;

struct Clear {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, Clear>;

// Messages of libpq end with line breaks, and may have several.
std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& letter : text) {
    if (letter == '\n') letter = ' ';
  }
  return text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// PostgreSQL manual, appendix A. Who cannot log in gets no SQLSTATE from libpq, so some are known by their
// words; so are errors of our own.
std::string_view advice(const std::string& sqlstate, const std::string& message) {
  if (sqlstate.starts_with("28") || has(message, "authentication failed") || has(message, "pg_hba.conf"))
    return "run the writer as the account that owns the cluster, with a \"local ... peer\" line in "
           "pg_hba.conf, "
           "or map its account in pg_ident.conf";
  if (has(message, "role \"") && has(message, "does not exist"))
    return "set server.user to a superuser of the cluster, or run the writer as the account that owns it";
  if (has(message, "database \"") && has(message, "does not exist"))
    return "set server.database to one that there is";
  if (sqlstate == "53300" || has(message, "too many clients") || has(message, "too many connections") ||
      has(message, "connection slots are reserved"))
    return "raise max_connections, or try again when there are fewer sessions";
  if (sqlstate == "42501") return "the account must be a superuser of the cluster, which its owner is";
  if (sqlstate == "57P03" || has(message, "is starting up") || has(message, "is shutting down") ||
      has(message, "in recovery mode") || has(message, "not accepting connections"))
    return "try again when the server accepts connections";
  if (sqlstate == "53100" || has(message, "No space left"))
    return "make room on the volume that the message names, the one of the WAL above all, and try again";
  if (sqlstate == "55000" && has(message, "wal_level"))
    return "set wal_level to replica, or capture all volumes of the cluster at one instant";
  if (sqlstate.starts_with("08") || sqlstate.starts_with("57P") || has(message, "terminating connection") ||
      has(message, "server closed the connection"))
    return "the server has ended the session, and with it what was begun in it; its log says why; try again "
           "when it runs";
  if (has(message, "FATAL:")) return "";
  if (has(message, "connection to server"))
    return "start the server, or stop this writer while it is not to run";
  return "";
}

std::string with_advice(const std::string& message, const std::string& sqlstate) {
  const std::string_view what_to_do = advice(sqlstate, message);
  return what_to_do.empty() ? message : message + "; " + std::string(what_to_do);
}

}  // namespace

ServerError::ServerError(const std::string& message, std::string sqlstate)
    : ServerFailure(with_advice(one_line(message), sqlstate)), sqlstate_(std::move(sqlstate)) {}

void Connection::Finish::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }

Connection::Connection(const ServerSettings& server, std::chrono::milliseconds limit) {
  connect(server, Clock::now() + limit);
  // What an administrator has set for ordinary sessions must end neither this one nor a checkpoint.
  query(
      "SELECT set_config('search_path', 'pg_catalog', false), set_config('statement_timeout', '0', false), "
      "set_config('lock_timeout', '0', false)",
      {}, kSetUpLimit);
  // Longer than vssd waits between two events; a writer that stands still has no backup mode for ever.
  if (version() >= 140000) query("SELECT set_config('idle_session_timeout', '1h', false)", {}, kSetUpLimit);
  if (version() >= 170000) query("SELECT set_config('transaction_timeout', '0', false)", {}, kSetUpLimit);
}

void Connection::connect(const ServerSettings& server, TimePoint deadline) {
  const std::string port = std::to_string(server.port);
  // SQL_ASCII: paths come as the bytes that they are.
  const std::array<const char*, 7> keys{
      "host", "port", "user", "dbname", "application_name", "client_encoding", nullptr};
  const std::array<const char*, 7> values{server.socket_directory.c_str(),
                                          port.c_str(),
                                          server.user.empty() ? nullptr : server.user.c_str(),
                                          server.database.c_str(),
                                          "vss-writer-postgresql",
                                          "SQL_ASCII",
                                          nullptr};
  connection_.reset(PQconnectStartParams(keys.data(), values.data(), 0));
  if (!connection_) throw std::bad_alloc();
  if (PQstatus(connection_.get()) == CONNECTION_BAD) throw ServerError(PQerrorMessage(connection_.get()), "");
  for (PostgresPollingStatusType status = PGRES_POLLING_WRITING; status != PGRES_POLLING_OK;
       status = PQconnectPoll(connection_.get())) {
    if (status == PGRES_POLLING_FAILED) throw ServerError(PQerrorMessage(connection_.get()), "");
    wait(status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline, "connecting");
  }
  PQsetnonblocking(connection_.get(), 1);
}

int Connection::version() const { return PQserverVersion(connection_.get()); }

std::vector<Row> Connection::query(const std::string& statement, const std::vector<std::string>& parameters,
                                   std::chrono::milliseconds limit) {
  if (!connection_) throw ServerError("the session with the server has ended", "");
  const TimePoint deadline = Clock::now() + limit;
  send(statement, parameters);
  for (int left = 1; (left = PQflush(connection_.get())) > 0;) wait(POLLOUT, deadline, statement);
  std::vector<Row> rows;
  for (;;) {
    while (PQisBusy(connection_.get()) != 0) {
      wait(POLLIN, deadline, statement);
      if (PQconsumeInput(connection_.get()) == 0) throw ServerError(PQerrorMessage(connection_.get()), "");
    }
    const Result result(PQgetResult(connection_.get()));
    if (!result) return rows;
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail_with(result.get());
    for (int row = 0; row < PQntuples(result.get()); ++row) {
      Row& values = rows.emplace_back();
      for (int column = 0; column < PQnfields(result.get()); ++column)
        values.emplace_back(PQgetvalue(result.get(), row, column),
                            static_cast<std::size_t>(PQgetlength(result.get(), row, column)));
    }
  }
}

Row Connection::row(const std::string& statement, const std::vector<std::string>& parameters,
                    std::chrono::milliseconds limit) {
  std::vector<Row> rows = query(statement, parameters, limit);
  if (rows.size() != 1) throw ServerError(statement + ": one row was expected", "");
  return std::move(rows.front());
}

void Connection::send(const std::string& statement, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  if (PQsendQueryParams(connection_.get(), statement.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) == 0)
    throw ServerError(PQerrorMessage(connection_.get()), "");
}

void Connection::wait(short events, TimePoint deadline, const std::string& what) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left <= 0ms) give_up(what);
    pollfd socket{PQsocket(connection_.get()), events, 0};
    const int ready = ::poll(&socket, 1, static_cast<int>(left.count()));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
  }
}

// A session that is closed ends what runs in it: backup mode, and a statement as soon as the server looks.
void Connection::give_up(const std::string& what) {
  connection_.reset();
  throw ServerError(what + ": the server did not answer in time", "");
}

// Nothing is asked in a session in which something has failed.
void Connection::fail_with(const pg_result* result) {
  const char* const sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const ServerError error(PQresultErrorMessage(result), sqlstate == nullptr ? "" : sqlstate);
  connection_.reset();
  throw error;
}

}  // namespace vss::postgresql
