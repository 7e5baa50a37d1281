// SPDX-License-Identifier: LGPL-2.1-or-later
// The parts of the writer for PostgreSQL that need no server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_dir.hpp"
#include "tests/support/text_file.hpp"
#include "writer-sdk/writers/postgresql/archive.hpp"
#include "writer-sdk/writers/postgresql/backup_record.hpp"
#include "writer-sdk/writers/postgresql/cluster_layout.hpp"
#include "writer-sdk/writers/postgresql/config.hpp"

namespace vss::postgresql {
namespace {

namespace fs = std::filesystem;
using test::write_text;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kMiB = 1 << 20;

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
  const BackupRecord atomic{"/srv/data", 15, std::nullopt, {"/srv/data", "/srv/wal"}, {"/srv/wal"}};
  const BackupRecord back = parse_backup_record(to_text(atomic));
  EXPECT_EQ(back.consistency(), Consistency::Atomic);
  EXPECT_EQ(back.data_directory, "/srv/data");
  EXPECT_EQ(back.major, 15);
  EXPECT_EQ(back.places, atomic.places);
  EXPECT_EQ(back.empty, atomic.empty);

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
                           R"({"consistency":"crash-consistent-atomic","version":15,"data_directory":"/x"})",
                           R"({"consistency":"other","version":15,)"
                           R"("data_directory":"/x","places":[],"empty_places":[]})",
                           R"({"consistency":"backup-mode","version":15,)"
                           R"("data_directory":"/x","places":[],"empty_places":[]})",
                           R"({"consistency":"backup-mode","version":"15",)"
                           R"("data_directory":"/x","places":[],"empty_places":[]})"}) {
    EXPECT_THROW((void)parse_backup_record(text), std::runtime_error) << text;
  }
}

TEST(PostgresqlLayout, OfAServerThatDoesNotRunIsReadFromItsLinks) {
  const test::TempDir directory;
  const fs::path root = fs::canonical(directory.path());
  write_text(root / "data/PG_VERSION", "9.6\n");
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

// What the server notes about each segment; that of one that it has removed it has put away before.
TEST(PostgresqlArchive, SegmentsAreWaitedForUntilTheServerIsDoneWithThem) {
  const test::TempDir wal;
  const auto note = [&](const std::string& name) { write_text(wal.path() / name, ""); };
  for (const char* name : {"ready", "done", "none", "archive_status/ready.ready", "archive_status/done.done",
                           "archive_status/both.ready", "archive_status/both.done"})
    note(name);
  EXPECT_THAT(not_archived(wal.path(), {"ready", "done", "none", "both", "gone"}),
              ElementsAre("ready", "none"));
}

struct ErrorCase {
  std::string message;
  const char* sqlstate;
  const char* advice;
};

TEST(PostgresqlErrors, SayWhatToDo) {
  const std::string socket = "connection to server on socket \"/run/.s.PGSQL.5432\" failed: ";
  const ErrorCase cases[] = {
      {"no", "28000", "pg_ident.conf"},
      {socket + "FATAL:  Peer authentication failed for user \"x\"", "", "pg_ident.conf"},
      {socket + "FATAL:  no pg_hba.conf entry for host \"[local]\"", "", "pg_ident.conf"},
      {socket + "FATAL:  role \"x\" does not exist", "", "server.user"},
      {socket + "FATAL:  database \"x\" does not exist", "", "server.database"},
      {socket + "FATAL:  sorry, too many clients already", "", "max_connections"},
      {"FATAL:  too many connections for role \"x\"", "53300", "max_connections"},
      {"ERROR:  permission denied for function pg_backup_start", "42501", "superuser"},
      {socket + "FATAL:  the database system is starting up", "", "when the server accepts"},
      {socket + "FATAL:  the database system is in recovery mode", "", "when the server accepts"},
      {"ERROR:  could not extend file", "53100", "make room"},
      {"PANIC:  could not write to file \"pg_wal/xlogtemp.1\": No space left on device", "", "make room"},
      {"ERROR:  WAL level not sufficient; wal_level must be set", "55000", "wal_level"},
      {"FATAL:  terminating connection due to administrator command\nserver closed the connection", "57P01",
       "its log says why"},
      {"FATAL:  terminating connection due to idle-session timeout", "57P05", "its log says why"},
      {"server closed the connection unexpectedly", "", "its log says why"},
      {socket + "No such file or directory", "", "start the server"},
  };
  for (const ErrorCase& rule : cases) {
    const ServerError error(rule.message + "\n", rule.sqlstate);
    EXPECT_THAT(error.what(), HasSubstr("; ")) << rule.message;
    EXPECT_THAT(error.what(), HasSubstr(rule.advice)) << rule.message;
    EXPECT_EQ(error.sqlstate(), rule.sqlstate);
  }
  EXPECT_STREQ(ServerError("ERROR:  as it\nis\n", "42601").what(), "ERROR:  as it is");
  EXPECT_STREQ(ServerError(socket + "FATAL:  of another kind", "").what(),
               (socket + "FATAL:  of another kind").c_str());
}

TEST(PostgresqlConfig, AnEmptyFileIsTheFirstClusterOfAMachine) {
  const test::TempDir directory;
  write_text(directory.path() / "empty.toml", "");
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
  write_text(
      directory.path() / "all.toml",
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
    write_text(directory.path() / "file.toml", text);
    const auto config = load_config(directory.path() / "file.toml");
    ASSERT_FALSE(config) << text;
    EXPECT_THAT(config.error(), HasSubstr(message)) << text;
  }
}

}  // namespace
}  // namespace vss::postgresql
