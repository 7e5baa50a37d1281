// SPDX-License-Identifier: LGPL-2.1-or-later
// What the writer for PostgreSQL does before and after the files of a cluster are put back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "tests/support/run_program.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/text_file.hpp"
#include "tests/support/unix_listener.hpp"
#include "writer-sdk/writers/postgresql/restore.hpp"

namespace vss::postgresql {
namespace {

namespace fs = std::filesystem;
using test::text_of;
using test::write_text;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class PostgresqlRestore : public testing::Test {
 protected:
  PostgresqlRestore() {
    record_.data_directory = data_;
    record_.major = 15;
    record_.places = {data_};
    config_.server.socket_directory = directory_.path();
    write_text(data_ / "PG_VERSION", "15\n");
    write_text(data_ / "global/pg_control", "x");
    write_text(data_ / "postgresql.auto.conf", "# kept\n");
    write_text(data_ / "postmaster.pid", "999999999\n");
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
  write_text(path, text);
}

TEST_F(PostgresqlRestore, TheLabelAndTheMapArePutInPlaceIfTheWalIsThere) {
  const std::string first = "000000010000000000000001";
  const std::string last = "000000010000000000000002";
  constexpr std::uint64_t kSize = 16384;
  record_.end = BackupEnd{"label\n", "map\n", "0/A123", {first, last}};
  write_text(data_ / "backup_label", "of an earlier attempt\n");
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
  EXPECT_EQ(text_of(data_ / "backup_label"), "label\n");
  EXPECT_EQ(text_of(data_ / "tablespace_map"), "map\n");
  EXPECT_FALSE(fs::exists(data_ / "recovery.signal"));
}

// The settings of the server, and what is left of them when it has recovered.
constexpr const char* kSettings = "postgresql.auto.conf";

std::string after_recovery(const fs::path& data) {
  const std::string settings = text_of(data / kSettings);
  const std::string name = "recovery_end_command = '";
  std::string command = settings.substr(settings.find(name) + name.size());
  command.erase(command.find("' # vssd restore"));
  for (std::size_t quote = 0; (quote = command.find("''", quote)) != std::string::npos; ++quote)
    command.erase(quote, 1);
  test::run_program({"/bin/sh", "-ec", "cd " + data.string() + "; " + command});
  return text_of(data / kSettings);
}

TEST_F(PostgresqlRestore, AnArchiveIsUsedToTheInstantOfTheSnapshot) {
  record_.end = BackupEnd{"label\n", "", "0/1", {"0001"}};
  write_text(data_ / kSettings, "recovery_target_time = 'of another restore'");
  write_text(data_ / "tablespace_map", "of an earlier attempt\n");
  RestoreSettings settings;
  settings.restore_command = R"(cp '/a\%f' %p)";
  // The second time what the first one has left is still there.
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(failure(settings), "");
    EXPECT_TRUE(fs::exists(data_ / "recovery.signal"));
    EXPECT_FALSE(fs::exists(data_ / "tablespace_map"));
    EXPECT_THAT(text_of(data_ / kSettings),
                AllOf(StartsWith("recovery_target_time = 'of another restore'\n"
                                 "restore_command = 'cp ''/a\\\\%f'' %p' # vssd restore\n"
                                 "recovery_target_name = '' # vssd restore\n"
                                 "recovery_target_time = '' # vssd restore\n"
                                 "recovery_target_xid = '' # vssd restore\n"
                                 "recovery_target_lsn = '' # vssd restore\n"
                                 "recovery_target_timeline = 'current' # vssd restore\n"
                                 "recovery_target = 'immediate' # vssd restore\n"
                                 "recovery_end_command = '"),
                      EndsWith("' # vssd restore\nrecovery_target_action = 'promote' # vssd restore\n")));
  }
  EXPECT_EQ(after_recovery(data_), "recovery_target_time = 'of another restore'\n");
}

TEST_F(PostgresqlRestore, AnArchiveIsUsedToItsEndIfThatIsWanted) {
  RestoreSettings settings;
  settings.restore_command = "cp /a/%f %p";
  EXPECT_EQ(failure(settings), "");
  EXPECT_FALSE(fs::exists(data_ / "recovery.signal")) << "one instant: nothing of later is wanted";
  settings.latest = true;
  EXPECT_EQ(failure(settings), "");
  EXPECT_TRUE(fs::exists(data_ / "recovery.signal"));
  EXPECT_THAT(text_of(data_ / kSettings), HasSubstr("recovery_target_timeline = 'latest' # vssd restore\n"
                                                    "recovery_target = '' # vssd restore\n"));
  EXPECT_THAT(text_of(data_ / kSettings), Not(HasSubstr("promote")));
  // A recovery that did not end, and a restore without an archive.
  EXPECT_EQ(failure(), "");
  EXPECT_EQ(text_of(data_ / kSettings), "# kept\n");
}

TEST_F(PostgresqlRestore, EveryPlaceHasToHaveItsFilesBack) {
  const fs::path space = directory_.path() / "space";
  const fs::path wal = fs::canonical(directory_.path()) / "wal";
  fs::create_directories(wal);
  fs::remove(data_ / "pg_wal");
  fs::create_directory_symlink(wal, data_ / "pg_wal");
  record_.places = {data_, space};
  EXPECT_THAT(failure(), HasSubstr("nothing has been restored in " + space.string()));
  fs::create_directories(space);
  EXPECT_THAT(failure(), HasSubstr("nothing has been restored in " + space.string()));
  record_.empty = {space};
  EXPECT_EQ(failure(), "");
  record_.places.push_back(wal);
  RestoreSettings settings;
  settings.restore_command = "cp /a/%f %p";
  EXPECT_THAT(failure(settings), HasSubstr("nothing has been restored in " + wal.string()));
  record_.end = BackupEnd{"label\n", "", "0/1", {}};
  EXPECT_EQ(failure(settings), "") << "the archive has it";
}

TEST_F(PostgresqlRestore, BeforeVersion12TheArchiveHasAFileOfItsOwn) {
  record_.major = 11;
  record_.end = BackupEnd{"label\n", "", "0/1", {}};
  write_text(data_ / "PG_VERSION", "11\n");
  RestoreSettings settings;
  settings.restore_command = "cp /a/%f %p";
  EXPECT_EQ(failure(settings), "");
  EXPECT_EQ(
      text_of(data_ / "recovery.conf"),
      "restore_command = 'cp /a/%f %p'\nrecovery_target = 'immediate'\nrecovery_target_action = 'promote'\n");
  EXPECT_FALSE(fs::exists(data_ / "recovery.signal"));
}

TEST_F(PostgresqlRestore, WhatMakesAStandbyBeforeVersion12StaysWithWhatWasSavedOfOne) {
  record_.major = 11;
  write_text(data_ / "PG_VERSION", "11\n");
  write_text(data_ / "recovery.conf", "standby_mode = on\n");
  EXPECT_EQ(failure(), "");
  EXPECT_EQ(text_of(data_ / "recovery.conf"), "standby_mode = on\n");
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
  EXPECT_EQ(text_of(data_ / "said"), "started\n");
}

TEST_F(PostgresqlRestore, AServerThatRunsIsRefusedOrStopped) {
  std::vector<std::string>& command = config_.restore.stop_command;
  EXPECT_NO_THROW(make_way(record_, config_)) << "its pid is nobody's";
  write_text(data_ / "postmaster.pid", std::to_string(::getpid()) + "\n/srv/data\n");
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
  write_text(data_ / "postmaster.pid", "");
  EXPECT_THROW(make_way(record_, config_), std::runtime_error) << "it may be a server's";
}

// After a power cut the number may be that of any process.
TEST_F(PostgresqlRestore, AProcessOfAnotherAccountIsNotTheServer) {
  constexpr uid_t kNobody = 65534;
  write_text(data_ / "postmaster.pid", "1\n" + data_.string() + "\n");
  for (const fs::path& path : {directory_.path(), data_}) fs::permissions(path, fs::perms(0755));
  const auto look = [&] {
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) std::_Exit(2);
    try {
      make_way(record_, config_);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      std::_Exit(1);
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(look(), testing::ExitedWithCode(0), "");
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
  write_text(lock, "4711\n" + data_.string() + "/\n1700000000\n5432\n");
  EXPECT_THAT(refusal(), HasSubstr("a server (pid 4711) works in " + data_.string()));
  EXPECT_THAT(failure(), HasSubstr("was started before the files were back"));
  config_.restore.stop_command = {"/bin/true"};
  EXPECT_THAT(refusal(), HasSubstr("stop it and restore again"));
  write_text(lock, "4711\n/srv/another\n");
  EXPECT_EQ(refusal(), "");
  write_text(lock, "4711\n" + data_.string() + "\n");
  server.reset();
  EXPECT_EQ(refusal(), "") << "the lock of a server that crashed";
}

}  // namespace
}  // namespace vss::postgresql
