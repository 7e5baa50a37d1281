// SPDX-License-Identifier: LGPL-2.1-or-later
// The parts of the writer for PostgreSQL that need no server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"
#include "tests/support/unix_listener.hpp"
#include "writer-sdk/writers/postgresql/backup_record.hpp"
#include "writer-sdk/writers/postgresql/cluster_layout.hpp"
#include "writer-sdk/writers/postgresql/config.hpp"
#include "writer-sdk/writers/postgresql/restore.hpp"

namespace vss::postgresql {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kMiB = 1 << 20;

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string label(const std::string& begin, const std::string& file) {
  return "START WAL LOCATION: " + begin + " (file " + file + ")\nCHECKPOINT LOCATION: " + begin +
         "\nBACKUP METHOD: streamed\nBACKUP FROM: primary\nLABEL: vssd\nSTART TIMELINE: 1\n";
}

struct SegmentsCase {
  std::string rule;
  std::string begin;
  std::string first;
  std::string end;
  std::uint64_t size;
  std::vector<std::string> segments;  // empty: an error
};

TEST(PostgresqlWal, TheSegmentsFromTheLabelToTheEndAreNamed) {
  const std::string first = "000000010000000000000002";
  const SegmentsCase cases[] = {
      {"one", "0/2000028", first, "0/2000138", 16 * kMiB, {first}},
      {"an end on the border is in the segment before", "0/2000028", first, "0/3000000", 16 * kMiB, {first}},
      {"two", "0/2000028", first, "0/3000060", 16 * kMiB, {first, "000000010000000000000003"}},
      {"over 4 GiB",
       "0/FF000028",
       "0000000700000000000000FF",
       "1/1000000",
       16 * kMiB,
       {"0000000700000000000000FF", "000000070000000100000000"}},
      {"large segments",
       "2/40000028",
       "000000010000000200000001",
       "2/80000100",
       1024 * kMiB,
       {"000000010000000200000001", "000000010000000200000002"}},
      {"the end before the begin", "0/3000028", first, "0/2000138", 16 * kMiB, {}},
      {"no end", "0/2000028", first, "", 16 * kMiB, {}},
      {"no size", "0/2000028", first, "0/2000138", 0, {}},
  };
  for (const SegmentsCase& rule : cases) {
    SCOPED_TRACE(rule.rule);
    const auto names = [&] { return wal_segments(label(rule.begin, rule.first), rule.end, rule.size); };
    if (rule.segments.empty()) {
      EXPECT_THROW((void)names(), ServerError);
    } else {
      EXPECT_EQ(names(), rule.segments);
    }
  }
  EXPECT_THROW((void)wal_segments("", "0/2000138", 16 * kMiB), ServerError);
}

TEST(PostgresqlRecord, ComesBackAsItWas) {
  const BackupRecord atomic{"/srv/data", 15, std::nullopt};
  const BackupRecord back = parse_backup_record(to_text(atomic));
  EXPECT_EQ(back.consistency(), Consistency::Atomic);
  EXPECT_EQ(back.data_directory, "/srv/data");
  EXPECT_EQ(back.major, 15);

  BackupRecord backup = atomic;
  backup.end = BackupEnd{
      label("0/2000028", "x") + "\ttab \"quoted\"\n", "16390 /srv/a\\ b\n", "0/2000138", {"a", "b"}};
  const BackupRecord again = parse_backup_record(to_text(backup));
  ASSERT_TRUE(again.end);
  EXPECT_EQ(again.end->backup_label, backup.end->backup_label);
  EXPECT_EQ(again.end->tablespace_map, backup.end->tablespace_map);
  EXPECT_EQ(again.end->stop_lsn, "0/2000138");
  EXPECT_THAT(again.end->wal_needed, ElementsAre("a", "b"));
  EXPECT_THAT(to_text(backup), HasSubstr(R"("consistency":"backup-mode")"));
  backup.end->tablespace_map = "16390 /srv/\xff\n";
  EXPECT_THROW((void)to_text(backup), std::runtime_error);
}

TEST(PostgresqlRecord, WhatIsNoRecordIsAnError) {
  for (const char* text : {"", "[]", "{", R"({"consistency":"crash-consistent-atomic"})",
                           R"({"consistency":"other","version":15,"data_directory":"/x"})",
                           R"({"consistency":"backup-mode","version":15,"data_directory":"/x"})",
                           R"({"consistency":"backup-mode","version":"15","data_directory":"/x"})"}) {
    EXPECT_THROW((void)parse_backup_record(text), std::runtime_error) << text;
  }
}

TEST(PostgresqlLayout, OfAServerThatDoesNotRunIsReadFromItsLinks) {
  const test::TempDir directory;
  const fs::path root = fs::canonical(directory.path());
  write(root / "data/PG_VERSION", "9.6\n");
  fs::create_directories(root / "data/pg_tblspc");
  fs::create_directories(root / "data/inside");
  fs::create_directories(root / "wal");
  fs::create_directories(root / "fast");
  fs::create_directory_symlink(root / "wal", root / "data/pg_xlog");
  fs::create_directory_symlink(root / "fast", root / "data/pg_tblspc/16390");
  fs::create_directory_symlink(root / "data/inside", root / "data/pg_tblspc/16391");
  fs::create_directory_symlink("../../relative", root / "data/pg_tblspc/16392");
  fs::create_directories(root / "relative");
  fs::create_directory_symlink(root / "fast", root / "data/pg_stat_tmp");
  fs::create_directories(root / "logs");
  fs::create_directory_symlink(root / "logs", root / "data/log");
  fs::create_directories(root / "base/5");
  fs::create_directories(root / "base/pgsql_tmp");
  fs::create_directory_symlink(root / "base", root / "data/base");
  fs::create_directory_symlink(root / "data", root / "by-a-link");

  const ClusterLayout layout = layout_on_disk(root / "by-a-link");
  EXPECT_EQ(layout.major, 9);
  EXPECT_THAT(layout.places(),
              ElementsAre(root / "data", root / "wal", root / "base", root / "fast", root / "relative"));

  const ClusterLayout none = layout_on_disk(root / "not-there");
  EXPECT_EQ(none.major, 0);
  EXPECT_THAT(none.places(), ElementsAre(root / "not-there"));
}

class PostgresqlRestore : public testing::Test {
 protected:
  PostgresqlRestore() {
    record_.data_directory = data_;
    record_.major = 15;
    config_.server.socket_directory = directory_.path();
    write(data_ / "PG_VERSION", "15\n");
    write(data_ / "global/pg_control", "x");
    write(data_ / "postgresql.auto.conf", "# kept\n");
    write(data_ / "postmaster.pid", "999999999\n");
    fs::create_directories(data_ / "pg_tblspc");
    fs::create_directories(data_ / "pg_wal");
  }
  std::string failure(const RestoreSettings& settings = {}) {
    config_.restore = settings;
    try {
      complete_restore(record_, config_);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }

  test::TempDir directory_;
  const fs::path data_ = fs::canonical(directory_.path()) / "data";
  BackupRecord record_;
  Config config_;
};

TEST_F(PostgresqlRestore, OneInstantNeedsNothing) {
  EXPECT_EQ(failure(), "");
  for (const char* name : {"backup_label", "tablespace_map", "recovery.signal", "postmaster.pid"})
    EXPECT_FALSE(fs::exists(data_ / name)) << name;
}

// Two pages; what a server has made of an old segment has the address of that in its pages.
void write_segment(const fs::path& path, std::uint64_t first_page, std::uint64_t second_page,
                   std::size_t written = 2 * 8192) {
  std::string text(2 * 8192, '\0');
  std::fill_n(text.begin(), written, 'x');
  std::memcpy(text.data() + 8, &first_page, sizeof first_page);
  std::memcpy(text.data() + 8192 + 8, &second_page, sizeof second_page);
  write(path, text);
}

TEST_F(PostgresqlRestore, TheLabelAndTheMapArePutInPlaceIfTheWalIsThere) {
  const std::string first = "000000010000000000000001";
  const std::string last = "000000010000000000000002";
  constexpr std::uint64_t kSize = 16384;
  record_.end = BackupEnd{"label\n", "map\n", "0/A123", {first, last}};
  write(data_ / "backup_label", "of an earlier attempt\n");
  write_segment(data_ / "pg_wal" / first, kSize, kSize + 8192);
  EXPECT_THAT(failure(), HasSubstr(last));
  write_segment(data_ / "pg_wal" / last, kSize, kSize + 8192);
  EXPECT_THAT(failure(), HasSubstr(last)) << "an old segment with its name";
  write_segment(data_ / "pg_wal" / last, 2 * kSize, kSize + 8192);
  EXPECT_THAT(failure(), HasSubstr(last)) << "it does not reach the end";
  write_segment(data_ / "pg_wal" / last, 2 * kSize, 2 * kSize + 8192, 0x20f0);
  EXPECT_THAT(failure(), HasSubstr(last)) << "its page was not full yet";
  EXPECT_FALSE(fs::exists(data_ / "backup_label"));
  write_segment(data_ / "pg_wal" / last, 2 * kSize, 2 * kSize + 8192, 0x2123);
  EXPECT_EQ(failure(), "");
  EXPECT_EQ(read(data_ / "backup_label"), "label\n");
  EXPECT_EQ(read(data_ / "tablespace_map"), "map\n");
  EXPECT_FALSE(fs::exists(data_ / "recovery.signal"));
}

TEST_F(PostgresqlRestore, AnArchiveIsUsedToTheInstantOfTheSnapshot) {
  record_.end = BackupEnd{"label\n", "", "0/1", {"0001"}};
  write(data_ / "postgresql.auto.conf", "recovery_target_time = 'of another restore'");
  write(data_ / "tablespace_map", "of an earlier attempt\n");
  RestoreSettings settings;
  settings.restore_command = R"(cp '/a\%f' %p)";
  EXPECT_EQ(failure(settings), "");
  EXPECT_TRUE(fs::exists(data_ / "recovery.signal"));
  EXPECT_FALSE(fs::exists(data_ / "tablespace_map"));
  EXPECT_EQ(read(data_ / "postgresql.auto.conf"),
            "recovery_target_time = 'of another restore'\nrestore_command = 'cp ''/a\\\\%f'' %p'\n"
            "recovery_target_name = ''\nrecovery_target_time = ''\nrecovery_target_xid = ''\n"
            "recovery_target_lsn = ''\nrecovery_target_timeline = 'current'\nrecovery_target = 'immediate'\n"
            "recovery_target_action = 'promote'\n");
}

TEST_F(PostgresqlRestore, AnArchiveIsUsedToItsEndIfThatIsWanted) {
  RestoreSettings settings;
  settings.restore_command = "cp /a/%f %p";
  EXPECT_EQ(failure(settings), "");
  EXPECT_FALSE(fs::exists(data_ / "recovery.signal")) << "one instant: nothing of later is wanted";
  settings.latest = true;
  EXPECT_EQ(failure(settings), "");
  EXPECT_TRUE(fs::exists(data_ / "recovery.signal"));
  EXPECT_EQ(read(data_ / "postgresql.auto.conf"),
            "# kept\nrestore_command = 'cp /a/%f %p'\nrecovery_target_name = ''\nrecovery_target_time = ''\n"
            "recovery_target_xid = ''\nrecovery_target_lsn = ''\nrecovery_target_timeline = 'latest'\n"
            "recovery_target = ''\n");
}

TEST_F(PostgresqlRestore, BeforeVersion12TheArchiveHasAFileOfItsOwn) {
  record_.major = 11;
  record_.end = BackupEnd{"label\n", "", "0/1", {}};
  write(data_ / "PG_VERSION", "11\n");
  RestoreSettings settings;
  settings.restore_command = "cp /a/%f %p";
  EXPECT_EQ(failure(settings), "");
  EXPECT_EQ(
      read(data_ / "recovery.conf"),
      "restore_command = 'cp /a/%f %p'\nrecovery_target = 'immediate'\nrecovery_target_action = 'promote'\n");
  EXPECT_FALSE(fs::exists(data_ / "recovery.signal"));
}

TEST_F(PostgresqlRestore, WhatMakesAStandbyBeforeVersion12StaysWithWhatWasSavedOfOne) {
  record_.major = 11;
  write(data_ / "PG_VERSION", "11\n");
  write(data_ / "recovery.conf", "standby_mode = on\n");
  EXPECT_EQ(failure(), "");
  EXPECT_EQ(read(data_ / "recovery.conf"), "standby_mode = on\n");
  record_.end = BackupEnd{"label\n", "", "0/1", {}};
  EXPECT_EQ(failure(), "");
  EXPECT_FALSE(fs::exists(data_ / "recovery.conf")) << "of an earlier attempt: no backup mode on a standby";
}

TEST_F(PostgresqlRestore, AnotherVersionOrNoClusterIsRefused) {
  record_.major = 16;
  EXPECT_THAT(failure(), HasSubstr("does not have the cluster of version 16"));
  record_.major = 15;
  fs::remove(data_ / "global/pg_control");
  EXPECT_THAT(failure(), HasSubstr("does not have the cluster"));
}

TEST_F(PostgresqlRestore, TheServerIsStartedAndAFailureOfItIsTold) {
  RestoreSettings settings;
  settings.start_command = {"/bin/sh", "-c", "echo no room; exit 3"};
  EXPECT_THAT(failure(settings), HasSubstr("no room"));
  settings.start_command = {"/bin/sh", "-c", "echo started >" + (data_ / "said").string()};
  EXPECT_EQ(failure(settings), "");
  EXPECT_EQ(read(data_ / "said"), "started\n");
}

TEST_F(PostgresqlRestore, AServerThatRunsIsRefusedOrStopped) {
  std::vector<std::string>& command = config_.restore.stop_command;
  EXPECT_NO_THROW(make_way(record_, config_)) << "its pid is nobody's";
  write(data_ / "postmaster.pid", std::to_string(::getpid()) + "\n/srv/data\n");
  EXPECT_NO_THROW(make_way(record_, config_)) << "a process that works elsewhere";
  const fs::path before = fs::current_path();
  fs::current_path(data_);
  EXPECT_THROW(make_way(record_, config_), std::runtime_error);
  EXPECT_THAT(failure(), HasSubstr("was started before the files were back"));
  command = {"/bin/true"};
  EXPECT_THROW(make_way(record_, config_), std::runtime_error) << "it still runs";
  command = {"/bin/rm", data_ / "postmaster.pid"};
  EXPECT_NO_THROW(make_way(record_, config_));
  fs::current_path(before);
  write(data_ / "postmaster.pid", "");
  EXPECT_THROW(make_way(record_, config_), std::runtime_error) << "it may be a server's";
}

TEST_F(PostgresqlRestore, AServerWhoseFilesAreGoneIsKnownByTheLockOfItsSocket) {
  fs::remove_all(data_);
  EXPECT_NO_THROW(make_way(record_, config_)) << "all is lost, and no server runs";
  const fs::path socket = directory_.path() / ".s.PGSQL.5432";
  const std::string lock = socket.string() + ".lock";
  const auto refusal = [&]() -> std::string {
    try {
      make_way(record_, config_);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  auto server = std::make_unique<test::UnixListener>(socket);
  EXPECT_THAT(refusal(), HasSubstr("cannot be told")) << "there is no lock";
  write(lock, "4711\n" + data_.string() + "/\n1700000000\n5432\n");
  EXPECT_THAT(refusal(), HasSubstr("a server (pid 4711) works in " + data_.string()));
  EXPECT_THAT(failure(), HasSubstr("was started before the files were back"));
  config_.restore.stop_command = {"/bin/true"};
  EXPECT_THAT(refusal(), HasSubstr("stop it and restore again"));
  write(lock, "4711\n/srv/another\n");
  EXPECT_EQ(refusal(), "");
  write(lock, "4711\n" + data_.string() + "\n");
  server.reset();
  EXPECT_EQ(refusal(), "") << "the lock of a server that crashed";
}

TEST(PostgresqlConfig, AnEmptyFileIsTheFirstClusterOfAMachine) {
  const test::TempDir directory;
  write(directory.path() / "empty.toml", "");
  const auto config = load_config(directory.path() / "empty.toml");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->instance, "main");
  EXPECT_EQ(config->server.socket_directory, "/var/run/postgresql");
  EXPECT_EQ(config->server.port, 5432);
  EXPECT_EQ(config->mode, Mode::Auto);
  EXPECT_THAT(config->restore.start_command, IsEmpty());
}

TEST(PostgresqlConfig, AllKeysAreTaken) {
  const test::TempDir directory;
  write(directory.path() / "all.toml",
        "instance = 'shop'\n[server]\nsocket_directory = '/run/x'\nport = 5433\nuser = 'u'\ndatabase = 'd'\n"
        "data_directory = '/srv/data'\n[snapshot]\nmode = 'backup'\ncheckpoint_timeout_ms = "
        "1000\nrequire_archive = false\n[restore]\n"
        "stop_command = ['/bin/a', 'b']\nstart_command = ['/bin/c']\nrestore_command = 'cp %f %p'\n"
        "recover_to = 'latest'\n");
  const auto config = load_config(directory.path() / "all.toml");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->instance, "shop");
  EXPECT_EQ(config->server.port, 5433);
  EXPECT_EQ(config->server.data_directory, "/srv/data");
  EXPECT_EQ(config->mode, Mode::Backup);
  EXPECT_EQ(config->checkpoint_limit, std::chrono::seconds(1));
  EXPECT_FALSE(config->require_archive);
  EXPECT_THAT(config->restore.stop_command, ElementsAre("/bin/a", "b"));
  EXPECT_TRUE(config->restore.latest);
}

TEST(PostgresqlConfig, MistakesAreNamedByFileLineAndKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"x = 1", "x: unknown key"},
      {"instance = 'a/b'", "instance: a name without /"},
      {"server = 1", "server: a table is needed"},
      {"[server]\nport = 0", "server.port: a number from 1 to 65535"},
      {"[server]\nsocket_directory = ''", "server.socket_directory: an absolute path"},
      {"[server]\ndata_directory = 'data'", "server.data_directory: an absolute path"},
      {"[server]\npassword = 'x'", "server.password: unknown key"},
      {"[snapshot]\nmode = 'fast'", "snapshot.mode: auto, atomic or backup"},
      {"[snapshot]\ncheckpoint_timeout_ms = 600000", "snapshot.checkpoint_timeout_ms: a number"},
      {"[restore]\nstop_command = ['systemctl']", "restore.stop_command: the program needs an absolute path"},
      {"[restore]\nrestore_command = \"a\\nb\"", "restore.restore_command: one line"},
      {"[restore]\nrecover_to = 'now'", "restore.recover_to: snapshot or latest"},
      {"[restore]\nrecover_to = 'latest'", "restore.recover_to: latest needs a restore_command"},
      {"[restore", "file.toml:1: "},
  };
  const test::TempDir directory;
  for (const auto& [text, message] : cases) {
    write(directory.path() / "file.toml", text);
    const auto config = load_config(directory.path() / "file.toml");
    ASSERT_FALSE(config) << text;
    EXPECT_THAT(config.error(), HasSubstr(message)) << text;
  }
}

}  // namespace
}  // namespace vss::postgresql
