// SPDX-License-Identifier: LGPL-2.1-or-later
// What is on a set is a MariaDB that starts and has all that was acknowledged, on one filesystem and on two.
#include <gmock/gmock.h>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/loop/vssd/mariadb_fixture.hpp"
#include "tests/support/account.hpp"
#include "tests/support/requester.hpp"
#include "tests/support/scripted_writer.hpp"

namespace vss::test {
namespace {

using nlohmann::json;

constexpr int kClients = 3;
constexpr int kSets = 30;
constexpr int kControlRounds = 60;

// One text of all; "" if there is none.
std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

class MariadbSets : public MariadbTest {
 protected:
  // Load, and a writer of our own that notes in its Freeze what has been acknowledged by then.
  void start_load() {
    load_ = std::make_unique<MariadbLoad>(*server_, kClients);
    witness_ = std::make_unique<MariadbWitness>(*server_);
    ASSERT_TRUE(wait_until([&] { return witness_->acknowledged() > 20 && load_->transfers() > 50; }, 60s));
  }
  void add_clock() {
    add_writer("clock", volumes_of_.data,
               {{"freeze", [this](Session&) { at_freeze_ = witness_->acknowledged(); }}});
  }
  ~MariadbSets() override { writers_.clear(); }

  // Sets under load, of which each is a server that has everything; what the writer says of the last one.
  json every_set_is_whole(const std::string& consistency) {
    start_load();
    add_clock();
    start_writer(2);
    json metadata;
    for (int i = 0; i < kSets && !HasFailure(); ++i) {
      SCOPED_TRACE(i);
      const FreezeGuard guard = volumes_.guard();
      const std::uint64_t before = witness_->acknowledged();
      const std::uint64_t transfers = load_->transfers();
      const Made made = make_set_of_database(members(), {"clock"});
      EXPECT_EQ(made.error, "") << made.message;
      if (!made.error.empty()) break;
      EXPECT_EQ(made.consistency, consistency) << made.reason;
      metadata = metadata_of(made);
      EXPECT_GE(at_freeze_, before) << "no Freeze in this set";
      EXPECT_EQ(lines(RestoredMariadb(shown_by(made), places(), scratch()).violations(at_freeze_)), "");
      EXPECT_TRUE(wait_until([&] { return load_->transfers() > transfers + kClients; }, 30s))
          << "the load stands";
      EXPECT_EQ(made.release(), "");
    }
    std::printf("%d sets, %llu numbers of the witness, %llu transfers\n", kSets,
                static_cast<unsigned long long>(witness_->acknowledged()),
                static_cast<unsigned long long>(load_->transfers()));
    load_->finish();
    EXPECT_EQ(leftovers(), std::vector<std::string>());
    return metadata;
  }

  std::unique_ptr<MariadbLoad> load_;
  std::unique_ptr<MariadbWitness> witness_;
  std::atomic<std::uint64_t> at_freeze_ = 0;
};

TEST_F(MariadbSets, EverySnapshotOfOneInstantStartsAndHasWhatWasAcknowledged) {
  use_one_filesystem();
  start();
  const json metadata = every_set_is_whole("cut");
  EXPECT_EQ(metadata.at("consistency"), "backup-stage-atomic");
  EXPECT_EQ(metadata.at("binlog_file"), "binlog.000001") << metadata;
  EXPECT_GT(metadata.at("binlog_position"), 0) << metadata;
  EXPECT_EQ(metadata.at("gtid").get<std::string>().find("0-1-"), 0U) << metadata;
}

TEST_F(MariadbSets, VolumesOfTwoFilesystemsAreCapturedAtAStandstill) {
  use_two_filesystems();
  start();
  EXPECT_EQ(every_set_is_whole("per-volume").at("consistency"), "standstill");
}

// An old view keeps purging from its end, temporary tables are written by nobody, and a transaction that is
// rolled back is written under any lock.
TEST_F(MariadbSets, AStandstillIsReachedWithOldViewsAndTemporaryTablesAndNoneIfInnodbWrites) {
  use_two_filesystems();
  start();
  start_writer();
  MariadbSession view = server_->connect();
  view.run("START TRANSACTION WITH CONSISTENT SNAPSHOT");
  server_->connect().run("UPDATE ledger.near SET balance = balance + 1");
  MariadbSession open = server_->connect();
  open.run("START TRANSACTION");
  open.run("UPDATE ledger.far SET balance = balance + 1");
  std::vector<MariadbSession> temporary;
  for (const char* engine : {"Aria", "MyISAM", "InnoDB"}) {
    MariadbSession& session = temporary.emplace_back(server_->connect());
    session.run(std::string("CREATE TEMPORARY TABLE ledger.filled (id INT KEY, text CHAR(200)) ENGINE = ") +
                engine);
    session.run("INSERT INTO ledger.filled SELECT seq, seq FROM ledger.seq_1_to_2000");
  }
  EventLog log;
  std::atomic<bool> rolls_back = false;
  // Frozen last: the standstill has been reached.
  ScriptedWriter last(
      log, "last",
      {.level = VSS_LEVEL_SYSTEM, .data = volumes_of_.data, .in_handler = [&](const HandlerCall& call) {
         if (call.told.event == "Freeze" && rolls_back) open.run("ROLLBACK");
       }});
  last.start();
  const FreezeGuard guard = volumes_.guard();
  const Made made = make_set_of_database(members(), {"last"});
  ASSERT_EQ(made.error, "") << made.message;
  ASSERT_EQ(failure_of_writer(*made.requester), "");
  EXPECT_EQ(metadata_of(made).at("consistency"), "standstill");
  EXPECT_EQ(made.release(), "");

  // The counters of all that is not written begin anew, and wrap around.
  server_->connect().run("FLUSH STATUS");
  temporary.clear();
  const Made wrapped = make_set_of_database(members(), {"last"});
  EXPECT_EQ(failure_of_writer(*wrapped.requester), "") << wrapped.message;
  EXPECT_EQ(wrapped.release(), "");

  rolls_back = true;
  const Made spoiled = make_set_of_database(members(), {"last"});
  const std::string failure = failure_of_writer(*spoiled.requester);
  EXPECT_NE(failure.find("InnoDB has written"), std::string::npos) << spoiled.message << failure;
  EXPECT_EQ(spoiled.release(), "");
  EXPECT_EQ(answer("INSERT INTO ledger.witness VALUES (1)"), "");
}

// The account is as the installation has made it, with all rights.
TEST_F(MariadbSets, ARelayLogThatGrowsOnAnotherVolumeIsRefusedAtAStandstill) {
  use_two_filesystems();
  rights_ = Rights::AsInstalled;
  start();
  start_writer();
  const FreezeGuard guard = volumes_.guard();
  const auto failure_after = [&](const std::string& statement) {
    server_->connect().run(statement);
    const Made made = make_set_of_database(members());
    std::string failure = failure_of_writer(*made.requester);
    if (failure.empty()) {
      EXPECT_THAT(metadata_of(made).at("places"), testing::Contains(relay_logs_of(places()).string()));
    }
    EXPECT_EQ(made.release(), "");
    return failure;
  };
  server_->connect().run(
      "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'x', MASTER_USE_GTID = no");
  EXPECT_THAT(failure_after("START SLAVE IO_THREAD"), testing::HasSubstr("STOP SLAVE IO_THREAD"));
  EXPECT_EQ(failure_after("STOP SLAVE IO_THREAD"), "");
  server_->connect().run("CHANGE MASTER TO MASTER_USE_GTID = slave_pos");
  EXPECT_EQ(failure_after("START SLAVE IO_THREAD"), "");
}

// If what the tests above look at does not see what these two make, they see nothing.
TEST_F(MariadbSets, OneInstantWithoutStagesBreaksTablesWithoutTransactions) {
  use_one_filesystem();
  start();
  start_load();
  std::string seen;
  int rounds = 0;
  while (seen.empty() && rounds < kControlRounds && !HasFailure()) {
    ++rounds;
    const FreezeGuard guard = volumes_.guard();
    const std::uint64_t before = witness_->acknowledged();
    const Made made = make_set(members(), {.context = "file-share-backup"});
    ASSERT_EQ(made.error, "") << made.message;
    auto wrong = RestoredMariadb(shown_by(made), places(), scratch()).violations(before);
    // A table that is only marked as in use has lost nothing.
    std::erase_if(wrong, [](const std::string& text) {
      return text.find("ledger.plain check error") == std::string::npos;
    });
    seen = lines(wrong);
    ASSERT_EQ(made.release(), "");
  }
  EXPECT_NE(seen, "") << "blind: " << rounds << " sets without the writer all look whole";
  std::printf("seen in set %d: %s\n", rounds, seen.substr(0, 400).c_str());
}

// The volumes one after the other, and in between what a server may do in any stage: change pages without a
// commit, write them, and let the log begin after them. Nothing then takes the change back.
TEST_F(MariadbSets, TwoInstantsInTheLastStageBreakInnodb) {
  use_two_filesystems();
  start();
  start_load();
  MariadbSession stages = server_->connect();
  for (const char* name : {"START", "FLUSH", "BLOCK_DDL", "BLOCK_COMMIT"})
    stages.run(std::string("BACKUP STAGE ") + name);
  const FreezeGuard guard = volumes_.guard();
  const Made data = make_set({volumes_of_.data}, {.context = "file-share-backup"});
  ASSERT_EQ(data.error, "") << data.message;
  MariadbSession transaction = server_->connect();
  transaction.run("START TRANSACTION");
  transaction.run("UPDATE ledger.near SET balance = balance + 1");
  transaction.run("UPDATE ledger.far SET balance = balance + 1");  // its undo log lies where the data are
  transaction.run("SET GLOBAL innodb_log_checkpoint_now = 1");
  const Made others = make_set({volumes_of_.log, volumes_of_.far}, {.context = "file-share-backup"});
  ASSERT_EQ(others.error, "") << others.message;
  stages.run("BACKUP STAGE END");

  const DatabasePlaces snapshots = places_below(
      {data.of(volumes_of_.data).path, others.of(volumes_of_.log).path, others.of(volumes_of_.far).path});
  auto wrong = RestoredMariadb(snapshots, places(), scratch()).violations(0);
  std::erase_if(wrong, [](const std::string& text) {
    return text.find("InnoDB") == std::string::npos && !text.starts_with("near ");
  });
  EXPECT_NE(lines(wrong), "") << "blind, or stages suffice";
  std::printf("seen: %s\n", lines(wrong).substr(0, 400).c_str());
  EXPECT_EQ(data.release(), "");
  EXPECT_EQ(others.release(), "");
}

TEST_F(MariadbSets, ASetWithoutOneOfTheVolumesFailsBeforeAnythingIsFrozen) {
  use_one_filesystem();
  start();
  witness_ = std::make_unique<MariadbWitness>(*server_);
  add_clock();
  start_writer(2);
  const auto stages = [&] { return server_->connect().run("SHOW GLOBAL STATUS LIKE 'Com_backup'"); };
  const std::string before = stages();
  for (const auto& missing : {volumes_of_.log, volumes_of_.far}) {
    SCOPED_TRACE(missing);
    Paths rest = members();
    std::erase(rest, missing);
    const FreezeGuard guard = volumes_.guard();
    const Made made = make_set_of_database(rest, {"clock"});
    EXPECT_NE(made.error, "");
    EXPECT_NE(made.message.find(missing), std::string::npos) << made.error << ": " << made.message;
    EXPECT_EQ(made.release(), "");
  }
  EXPECT_EQ(writers_.front()->count("freeze"), 0U);
  EXPECT_EQ(stages(), before);

  const FreezeGuard guard = volumes_.guard();
  const Made whole = make_set_of_database(members(), {"clock"});
  EXPECT_EQ(whole.error, "") << whole.message;
  EXPECT_NE(stages(), before) << "blind: the server does not count stages";
  EXPECT_EQ(whole.release(), "");
}

TEST_F(MariadbSets, ATableInAPlaceOfItsOwnMadeMeanwhileFailsTheSet) {
  use_one_filesystem();
  start();
  start_writer();
  for (const auto& [volume, why] : late_volumes()) {
    const std::string place = volume / "late";
    make_directory_of(kMariadbAccount, place);
    const FreezeGuard guard = volumes_.guard();
    const Made made = make_set_of_database(members(), {}, [&] {
      server_->connect().run("CREATE TABLE ledger.late (id INT) ENGINE = InnoDB DATA DIRECTORY = '" + place +
                             "'");
    });
    EXPECT_NE(made.error, "") << "a set without the database";
    EXPECT_THAT(made.message, testing::AllOf(testing::HasSubstr(place),
                                             testing::HasSubstr("(volume " + volume.string() + ")"),
                                             testing::HasSubstr(why)));
    EXPECT_EQ(made.release(), "");
    server_->connect().run("DROP TABLE ledger.late");
  }
}

struct Obstacle {
  const char* name;
  bool one_instant;
  // What another session has begun, does not end, and the writer has to wait for.
  std::vector<std::string> statements;
  friend void PrintTo(const Obstacle& obstacle, std::ostream* out) { *out << obstacle.name; }
};

class MariadbLocks : public MariadbTest, public testing::WithParamInterface<Obstacle> {
 protected:
  // A session of its own, whose last statement is under way.
  struct Busy {
    explicit Busy(const MariadbServer& server, const std::vector<std::string>& statements)
        : session(server.connect()), id(session.run("SELECT CONNECTION_ID()")) {
      thread = std::make_unique<std::thread>([this, statements] {
        try {
          for (const std::string& statement : statements) (void)session.run(statement);
        } catch (const std::runtime_error&) {
          // It is killed at the end.
        }
      });
    }
    ~Busy() { thread->join(); }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    MariadbSession session;
    std::string id;
    std::unique_ptr<std::thread> thread;
  };
};

TEST_P(MariadbLocks, WhoHoldsThemTooLongFailsTheSetAndNothingElse) {
  use_filesystems(GetParam().one_instant);
  start();
  start_writer(1, "[snapshot]\nlock_timeout_ms = 1000\n");
  server_->connect().run("INSERT INTO ledger.plain (client, number) VALUES (0, 1)");
  const FreezeGuard guard = volumes_.guard();
  {
    const Busy busy(*server_, GetParam().statements);
    ASSERT_TRUE(wait_until(
        [&] {
          return server_->connect().run("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = " +
                                        busy.id + " AND STATE = 'User sleep'") == "1";
        },
        10s));
    const Made made = make_set_of_database(members());
    const std::string failure = failure_of_writer(*made.requester);
    EXPECT_NE(failure.find("SHOW PROCESSLIST"), std::string::npos) << made.message << failure;
    EXPECT_EQ(answer("INSERT INTO ledger.witness VALUES (1)"), "") << "nobody waits any more";
    EXPECT_EQ(made.release(), "");
    server_->connect().run("KILL " + busy.id);
  }
  EXPECT_EQ(answer("BACKUP STAGE START"), "") << "the stage has ended";
  const Made again = make_set_of_database(members());
  EXPECT_EQ(again.error, "") << again.message;
  EXPECT_EQ(again.release(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Statements, MariadbLocks,
    testing::Values(
        Obstacle{"AWriteWithoutTransaction", true, {"UPDATE ledger.plain SET number = number + SLEEP(600)"}},
        Obstacle{"AnotherBackup", true, {"BACKUP STAGE START", "DO SLEEP(600)"}},
        Obstacle{"AnUpdateBeforeAStandstill",
                 false,
                 {"UPDATE ledger.near SET balance = balance + SLEEP(600) WHERE id = 1"}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(MariadbTest, WhoIsNotLetInIsToldWhatToGrant) {
  use_one_filesystem();
  start();
  start_writer();
  const FreezeGuard guard = volumes_.guard();
  const auto failure_without = [&](const std::string& statement) {
    server_->connect().run(statement);
    const Made made = make_set_of_database(members());
    std::string failure = failure_of_writer(*made.requester);
    EXPECT_EQ(made.release(), "");
    return failure;
  };
  const std::string without_right = failure_without("REVOKE RELOAD ON *.* FROM mysql@localhost");
  EXPECT_NE(without_right.find("GRANT the account"), std::string::npos) << without_right;
  const std::string without_account = failure_without("DROP USER mysql@localhost");
  EXPECT_NE(without_account.find("IDENTIFIED VIA unix_socket"), std::string::npos) << without_account;
}

}  // namespace
}  // namespace vss::test
