// SPDX-License-Identifier: LGPL-2.1-or-later
// The parts of the writer for MariaDB that need no server.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"
#include "tests/support/unix_listener.hpp"
#include "writer-sdk/writers/mariadb/backup_record.hpp"
#include "writer-sdk/writers/mariadb/config.hpp"
#include "writer-sdk/writers/mariadb/restore.hpp"
#include "writer-sdk/writers/mariadb/server_layout.hpp"

namespace vss::mariadb {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

TEST(MariadbRecord, ComesBackAsItWas) {
  BackupRecord record{Consistency::Standstill,
                      "MariaDB",
                      "10.11.19-MariaDB",
                      "/srv/data",
                      {"/srv/data", "/srv/log \"1\""},
                      std::nullopt,
                      "",
                      {}};
  EXPECT_THAT(to_text(record), HasSubstr(R"("consistency":"standstill")"));
  EXPECT_FALSE(parse_backup_record(to_text(record)).position);

  record.consistency = Consistency::Atomic;
  record.replica_gtid = "0-2-5";
  record.empty = {"/srv/log"};
  record.position = Position{"binlog.000002", 5'000'000'000, "0-1-17,1-2-3"};
  const BackupRecord back = parse_backup_record(to_text(record));
  EXPECT_EQ(back.consistency, Consistency::Atomic);
  EXPECT_EQ(back.product, "MariaDB");
  EXPECT_EQ(back.version, record.version);
  EXPECT_EQ(back.data_directory, record.data_directory);
  EXPECT_EQ(back.places, record.places);
  EXPECT_EQ(back.replica_gtid, "0-2-5");
  EXPECT_EQ(back.empty, record.empty);
  ASSERT_TRUE(back.position);
  EXPECT_EQ(back.position->file, "binlog.000002");
  EXPECT_EQ(back.position->offset, 5'000'000'000U);
  EXPECT_EQ(back.position->gtid, "0-1-17,1-2-3");

  record.places.emplace_back("/srv/\xff");
  EXPECT_THROW((void)to_text(record), std::runtime_error);
}

TEST(MariadbRecord, WhatIsNoRecordIsAnError) {
  constexpr const char* kWithoutOffset =
      R"({"consistency":"standstill","product":"MariaDB","version":"","data_directory":"/x","places":[],)"
      R"("binlog_file":"a","gtid":""})";
  for (
      const char* text :
      {"", "[]", "{", R"({"consistency":"standstill"})",
       R"({"consistency":"other","product":"MariaDB","version":"","data_directory":"/x","places":["/x"]})",
       R"({"consistency":"standstill","product":"MariaDB","version":"","data_directory":"/x","places":"/x"})",
       kWithoutOffset}) {
    EXPECT_THROW((void)parse_backup_record(text), std::runtime_error) << text;
  }
}

TEST(MariadbLayout, OfAServerThatDoesNotRunIsReadFromItsLinks) {
  const test::TempDir directory;
  const fs::path root = fs::canonical(directory.path());
  write(root / "data/shop/inside.ibd", "");
  write(root / "far/shop/item.ibd", "");
  write(root / "data/shop/item.isl", (root / "far/shop/item.ibd").string());
  write(root / "data/shop/here.isl", (root / "data/shop/inside.ibd").string());
  write(root / "fast/part.MAD", "");
  fs::create_symlink(root / "fast/part.MAD", root / "data/shop/part.MAD");
  write(root / "index/part.MAI", "");
  fs::create_symlink("../../index/part.MAI", root / "data/shop/part.MAI");
  write(root / "more/ibdata2", "");
  fs::create_symlink(root / "more/ibdata2", root / "data/ibdata2");
  write(root / "whole/t.ibd", "");
  fs::create_directory_symlink(root / "whole", root / "data/linked");
  fs::create_directory_symlink(root / "data", root / "by-a-link");

  const ServerLayout layout = layout_on_disk(root / "by-a-link");
  EXPECT_THAT(layout.places(), ElementsAre(root / "data", root / "far/shop", root / "fast", root / "index",
                                           root / "more", root / "whole"));
  EXPECT_EQ(layout.version, "");

  EXPECT_THAT(layout_on_disk(root / "not-there").places(), ElementsAre(root / "not-there"));
}

TEST(MariadbLayout, WhatAServerIsConfiguredToKeepElsewhereIsFound) {
  const test::TempDir directory;
  const fs::path root = fs::canonical(directory.path());
  fs::create_directories(root / "data");
  fs::create_directories(root / "there");
  struct Row {
    const char* variable;
    std::string value;
    bool is_log;
  };
  const std::string there = root / "there";
  const Row rows[] = {
      {"innodb_undo_directory", there, false},
      {"innodb_doublewrite_dir", "../there", false},
      {"rocksdb_datadir", there + "/", false},
      {"relay_log_info_file", there + "/relay-log.info", false},
      {"innodb_log_group_home_dir", there, true},
      {"aria_log_dir_path", there, true},
      {"rocksdb_wal_dir", there, true},
      {"log_bin_basename", there + "/binlog", true},
      {"log_bin_index", "../there/binlog.index", true},
      {"relay_log_basename", there + "/relay", true},
      {"relay_log_index", there + "/relay.index", true},
  };
  for (const Row& row : rows) {
    const ServerLayout layout = layout_of(
        {{"datadir", root / "data/"}, {"innodb_data_file_path", "ibdata1:12M"}, {row.variable, row.value}});
    EXPECT_THAT(row.is_log ? layout.logs : layout.elsewhere, ElementsAre(there)) << row.variable;
    EXPECT_EQ(layout.places().size(), 2U) << row.variable;
    const ServerLayout inside = layout_of({{"datadir", root / "data"}, {row.variable, "./here"}});
    EXPECT_THAT(inside.places(), ElementsAre(root / "data")) << row.variable;
  }
}

TEST(MariadbErrors, SayWhatToDo) {
  const std::pair<unsigned, const char*> cases[] = {
      {1698, "IDENTIFIED VIA unix_socket"}, {1227, "GRANT the account"},     {2002, "start the server"},
      {1205, "SHOW PROCESSLIST"},           {kTimedOut, "SHOW PROCESSLIST"}, {1021, "make room"},
      {2013, "has ended the session"},      {1040, "max_connections"},
  };
  for (const auto& [number, advice] : cases) {
    const ServerError error("what was said", number);
    EXPECT_THAT(error.what(), HasSubstr(std::string("what was said; "))) << number;
    EXPECT_THAT(error.what(), HasSubstr(advice)) << number;
    EXPECT_EQ(error.number(), number);
  }
  EXPECT_STREQ(ServerError("as it is", 1064).what(), "as it is");
  EXPECT_THAT(ServerError("Error writing file (Errcode: 28 \"No space left on device\")", 3).what(),
              HasSubstr("make room"));
}

TEST(MariadbConnection, AServerThatDoesNotRunIsSaidToBe) {
  const test::TempDir directory;
  ServerSettings settings;
  settings.socket = directory.path() / "socket";
  try {
    const Connection server(settings, std::chrono::seconds(5));
    FAIL() << "connected";
  } catch (const ServerError& error) {
    EXPECT_THAT(error.what(), HasSubstr(settings.socket));
    EXPECT_THAT(error.what(), HasSubstr("start the server"));
  }
}

TEST(MariadbConnection, AServerThatDoesNotAnswerIsNotWaitedFor) {
  const test::TempDir directory;
  ServerSettings settings;
  settings.socket = directory.path() / "socket";
  const test::UnixListener listener(settings.socket);
  try {
    const Connection server(settings, std::chrono::milliseconds(100));
    FAIL() << "connected";
  } catch (const ServerError& error) {
    EXPECT_STREQ(error.what(), "connecting: the server did not answer in time");
  }
}

class MariadbRestore : public testing::Test {
 protected:
  MariadbRestore() {
    record_.data_directory = data_;
    record_.places = {data_, log_};
    config_.server.socket = directory_.path() / "socket";
    write(data_ / "ibdata1", "x");
    write(data_ / "aria_log_control", "x");
    write(data_ / "mysql/user.frm", "x");
    write(log_ / "ib_logfile0", "x");
  }
  template <typename Function>
  static std::string failure(const Function& function) {
    try {
      function();
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }
  std::string failure_of_restore() {
    return failure([&] { complete_restore(record_, config_); });
  }
  std::string refusal() {
    return failure([&] { make_way(record_, config_); });
  }

  test::TempDir directory_;
  const fs::path data_ = fs::canonical(directory_.path()) / "data";
  const fs::path log_ = fs::canonical(directory_.path()) / "log";
  BackupRecord record_;
  Config config_;
};

TEST_F(MariadbRestore, WhatTheServerNeedsHasToBeThere) {
  EXPECT_EQ(failure_of_restore(), "");
  fs::remove(log_ / "ib_logfile0");
  EXPECT_THAT(failure_of_restore(), HasSubstr("nothing has been restored in " + log_.string()));
  write(log_ / "binlog.000001", "x");
  EXPECT_THAT(failure_of_restore(), HasSubstr("ib_logfile0"));
  write(log_ / "#innodb_redo/#ib_redo0", "x");
  EXPECT_EQ(failure_of_restore(), "") << "MySQL's";
  fs::remove_all(data_ / "mysql");
  EXPECT_THAT(failure_of_restore(), HasSubstr("system tables"));
  fs::remove_all(log_);
  EXPECT_THAT(failure_of_restore(), HasSubstr("nothing has been restored in " + log_.string()));
}

TEST_F(MariadbRestore, WhatWasEmptyMayBe) {
  const fs::path relay = fs::canonical(directory_.path()) / "relay";
  fs::create_directories(relay);
  record_.places.push_back(relay);
  EXPECT_THAT(failure_of_restore(), HasSubstr("nothing has been restored in " + relay.string()));
  record_.empty = {relay};
  EXPECT_EQ(failure_of_restore(), "");
  fs::remove(relay);
  EXPECT_THAT(failure_of_restore(), HasSubstr(relay.string())) << "the server would not start";
}

TEST_F(MariadbRestore, TheServerIsStartedAndAFailureOfItIsTold) {
  std::vector<std::string>& command = config_.restore.start_command;
  command = {"/bin/sh", "-c", "echo no room; exit 3"};
  EXPECT_THAT(failure_of_restore(), HasSubstr("no room"));
  command = {"/bin/sh", "-c", "echo started >" + (data_ / "said").string()};
  EXPECT_EQ(failure_of_restore(), "");
  EXPECT_TRUE(fs::exists(data_ / "said"));
}

// A process that has a file locked as a server has it, until the object ends.
class Locker {
 public:
  explicit Locker(const fs::path& file) {
    int ready[2];
    if (::pipe(ready) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      struct flock lock {};
      lock.l_type = F_WRLCK;
      const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
      const char done = ::fcntl(fd, F_SETLK, &lock) == 0 ? 'y' : 'n';
      if (::write(ready[1], &done, 1) == 1) ::pause();
      ::_exit(1);
    }
    char done = 'n';
    locked_ = ::read(ready[0], &done, 1) == 1 && done == 'y';
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Locker() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Locker(const Locker&) = delete;
  Locker& operator=(const Locker&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool locked() const { return locked_; }

 private:
  pid_t pid_ = -1;
  bool locked_ = false;
};

TEST_F(MariadbRestore, AServerThatHasItsFilesLockedIsRefusedOrStopped) {
  std::vector<std::string>& command = config_.restore.stop_command;
  EXPECT_EQ(refusal(), "") << "nobody has them";
  for (const char* name : {"ibdata1", "aria_log_control"}) {
    const Locker server(data_ / name);
    ASSERT_TRUE(server.locked());
    command = {};
    EXPECT_THAT(refusal(), HasSubstr("(pid " + std::to_string(server.pid()) + ")"));
    EXPECT_THAT(failure_of_restore(), HasSubstr("was started before the files were back"));
    command = {"/bin/true"};
    EXPECT_THAT(refusal(), HasSubstr("stop it and restore again")) << "it still runs";
    // As long as it dies it still has them, and so would a server.
    const std::string pid = std::to_string(server.pid());
    command = {"/bin/sh", "-c", R"(kill -9 "$1"; while grep -q " $1 " /proc/locks; do :; done)", "sh", pid};
    EXPECT_EQ(refusal(), "");
  }
  fs::remove_all(data_);
  EXPECT_EQ(refusal(), "") << "all is lost, and no server runs";
}

TEST_F(MariadbRestore, AServerThatListensAndDoesNotSayWhereItWorksIsRefusedOrStopped) {
  fs::remove_all(data_);
  for (const bool has_name : {true, false}) {
    SCOPED_TRACE(has_name);
    auto server = std::make_unique<test::UnixListener>(config_.server.socket);
    if (!has_name) fs::remove(config_.server.socket);
    EXPECT_THAT(refusal(), HasSubstr("may work in " + data_.string()));
    EXPECT_THAT(refusal(), HasSubstr("stop it and restore again"));
    EXPECT_THAT(failure_of_restore(), HasSubstr("was started before the files were back"));
    server.reset();
    EXPECT_EQ(refusal(), "") << "a socket that nobody listens to";
    fs::remove(config_.server.socket);
  }
}

TEST(MariadbConfig, AnEmptyFileIsTheFirstServerOfAMachine) {
  const test::TempDir directory;
  write(directory.path() / "empty.toml", "");
  const auto config = load_config(directory.path() / "empty.toml");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->instance, "main");
  EXPECT_EQ(config->server.socket, "/run/mysqld/mysqld.sock");
  EXPECT_EQ(config->mode, Mode::Auto);
  EXPECT_EQ(config->limits.lock, std::chrono::seconds(5));
  EXPECT_EQ(config->limits.standstill, std::chrono::seconds(10));
  EXPECT_THAT(config->restore.start_command, IsEmpty());
}

TEST(MariadbConfig, AllKeysAreTaken) {
  const test::TempDir directory;
  write(directory.path() / "all.toml",
        "instance = 'shop'\n[server]\nsocket = '/run/x'\nuser = 'u'\ndata_directory = '/srv/data'\n"
        "[snapshot]\nmode = 'standstill'\nlock_timeout_ms = 1000\nstandstill_timeout_ms = 2000\n[restore]\n"
        "stop_command = ['/bin/a', 'b']\nstart_command = ['/bin/c']\n");
  const auto config = load_config(directory.path() / "all.toml");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->instance, "shop");
  EXPECT_EQ(config->server.socket, "/run/x");
  EXPECT_EQ(config->server.user, "u");
  EXPECT_EQ(config->server.data_directory, "/srv/data");
  EXPECT_EQ(config->mode, Mode::Standstill);
  EXPECT_EQ(config->limits.lock, std::chrono::seconds(1));
  EXPECT_EQ(config->limits.standstill, std::chrono::seconds(2));
  EXPECT_THAT(config->restore.stop_command, ElementsAre("/bin/a", "b"));
}

TEST(MariadbConfig, MistakesAreNamedByFileLineAndKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"x = 1", "x: unknown key"},
      {"instance = 'a/b'", "instance: a name without /"},
      {"[server]\nsocket = ''", "server.socket: an absolute path"},
      {"[server]\ndata_directory = 'data'", "server.data_directory: an absolute path"},
      {"[server]\npassword = 'x'", "server.password: unknown key"},
      {"[snapshot]\nmode = 'backup'", "snapshot.mode: auto, atomic or standstill"},
      {"[snapshot]\nlock_timeout_ms = 60000", "snapshot.lock_timeout_ms: a number from 1 to 15000"},
      {"[snapshot]\nstandstill_timeout_ms = 0", "snapshot.standstill_timeout_ms: a number"},
      {"[restore]\nstop_command = ['systemctl']", "restore.stop_command: the program needs an absolute path"},
      {"[restore]\nrecover_to = 'now'", "restore.recover_to: unknown key"},
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
}  // namespace vss::mariadb
