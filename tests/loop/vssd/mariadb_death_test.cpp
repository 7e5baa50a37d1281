// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 of whoever takes part, in each phase of a set, and SIGSTOP of the writer.
#include <nlohmann/json.hpp>

#include "tests/loop/vssd/mariadb_fixture.hpp"

namespace vss::test {
namespace {

constexpr auto kSessionLimit = 30s;
// The writer's window, which is a minute, and a little.
constexpr auto kIdleLimit = 75s;
constexpr std::size_t kWriters = 2;
constexpr const char* kWritersSessions =
    "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'mysql'";

class MariadbDeath : public MariadbTest, public testing::WithParamInterface<DeathRow> {
 protected:
  void start_on(bool one_instant) {
    use_filesystems(one_instant);
    start();
    add_brake();
    start_writer(kWriters);
  }
  // Both, of a transactional table and of the others, and a table can be made.
  bool can_be_written() {
    const std::string number = std::to_string(++written_);
    return answer("INSERT INTO ledger.witness VALUES (" + number + ")").empty() &&
           answer("INSERT INTO ledger.plain (client, number) VALUES (0, " + number + ")").empty() &&
           answer("CREATE OR REPLACE TABLE ledger.another (id INT)").empty();
  }

  int written_ = 0;
};

TEST_P(MariadbDeath, InAnyPhaseTheDatabaseGoesOnAndNoLockIsLeft) {
  const Victim victim = GetParam().victim;
  start_on(GetParam().one_instant);
  const auto has_lock = [](const std::string& phase) { return phase != "PostSnapshot"; };
  const DeathChecks checks{
      .before =
          [&](const std::string& phase) {
            if (!has_lock(phase)) return;
            EXPECT_TRUE(wait_until([&] { return answer(kWritersSessions) != "0"; }, kSessionLimit))
                << writer_->output();
            EXPECT_EQ(can_be_written(), phase == "PrepareForSnapshot") << "blind: nothing is blocked";
          },
      .kill_server =
          [&] {
            server_->kill9();
            server_->start();
          },
      .can_be_written = [&] { return can_be_written(); },
      .is_lost =
          [&](const std::string& phase) {
            return has_lock(phase) && (victim == Victim::Server || victim == Victim::Writer);
          },
      .nothing_is_left =
          [&] {
            EXPECT_TRUE(wait_until([&] { return answer(kWritersSessions) == "0"; }, kSessionLimit));
            EXPECT_EQ(answer("BACKUP STAGE START"), "") << "a stage is left";
          },
      .consistency = GetParam().one_instant ? "backup-stage-atomic" : "standstill"};
  expect_life_after_death(victim, checks, [&] { start_writer(kWriters); });
}

INSTANTIATE_TEST_SUITE_P(Victims, MariadbDeath,
                         testing::Values(DeathRow{"server", Victim::Server, true},
                                         DeathRow{"writer", Victim::Writer, true},
                                         DeathRow{"requester", Victim::Requester, true},
                                         DeathRow{"vssd", Victim::Vssd, true},
                                         DeathRow{"server_at_a_standstill", Victim::Server, false},
                                         DeathRow{"writer_at_a_standstill", Victim::Writer, false},
                                         DeathRow{"requester_at_a_standstill", Victim::Requester, false},
                                         DeathRow{"vssd_at_a_standstill", Victim::Vssd, false}),
                         [](const auto& row) { return row.param.name; });

using MariadbStopped = MariadbDeath;

// Nobody is there who would kill it, as systemd does: the server itself ends the session.
TEST_P(MariadbStopped, AWriterThatIsStoppedBetweenFreezeAndThawBlocksNobodyForLongerThanItsWindow) {
  start_on(GetParam().one_instant);
  const FreezeGuard guard = volumes_.guard(180s);
  Creation creation = begin_set_until("Freeze");
  ASSERT_FALSE(can_be_written()) << "blind: nothing is blocked";
  writer_->signal(SIGSTOP);
  let_go_on("Freeze");
  EXPECT_TRUE(wait_until([&] { return can_be_written(); }, kIdleLimit)) << writer_->output();
  EXPECT_EQ(answer("BACKUP STAGE START"), "") << "a stage is left";
  (void)creation.call->result();
  EXPECT_NE(failure_of_writer(*creation.requester), "");
  writer_->kill9();
}

INSTANTIATE_TEST_SUITE_P(Locks, MariadbStopped,
                         testing::Values(DeathRow{"in_the_last_stage", Victim::Writer, true},
                                         DeathRow{"at_a_standstill", Victim::Writer, false}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace vss::test
