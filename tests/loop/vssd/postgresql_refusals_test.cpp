// SPDX-License-Identifier: LGPL-2.1-or-later
// What cannot be saved is refused, and no set is made without it; the message says what to do.
#include <gmock/gmock.h>
#include <fstream>

#include "tests/loop/vssd/postgresql_fixture.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr auto kArchiverLimit = 90s;

class PostgresRefusals : public PostgresTest {
 protected:
  std::string refusal(const std::function<void()>& late = {}) {
    const FreezeGuard guard = volumes_.guard();
    const Made made = make_set_of_database(members(), {}, late);
    EXPECT_NE(made.error, "") << "a set without the database";
    EXPECT_EQ(made.release(), "");
    return made.message;
  }
  // A failure that no longer stops the set.
  std::string failure_of_set(const std::function<void()>& late = {}) {
    const FreezeGuard guard = volumes_.guard();
    const Made made = make_set_of_database(members(), {}, late);
    EXPECT_EQ(made.error, "") << made.message;
    std::string failure = failure_of_writer(*made.requester);
    EXPECT_EQ(made.release(), "");
    return failure;
  }
  void run(const std::string& statement) const { server_->connect().run(statement); }
  void alter_system(const std::string& what) const {
    run("alter system " + what);
    run("select pg_reload_conf()");
  }
  // The next segment goes into the archive, or does not.
  void switch_wal_until(const std::string& fact) const {
    run("insert into journal(amount) values (0)");
    run("select pg_switch_wal()");
    EXPECT_TRUE(wait_until([&] { return answer("select " + fact + " from pg_stat_archiver") == "t"; },
                           kArchiverLimit));
  }
  void start_again() const {
    server_->stop();
    server_->start();
  }
};

TEST_F(PostgresRefusals, WhoIsNotLetInIsToldHowToBe) {
  use_one_filesystem();
  start();
  start_writer(1, "user = \"stranger\"\n");
  for (const auto& [rule, advice] : {std::pair("peer", "pg_ident.conf"), {"trust", "set server.user"}}) {
    std::ofstream(places().data / "pg_hba.conf")
        << "local all postgres trust\nlocal all all " << rule << '\n';
    run("select pg_reload_conf()");
    // The server reads it when it comes to it.
    std::string message;
    EXPECT_TRUE(wait_until(
        [&] {
          message = refusal();
          return message.find(advice) != std::string::npos;
        },
        10s))
        << message;
  }
}

TEST_F(PostgresRefusals, BackupModeNeedsAPrimaryWithAnArchiveThatWorks) {
  use_two_filesystems();
  start();
  start_writer(1, "[snapshot]\nmode = \"atomic\"\n");
  EXPECT_THAT(refusal(), HasSubstr("mode = \"atomic\""));

  start_writer(1, "[snapshot]\ncheckpoint_timeout_ms = 8000\n");
  alter_system("set archive_command = ''");
  ASSERT_TRUE(wait_until([&] { return answer("show archive_command").empty(); }, 10s));
  EXPECT_THAT(refusal(), HasSubstr("set archive_command"));

  alter_system("set archive_command = 'false'");
  switch_wal_until("failed_count > 0");
  EXPECT_THAT(refusal(), HasSubstr("mend archive_command"));

  const std::string mended = "last_archived_time > last_failed_time";
  alter_system("reset archive_command");
  switch_wal_until(mended);
  EXPECT_EQ(failure_of_set(), "");

  // It fails when it is too late to refuse.
  EXPECT_THAT(failure_of_set([&] { alter_system("set archive_command = 'false'"); }),
              AllOf(HasSubstr("cannot be restored before the WAL"), HasSubstr("mend archive_command")));
  alter_system("reset archive_command");
  switch_wal_until(mended);
  EXPECT_EQ(failure_of_set(), "");

  alter_system("set archive_mode = off");
  start_again();
  EXPECT_THAT(refusal(), HasSubstr("archive_mode is off: set it"));

  server_->stop();
  std::ofstream(places().data / "standby.signal").flush();
  server_->start();
  EXPECT_THAT(refusal(), HasSubstr("the cluster is a standby"));
}

TEST_F(PostgresRefusals, ATablespaceMadeMeanwhileFailsTheSet) {
  use_one_filesystem();
  start();
  start_writer();
  for (const auto& [volume, why] : late_volumes()) {
    const std::string place = volume / "late";
    make_postgres_directory(place);
    EXPECT_THAT(refusal([&] { run("create tablespace late location '" + place + "'"); }),
                AllOf(HasSubstr(place), HasSubstr("(volume " + volume.string() + ")"), HasSubstr(why)));
    run("drop tablespace late");
  }
  EXPECT_EQ(failure_of_set(), "");
}

TEST_F(PostgresRefusals, AServerThatHasEndedForWantOfRoomNeedsRoom) {
  const Paths data = Volumes::add_subvolumes(volumes_.add("btrfs-data", "btrfs", 1000), 2);
  const Paths wal = Volumes::add_subvolumes(volumes_.add("btrfs-wal", "btrfs", 400), 1);
  volumes_of_ = {data[0], wal[0], data[1]};
  start();
  start_writer();
  run_program({"/bin/sh", "-c", "! cat /dev/zero >" + (wal[0] / "filler").string() + " 2>/dev/null"});
  EXPECT_THROW(
      {
        for (int i = 0; i < 100; ++i)
          run("insert into journal(amount) select 0 from generate_series(1, 100000)");
      },
      std::runtime_error);
  const FreezeGuard guard = volumes_.guard();
  const Made made = make_set_of_database(members());
  EXPECT_NE(made.error, "");
  EXPECT_THAT(failure_of_writer(*made.requester),
              HasSubstr("the volume of " + places().log.string() + " is full: make room"))
      << made.message;
  EXPECT_EQ(made.release(), "");
}

}  // namespace
}  // namespace vss::test
