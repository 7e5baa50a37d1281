// SPDX-License-Identifier: LGPL-2.1-or-later
// vss-writer-command as a process of its own, on a real bus.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <vector>

#include "tests/integration/sdk/fake_coordinator.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kLimit = 20s;
constexpr const char* kSession = "aaaaaaaa-0000-4000-8000-000000000001";
constexpr const char* kSet = "11111111-0000-4000-8000-000000000001";

class CommandWriterProcess : public testing::Test {
 protected:
  CommandWriterProcess() { setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1); }
  ~CommandWriterProcess() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  // `script` is the command of each event; it finds the event's name in VSS_EVENT.
  void configure(const std::string& script, const std::string& more = {}) {
    std::ofstream(script_) << "#!/bin/sh\ncd " << directory_.path().string() << "\n" << script << "\n";
    std::filesystem::permissions(script_, std::filesystem::perms(0755));
    std::ofstream file(config_);
    file << "name = \"command\"\nclass_id = \"0e3c7f6a-1111-4222-8333-444455556666\"\npaths = [\"/srv\"]\n"
         << more;
    for (const char* event : {"prepare_for_backup", "prepare_for_snapshot", "freeze", "post_snapshot",
                              "backup_complete", "backup_shutdown"}) {
      file << "[events." << event << "]\ncommand = [\"" << script_.string() << "\"]\n"
           << (std::string(event) == "freeze" ? "timeout_ms = 300\n" : "");
    }
    file << "[events.thaw]\ncommand = [\"" << script_.string() << "\"]\n";
  }

  // The script is one of a directory of hooks; it finds "freeze" or "thaw" in $1.
  void configure_hooks(const std::string& script) {
    std::filesystem::create_directory(directory_.path() / "hooks");
    script_ = directory_.path() / "hooks" / "hook";
    std::ofstream(script_) << "#!/bin/sh\ncd " << directory_.path().string() << "\n" << script << "\n";
    std::filesystem::permissions(script_, std::filesystem::perms(0755));
    std::ofstream(config_) << "name = \"hooks\"\nclass_id = \"0e3c7f6a-1111-4222-8333-444455556666\"\n"
                           << "paths = [\"/srv\"]\n[hooks]\ndirectory = \"" << script_.parent_path().string()
                           << "\"\ntimeout_ms = 5000\n";
  }

  void start() { start({"--config", config_}); }
  void start(std::vector<std::string> arguments) {
    std::vector<char*> words{const_cast<char*>(VSS_WRITER_COMMAND)};
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      const int log = ::open((directory_.path() / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
      ::dup2(log, STDERR_FILENO);
      ::execv(VSS_WRITER_COMMAND, words.data());
      _exit(127);
    }
  }
  int wait_for_exit() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void begin() {
    coordinator_ = std::make_unique<FakeCoordinator>();
    start();
    registration_ = coordinator_->registration();
  }
  Dictionary send(const std::string& event, const Dictionary& args = {}) {
    return coordinator_->send(registration_, event, kSession, kSet, args);
  }
  std::string read(const std::string& name) {
    std::ifstream file(directory_.path() / name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  PrivateBus bus_;
  TempDir directory_;
  std::filesystem::path script_ = directory_.path() / "script";
  std::filesystem::path config_ = directory_.path() / "writer.toml";
  std::unique_ptr<FakeCoordinator> coordinator_;
  FakeCoordinator::Registration registration_;
  pid_t pid_ = -1;
};

std::string message(const Dictionary& answer) {
  const auto found = answer.find("message");
  return found == answer.end() ? std::string() : found->second.get<std::string>();
}

TEST_F(CommandWriterProcess, RunsTheCommandOfEachEventWithWhatItSays) {
  configure("echo \"$VSS_EVENT $VSS_SESSION_ID $VSS_SET_ID $VSS_VOLUMES $VSS_SNAPSHOT_PATHS\" >> events");
  begin();
  const auto document = nlohmann::json::parse(coordinator_->identify(registration_));
  EXPECT_EQ(document["components"][0]["name"], "srv");
  const std::vector<std::string> volumes = {"/srv"};
  EXPECT_THAT(send("PrepareForBackup"), IsEmpty());
  EXPECT_THAT(send("PrepareForSnapshot", {{"volumes", sdbus::Variant(volumes)}}), IsEmpty());
  for (const char* event : {"Freeze", "Thaw"}) EXPECT_THAT(send(event), IsEmpty());
  const std::map<std::string, std::string> snapshots = {{"/srv", "/run/x"}};
  EXPECT_THAT(send("PostSnapshot", {{"snapshots", sdbus::Variant(snapshots)}}), IsEmpty());
  for (const char* event : {"BackupComplete", "BackupShutdown"}) EXPECT_THAT(send(event), IsEmpty());
  const std::string ids = std::string(kSession) + " ";
  EXPECT_EQ(read("events"),
            "PrepareForBackup " + ids + "  \n" + "PrepareForSnapshot " + ids + " /srv \n" +  //
                "Freeze " + ids + kSet + " /srv \n" + "Thaw " + ids + kSet + " /srv \n" +    //
                "PostSnapshot " + ids + kSet + " /srv /run/x\n" +                            //
                "BackupComplete " + ids + " /srv \n" + "BackupShutdown " + ids + kSet + " /srv \n");
}

TEST_F(CommandWriterProcess, AFailingCommandVetoesWithItsOutput) {
  configure("test $VSS_EVENT != Freeze || { echo cannot hold; echo because >&2; exit 4; }");
  begin();
  send("PrepareForBackup");
  send("PrepareForSnapshot");
  const Dictionary answer = send("Freeze");
  EXPECT_TRUE(answer.at("veto").get<bool>());
  EXPECT_THAT(message(answer), AllOf(HasSubstr("exited with 4"), HasSubstr("cannot hold\nbecause")));
}

TEST_F(CommandWriterProcess, AHangingCommandIsKilledAtItsLimit) {
  configure("test $VSS_EVENT != Freeze || { echo stuck; tail -f /dev/null; }");
  begin();
  send("PrepareForBackup");
  send("PrepareForSnapshot");
  EXPECT_THAT(message(send("Freeze")), AllOf(HasSubstr("after its limit of 300 ms"), HasSubstr("stuck")));
}

TEST_F(CommandWriterProcess, SigtermWhileFrozenRunsTheAbortCommandBeforeTheEnd) {
  configure("echo $VSS_EVENT >> events");
  begin();
  send("PrepareForBackup");
  send("PrepareForSnapshot");
  send("Freeze");
  ::kill(pid_, SIGTERM);
  EXPECT_EQ(wait_for_exit(), 0);
  // Abort has no command of its own here: it is the one of Thaw.
  EXPECT_EQ(read("events"), "PrepareForBackup\nPrepareForSnapshot\nFreeze\nAbort\nBackupShutdown\n");
  EXPECT_TRUE(wait_until([&] { return coordinator_->registrations().empty(); }, kLimit));
}

TEST_F(CommandWriterProcess, TheDeathOfVssdRunsTheAbortCommand) {
  configure("echo $VSS_EVENT >> events");
  begin();
  send("PrepareForBackup");
  send("PrepareForSnapshot");
  send("Freeze");
  coordinator_.reset();
  EXPECT_TRUE(
      wait_until([&] { return read("events").find("Abort\nBackupShutdown\n") != std::string::npos; }, kLimit))
      << read("events");
}

TEST_F(CommandWriterProcess, HooksAreToldFreezeAndThawHoweverTheFreezeEnds) {
  for (const std::string end : {"Thaw", "Abort", "SIGTERM", "the death of vssd"}) {
    SCOPED_TRACE(end);
    configure_hooks("echo \"$1 $VSS_EVENT\" >> events");
    begin();
    send("PrepareForBackup");
    send("PrepareForSnapshot");
    EXPECT_THAT(send("Freeze"), IsEmpty());
    EXPECT_EQ(read("events"), "freeze Freeze\n");
    if (end == "SIGTERM") {
      ::kill(pid_, SIGTERM);
      EXPECT_EQ(wait_for_exit(), 0);
    } else if (end == "the death of vssd") {
      coordinator_.reset();
    } else {
      EXPECT_THAT(send(end), IsEmpty());
    }
    const std::string thawed = std::string("thaw ") + (end == "Thaw" ? "Thaw" : "Abort") + "\n";
    EXPECT_TRUE(wait_until([&] { return read("events") == "freeze Freeze\n" + thawed; }, kLimit))
        << read("events");
    if (pid_ > 0) {
      ::kill(pid_, SIGTERM);
      wait_for_exit();
    }
    coordinator_.reset();
    std::filesystem::remove_all(directory_.path() / "hooks");
    std::filesystem::remove(directory_.path() / "events");
  }
}

TEST_F(CommandWriterProcess, AHookThatFailsVetoesWithItsOutput) {
  configure_hooks("echo $1 >> events; [ $1 = thaw ] || { echo still busy; exit 2; }");
  begin();
  send("PrepareForBackup");
  send("PrepareForSnapshot");
  const Dictionary answer = send("Freeze");
  EXPECT_TRUE(answer.at("veto").get<bool>());
  EXPECT_THAT(message(answer), AllOf(HasSubstr("hook freeze: "), HasSubstr("still busy")));
  EXPECT_EQ(read("events"), "freeze\nthaw\n");
}

TEST_F(CommandWriterProcess, DirectoriesHaveTheWritersOfCommandsAndOneOfThemCanBeNamed) {
  const auto package = directory_.path() / "lib";
  const auto admin = directory_.path() / "etc";
  for (const auto& path : {package, admin}) std::filesystem::create_directory(path);
  const auto add = [](const std::filesystem::path& file, const std::string& name,
                      const std::string& more = "") {
    std::ofstream(file) << "name = \"" << name << "\"\nclass_id = \"0e3c7f6a-1111-4222-8333-444455556666\"\n"
                        << "instance_name = \"" << name << "\"\n"
                        << more;
  };
  add(package / "one.toml", "one of the package");
  add(package / "two.toml", "two");
  add(package / "gone.toml", "gone");
  add(admin / "one.toml", "one of the administrator");
  add(admin / "paused.toml", "of another program", "units = [\"a.service\"]\n");
  std::ofstream(admin / "gone.toml").flush();
  struct Row {
    std::string name;
    std::set<std::string> writers;
  };
  for (const Row& row : {Row{"", {"one of the administrator", "two"}}, Row{"two", {"two"}},
                         Row{"one", {"one of the administrator"}}}) {
    SCOPED_TRACE(row.name);
    coordinator_ = std::make_unique<FakeCoordinator>();
    std::vector<std::string> arguments{"--config-dir", package, "--config-dir", admin};
    if (!row.name.empty()) arguments.insert(arguments.end(), {"--name", row.name});
    start(arguments);
    const auto names = [&] {
      std::set<std::string> found;
      for (const auto& writer : coordinator_->registrations())
        found.insert(writer.properties.at("name").get<std::string>());
      return found;
    };
    EXPECT_TRUE(wait_until([&] { return names() == row.writers; }, kLimit)) << read("log");
    ::kill(pid_, SIGTERM);
    EXPECT_EQ(wait_for_exit(), 0);
    coordinator_.reset();
  }
  start({"--config-dir", package, "--config-dir", admin, "--name", "gone"});
  EXPECT_EQ(wait_for_exit(), 0) << "it was taken away";
  EXPECT_THAT(read("log"), HasSubstr("no writer is configured"));
}

TEST_F(CommandWriterProcess, AMalformedConfigurationEndsWithExConfig) {
  configure("true", "frozen = true\n");
  start();
  EXPECT_EQ(wait_for_exit(), EX_CONFIG);
  EXPECT_THAT(read("log"), HasSubstr("writer.toml:4: frozen: unknown key"));
}

}  // namespace
}  // namespace vss::test
