// SPDX-License-Identifier: LGPL-2.1-or-later
// What is on a set is a PostgreSQL that starts and has all that was acknowledged, on one filesystem and on
// two.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/loop/vssd/postgresql_fixture.hpp"
#include "tests/support/requester.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

using nlohmann::json;

constexpr int kClients = 3;
constexpr int kSets = 30;
constexpr int kControlRounds = 60;
constexpr auto kArchiveLimit = 60s;

// One text of all; "" if there is none.
std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

class PostgresSets : public PostgresTest {
 protected:
  // Load, and a writer of our own that notes in its Freeze what has been acknowledged by then.
  void start_load() {
    load_ = std::make_unique<LedgerLoad>(*server_, volumes_.directory(), kClients);
    witness_ = std::make_unique<Witness>(*server_);
    ASSERT_TRUE(wait_until([&] { return witness_->acknowledged() > 20; }, 60s)) << load_->failure();
  }
  void add_clock() {
    add_writer("clock", volumes_of_.data,
               {{"freeze", [this](Session&) { at_freeze_ = witness_->acknowledged(); }}});
  }
  ~PostgresSets() override { writers_.clear(); }

  // Puts what the writer says and the WAL it names, and no more of it, to where a restore takes them from.
  BackupMode backup_mode(const json& metadata) {
    const auto needed = metadata.at("wal_needed").get<std::vector<std::string>>();
    const std::string last = needed.empty() ? "" : *std::max_element(needed.begin(), needed.end());
    SqlSession session = server_->connect();
    session.run("select pg_switch_wal()");
    EXPECT_TRUE(wait_until(
        [&] {
          return session.run("select left(coalesce(last_archived_wal, ''), 24) from pg_stat_archiver") >=
                 last;
        },
        kArchiveLimit))
        << last << " is not archived";
    const auto own = volumes_.directory() / "needed";
    std::filesystem::remove_all(own);
    make_postgres_directory(own);
    for (const std::string& segment : needed) run_program({"cp", "-a", archive() / segment, own});
    // The map makes the links of the tablespaces when the recovery begins. It names the places where the
    // server of that time has them, and here that one still runs on them.
    auto map = metadata.at("tablespace_map").get<std::string>();
    const std::string from = places().far;
    const auto at = map.find(from);
    EXPECT_NE(at, std::string::npos) << map;
    if (at != std::string::npos) map.replace(at, from.size(), RestoredServer::copies(scratch()).far);
    return {metadata.at("backup_label"), map, own};
  }

  std::unique_ptr<LedgerLoad> load_;
  std::unique_ptr<Witness> witness_;
  std::atomic<std::uint64_t> at_freeze_ = 0;
};

TEST_F(PostgresSets, EverySnapshotOfOneInstantStartsAndHasWhatWasAcknowledged) {
  use_one_filesystem();
  start();
  start_load();
  add_clock();
  start_writer(2);
  for (int i = 0; i < kSets && !HasFailure(); ++i) {
    SCOPED_TRACE(i);
    const FreezeGuard guard = volumes_.guard();
    const std::uint64_t before = witness_->acknowledged();
    const Made made = make_set_of_database(members(), {"clock"});
    ASSERT_EQ(made.error, "") << made.message;
    ASSERT_EQ(made.consistency, "cut") << made.reason;
    EXPECT_EQ(metadata_of(made).at("consistency"), "crash-consistent-atomic");
    EXPECT_GE(at_freeze_, before) << "no Freeze in this set";
    EXPECT_EQ(lines(RestoredServer(shown_by(made), scratch()).violations(at_freeze_)), "");
    EXPECT_EQ(load_->failure(), "");
    ASSERT_EQ(made.release(), "");
  }
  std::printf("%d sets, %llu numbers of the witness\n", kSets,
              static_cast<unsigned long long>(witness_->acknowledged()));
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

TEST_F(PostgresSets, VolumesOfTwoFilesystemsAreCapturedInBackupMode) {
  use_two_filesystems();
  start();
  start_load();
  add_clock();
  start_writer(2);
  for (int i = 0; i < kSets && !HasFailure(); ++i) {
    SCOPED_TRACE(i);
    const FreezeGuard guard = volumes_.guard();
    const std::uint64_t before = witness_->acknowledged();
    const Made made = make_set_of_database(members(), {"clock"});
    ASSERT_EQ(made.error, "") << made.message;
    EXPECT_EQ(made.consistency, "per-volume");
    EXPECT_GE(at_freeze_, before) << "no Freeze in this set";
    const json metadata = metadata_of(made);
    EXPECT_EQ(metadata.at("consistency"), "backup-mode");
    EXPECT_EQ(metadata.at("backup_label").get<std::string>().find("START WAL LOCATION: "), 0U) << metadata;
    EXPECT_NE(metadata.at("stop_lsn").get<std::string>().find('/'), std::string::npos) << metadata;
    const BackupMode backup = backup_mode(metadata);
    EXPECT_EQ(lines(RestoredServer(shown_by(made), scratch(), backup).violations(at_freeze_)), "");
    EXPECT_EQ(load_->failure(), "");
    ASSERT_EQ(made.release(), "");
  }
  EXPECT_EQ(leftovers(), std::vector<std::string>());
}

// If what the tests above look at does not see this, they see nothing.
TEST_F(PostgresSets, WithoutBackupModeItBreaks) {
  use_two_filesystems();
  start();
  start_load();
  // Each checkpoint writes pages, and a place in the WAL to start from, that WAL captured earlier does not
  // have.
  SqlSession session = server_->connect();
  const Repeater checkpoints([&](std::uint64_t) { session.run("checkpoint"); });
  // Captured in between, a filesystem with much to write makes the time between two instants as long as it is
  // on slower disks.
  const auto slow = Volumes::add_subvolumes(volumes_.add("btrfs-slow", "btrfs", 1000), 1, "slow").front();
  const Repeater dirt([&](std::uint64_t step) {
    std::ofstream(slow / std::to_string(step % 16)) << std::string(std::size_t{8} << 20U, 'd');
  });
  std::string seen;
  int rounds = 0;
  while (seen.empty() && rounds < kControlRounds && !HasFailure()) {
    ++rounds;
    const FreezeGuard guard = volumes_.guard();
    const std::uint64_t before = witness_->acknowledged();
    const Made made = make_set({volumes_of_.log, volumes_of_.far, slow, volumes_of_.data},
                               {.context = "file-share-backup"});
    ASSERT_EQ(made.error, "") << made.message;
    EXPECT_EQ(made.consistency, "per-volume");
    seen = lines(RestoredServer(shown_by(made), scratch()).violations(before));
    ASSERT_EQ(made.release(), "");
  }
  EXPECT_NE(seen, "") << "blind: " << rounds << " sets of two instants all look consistent";
  std::printf("seen in set %d: %s\n", rounds, seen.c_str());
}

TEST_F(PostgresSets, ASetWithoutOneOfTheVolumesFailsBeforeAnythingIsFrozen) {
  use_two_filesystems();
  start();
  witness_ = std::make_unique<Witness>(*server_);
  add_clock();
  start_writer(2);
  server_->connect().run("alter system set log_statement = 'all'");
  server_->connect().run("select pg_reload_conf()");
  const FreezeGuard guard = volumes_.guard();
  const Made made = make_set_of_database({volumes_of_.data, volumes_of_.log}, {"clock"});
  EXPECT_NE(made.error, "");
  EXPECT_NE(made.message.find(places().far), std::string::npos) << made.error << ": " << made.message;
  EXPECT_EQ(made.release(), "");
  EXPECT_EQ(writers_.front()->count("freeze"), 0U);
  EXPECT_EQ(server_->log().find("pg_backup_start"), std::string::npos);

  const Made whole = make_set_of_database(members(), {"clock"});
  EXPECT_EQ(whole.error, "") << whole.message;
  EXPECT_NE(server_->log().find("pg_backup_start"), std::string::npos) << "blind: the log does not show it";
  EXPECT_EQ(whole.release(), "");
}

}  // namespace
}  // namespace vss::test
