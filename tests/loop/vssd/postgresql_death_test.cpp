// SPDX-License-Identifier: LGPL-2.1-or-later
// kill -9 of whoever takes part, in each phase of a set.
#include <nlohmann/json.hpp>

#include "tests/loop/vssd/postgresql_fixture.hpp"

namespace vss::test {
namespace {

constexpr auto kEndLimit = 10s;
constexpr std::size_t kWriters = 2;
// A session in backup mode would be one of these.
constexpr const char* kWritersSessions =
    "select count(*) from pg_stat_activity where application_name = 'vss-writer-postgresql'";

class PostgresDeath : public PostgresTest, public testing::WithParamInterface<DeathRow> {};

TEST_P(PostgresDeath, InAnyPhaseTheDatabaseGoesOnAndNoBackupModeIsLeft) {
  const bool one_instant = GetParam().one_instant;
  const Victim victim = GetParam().victim;
  use_filesystems(one_instant);
  start();
  add_brake();
  start_writer(kWriters);
  // In PostSnapshot it may have ended already.
  const auto has_session = [&](const std::string& phase) { return !one_instant && phase != "PostSnapshot"; };
  const DeathChecks checks{
      .before =
          [&](const std::string& phase) {
            if (!has_session(phase)) return;
            EXPECT_TRUE(wait_until([&] { return answer(kWritersSessions) == "1"; }, kEndLimit))
                << writer_->output();
          },
      .kill_server =
          [&] {
            server_->kill9();
            server_->start();
          },
      .can_be_written =
          [&] { return answer("insert into journal(amount) values (0) returning 'done'") == "done"; },
      .is_lost =
          [&](const std::string& phase) {
            return has_session(phase) && (victim == Victim::Server || victim == Victim::Writer);
          },
      .nothing_is_left =
          [&] {
            EXPECT_TRUE(wait_until([&] { return answer(kWritersSessions) == "0"; }, kEndLimit))
                << answer(kWritersSessions);
          },
      .consistency = one_instant ? "crash-consistent-atomic" : "backup-mode"};
  expect_life_after_death(victim, checks, [&] { start_writer(kWriters); });
}

INSTANTIATE_TEST_SUITE_P(Victims, PostgresDeath,
                         testing::Values(DeathRow{"server", Victim::Server, true},
                                         DeathRow{"writer", Victim::Writer, true},
                                         DeathRow{"requester", Victim::Requester, true},
                                         DeathRow{"vssd", Victim::Vssd, true},
                                         DeathRow{"server_in_backup_mode", Victim::Server, false},
                                         DeathRow{"writer_in_backup_mode", Victim::Writer, false},
                                         DeathRow{"requester_in_backup_mode", Victim::Requester, false},
                                         DeathRow{"vssd_in_backup_mode", Victim::Vssd, false}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace vss::test
