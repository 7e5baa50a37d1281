// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/mariadb_ledger.hpp"

#include <random>
#include <sstream>
#include <stdexcept>

#include "tests/support/account.hpp"
#include "tests/support/collect_wrong.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

namespace fs = std::filesystem;

constexpr int kAccounts = 500;

// Every transfer is in the journal and moves as much out of "near" as it moves into "far", so each of the
// three tells what the other two have to be. Then each client notes its transfers in "logged" and "plain", in
// this order: in one instant each of these has as many as the one before, or one less for the one under way.
constexpr const char* kMariadbBooks = R"(
  SELECT CASE WHEN n.sum + j.sum = 500000 AND f.sum - j.sum = 500000 THEN ''
    ELSE CONCAT('near ', n.sum, ', far ', f.sum, ', journal ', j.sum) END
  FROM (SELECT SUM(balance) AS sum FROM ledger.near) n, (SELECT SUM(balance) AS sum FROM ledger.far) f,
    (SELECT COALESCE(SUM(amount), 0) AS sum FROM ledger.journal) j)";
constexpr const char* kNotes = R"(
  SELECT CONCAT('client ', client, ': ', j, ' in the journal, last one ', jm, ', ', l, ' in logged, last one ', lm,
      ', ', p, ' in plain, last one ', pm)
  FROM (SELECT client, COUNT(*) AS j, MAX(number) AS jm FROM ledger.journal GROUP BY client) a
    LEFT JOIN (SELECT client, COUNT(*) AS l, MAX(number) AS lm FROM ledger.logged GROUP BY client) b USING (client)
    LEFT JOIN (SELECT client, COUNT(*) AS p, MAX(number) AS pm FROM ledger.plain GROUP BY client) c USING (client)
  WHERE NOT (j = jm AND l = lm AND p = pm AND j >= l AND l >= p AND p >= j - 1))";
constexpr const char* kMariadbWitness = "SELECT COUNT(*), COALESCE(MAX(number), 0) FROM ledger.witness";

std::string in(const fs::path& directory) { return " DATA DIRECTORY = '" + directory.string() + "'"; }

// None may be missing in between either: each was committed after the one before.
std::string missing_numbers(MariadbSession& session, std::uint64_t acknowledged) {
  const std::string numbers = session.run(kMariadbWitness);
  const std::uint64_t count = std::stoull(numbers);
  const std::uint64_t last = std::stoull(numbers.substr(numbers.find(' ')));
  if (count == last && last >= acknowledged) return "";
  return "count and last number " + numbers + ", acknowledged " + std::to_string(acknowledged);
}

// The lines for which `is_wanted`.
template <typename Predicate>
std::string lines_of(const std::string& text, const Predicate& is_wanted) {
  std::string found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (is_wanted(line)) found += line + "\n";
  }
  return found;
}

std::string damaged_tables(MariadbSession& session) {
  const std::string tables = session.run(
      "SELECT GROUP_CONCAT(CONCAT('`', TABLE_SCHEMA, '`.`', TABLE_NAME, '`')) FROM information_schema.TABLES "
      "WHERE TABLE_SCHEMA IN ('ledger', 'mysql') AND TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'CSV'");
  return lines_of(session.run("CHECK TABLE " + tables + " EXTENDED"),
                  [](const std::string& line) { return !line.ends_with("status OK"); });
}

// Pages that are newer than the log, above all.
std::string errors_in(const std::string& log) {
  return lines_of(log, [](const std::string& line) { return line.find("[ERROR]") != std::string::npos; });
}

}  // namespace

std::vector<std::string> ledger_schema(const fs::path& far) {
  const std::string noted =
      "(client INT NOT NULL, number BIGINT NOT NULL, text CHAR(100) NOT NULL DEFAULT 'x', "
      "KEY (client, number)) ENGINE = Aria ";
  return {
      "CREATE DATABASE ledger",
      "CREATE TABLE ledger.near (id INT PRIMARY KEY, balance BIGINT NOT NULL) ENGINE = InnoDB",
      "CREATE TABLE ledger.far (id INT PRIMARY KEY, balance BIGINT NOT NULL) ENGINE = InnoDB" + in(far),
      std::string("CREATE TABLE ledger.journal (client INT NOT NULL, number BIGINT NOT NULL, ") +
          "amount BIGINT NOT NULL, PRIMARY KEY (client, number), KEY (amount)) ENGINE = InnoDB",
      "CREATE TABLE ledger.witness (number BIGINT PRIMARY KEY) ENGINE = InnoDB" + in(far),
      "CREATE TABLE ledger.logged " + noted + "TRANSACTIONAL = 1" + in(far),
      "CREATE TABLE ledger.plain " + noted + "TRANSACTIONAL = 0 ROW_FORMAT = DYNAMIC",
      "INSERT INTO ledger.near SELECT seq, 1000 FROM ledger.seq_1_to_" + std::to_string(kAccounts),
      "INSERT INTO ledger.far SELECT seq, 1000 FROM ledger.seq_1_to_" + std::to_string(kAccounts),
  };
}

class MariadbLoad::Client {
 public:
  Client(const MariadbServer& server, int number, std::atomic<std::uint64_t>& transfers)
      : session_(server.connect()),
        random_(static_cast<unsigned>(number)),
        thread_([this, number, &transfers](std::uint64_t transfer) {
          run(std::to_string(number), std::to_string(transfer));
          ++transfers;
        }) {}
  void finish() { thread_.finish(); }

 private:
  std::string any(int least, int most) {
    return std::to_string(std::uniform_int_distribution<int>(least, most)(random_));
  }
  void run(const std::string& client, const std::string& transfer) {
    const std::string amount = any(-100, 100);
    session_.run("START TRANSACTION");
    session_.run("UPDATE ledger.near SET balance = balance - (" + amount +
                 ") WHERE id = " + any(1, kAccounts));
    session_.run("UPDATE ledger.far SET balance = balance + (" + amount +
                 ") WHERE id = " + any(1, kAccounts));
    const std::string transfer_of_client = "(" + client + ", " + transfer;
    session_.run("INSERT INTO ledger.journal VALUES " + transfer_of_client + ", " + amount + ")");
    session_.run("COMMIT");
    session_.run("INSERT INTO ledger.logged (client, number) VALUES " + transfer_of_client + ")");
    session_.run("INSERT INTO ledger.plain (client, number) VALUES " + transfer_of_client + ")");
  }

  MariadbSession session_;
  std::mt19937 random_;
  Repeater thread_;
};

MariadbLoad::MariadbLoad(const MariadbServer& server, int clients) {
  for (int number = 1; number <= clients; ++number)
    clients_.push_back(std::make_unique<Client>(server, number, transfers_));
}

MariadbLoad::~MariadbLoad() = default;

void MariadbLoad::finish() {
  for (const auto& client : clients_) client->finish();
}

MariadbWitness::MariadbWitness(const MariadbServer& server) : session_(server.connect()) {
  thread_ = std::make_unique<Repeater>([this](std::uint64_t number) {
    session_.run("INSERT INTO ledger.witness VALUES (" + std::to_string(number) + ")");
    acknowledged_ = number;
  });
}

MariadbWitness::~MariadbWitness() { thread_.reset(); }

RestoredMariadb::RestoredMariadb(const DatabasePlaces& snapshots, DatabasePlaces places, fs::path scratch)
    : scratch_(std::move(scratch)) {
  make_directory_of(kMariadbAccount, scratch_);
  fs::permissions(scratch_, fs::perms(0755));
  const DatabasePlaces copies{scratch_ / "data", scratch_ / "log", scratch_ / "far"};
  run_program({"cp", "-a", "--reflink=auto", snapshots.data, copies.data});
  run_program({"cp", "-a", "--reflink=auto", snapshots.log, copies.log});
  run_program({"cp", "-a", "--reflink=auto", snapshots.far, copies.far});
  server_ = std::make_unique<MariadbServer>(std::move(places), scratch_ / "run", copies);
}

RestoredMariadb::~RestoredMariadb() {
  server_.reset();
  std::error_code ignored;
  fs::remove_all(scratch_, ignored);
}

std::vector<std::string> RestoredMariadb::violations(std::uint64_t acknowledged) {
  std::vector<std::string> wrong;
  collect_wrong(wrong, [&] {
    server_->start();
    return "";
  });
  if (!wrong.empty()) return wrong;
  collect_wrong(wrong, [&] {
    MariadbSession session = server_->connect();
    session.run("SET SESSION group_concat_max_len = 1000000");
    collect_wrong(wrong, [&] { return damaged_tables(session); });
    collect_wrong(wrong, [&] { return session.run(kMariadbBooks); });
    collect_wrong(wrong, [&] { return session.run(kNotes); });
    collect_wrong(wrong, [&] { return missing_numbers(session, acknowledged); });
    return "";
  });
  collect_wrong(wrong, [&] {
    server_->stop();
    return errors_in(server_->log());
  });
  return wrong;
}

}  // namespace vss::test
