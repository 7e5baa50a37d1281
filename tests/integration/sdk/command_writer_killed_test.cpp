// SPDX-License-Identifier: LGPL-2.1-or-later
// What becomes of an application that vss-writer-command has frozen when the writer itself is killed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <sstream>
#include <vector>

#include "tests/integration/sdk/fake_coordinator.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"
#include "writer-sdk/common/unique_fd.hpp"

namespace vss::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto kPatience = 20s;

class KilledCommandWriter : public testing::Test {
 protected:
  KilledCommandWriter() { setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1); }

  [[nodiscard]] std::filesystem::path at(const std::string& name) const { return directory_.path() / name; }
  void add_script(const std::filesystem::path& file, const std::string& text) const {
    std::ofstream(file) << "#!/bin/sh\ncd " << directory_.path().string() << "\n" << text << "\n";
    std::filesystem::permissions(file, std::filesystem::perms(0755));
  }
  void add_writer(const std::filesystem::path& file, const std::string& more) const {
    std::ofstream(file) << "name = \"" << file.stem().string() << "\"\n"
                        << "class_id = \"0e3c7f6a-1111-4222-8333-444455556666\"\n"
                        << "instance_name = \"" << file.stem().string() << "\"\n"
                        << more;
  }
  // One script is the command of freeze and thaw.
  void configure_commands(const std::string& script, const std::string& name = "writer") const {
    add_script(at(name + "-script"), script);
    const std::string command = "command = [\"" + at(name + "-script").string() + "\"]\n";
    add_writer(at(name + ".toml"), "[events.freeze]\n" + command + "[events.thaw]\n" + command);
  }
  void configure_hooks(const std::string& script) const {
    std::filesystem::create_directory(at("hooks"));
    for (const char* name : {"hooks/1", "hooks/2"}) add_script(at(name), script);
    add_writer(at("writer.toml"), "[hooks]\ndirectory = \"" + at("hooks").string() + "\"\n");
  }
  // As the commands or hooks that are configured would note it.
  void configure(bool hooks) const {
    if (hooks) {
      configure_hooks("echo ${0##*/} $1 >> events");
    } else {
      configure_commands("echo $VSS_EVENT \"$VSS_SESSION_ID\" >> events");
    }
  }

  ChildProcess start_program(std::vector<std::string> what = {}, ChildProcess::Environment environment = {}) {
    std::vector<std::string> words = {VSS_WRITER_COMMAND, "--runtime-dir", at("runtime")};
    if (what.empty() || what.front() == "--thaw") what.insert(what.end(), {"--config", at("writer.toml")});
    words.insert(words.end(), what.begin(), what.end());
    return {words, environment, at("log")};
  }
  std::optional<int> thaw_what_is_left() { return start_program({"--thaw"}).wait(kPatience); }
  // Until it has registered.
  void begin(std::vector<std::string> what = {}, ChildProcess::Environment environment = {}) {
    writer_.reset();  // one of an earlier round would register with the new coordinator
    coordinator_.reset();
    coordinator_ = std::make_unique<FakeCoordinator>();
    writer_.emplace(start_program(std::move(what), std::move(environment)));
    registration_ = coordinator_->registration();
  }
  Dictionary send(const std::string& event) {
    return coordinator_->send(registration_, event, "aaaaaaaa-0000-4000-8000-000000000001",
                              "11111111-0000-4000-8000-000000000001");
  }
  void prepare() {
    for (const char* event : {"PrepareForBackup", "PrepareForSnapshot"}) EXPECT_THAT(send(event), IsEmpty());
  }
  void freeze() {
    prepare();
    EXPECT_THAT(send("Freeze"), IsEmpty());
  }
  void freeze_and_kill() {
    begin();
    freeze();
    writer_->kill9();
  }
  void forget() const {
    for (const char* name : {"hooks", "events", "log", "runtime"}) std::filesystem::remove_all(at(name));
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(at(name)).rdbuf();
    return text.str();
  }

  PrivateBus bus_;
  TempDir directory_;
  std::unique_ptr<FakeCoordinator> coordinator_;
  FakeCoordinator::Registration registration_;
  std::optional<ChildProcess> writer_;
};

TEST_F(KilledCommandWriter, WhatItHadFrozenIsThawedOnceAfterwards) {
  const std::string id = "aaaaaaaa-0000-4000-8000-000000000001";
  for (const bool hooks : {false, true}) {
    for (const std::string by : {"--thaw", "the next start"}) {
      SCOPED_TRACE((hooks ? "hooks, " : "commands, ") + by);
      forget();
      configure(hooks);
      freeze_and_kill();
      const std::string frozen = hooks ? "1 freeze\n2 freeze\n" : "Freeze " + id + "\n";
      EXPECT_EQ(read("events"), frozen);
      if (by == "--thaw") {
        EXPECT_EQ(thaw_what_is_left(), 0);
      } else {
        begin();
      }
      const std::string thawed = frozen + (hooks ? "2 thaw\n1 thaw\n" : "Abort \n");
      EXPECT_EQ(read("events"), thawed) << read("log");
      EXPECT_THAT(read("log"), HasSubstr("writer: it was left frozen"));
      writer_.reset();
      EXPECT_EQ(thaw_what_is_left(), 0);
      EXPECT_EQ(read("events"), thawed) << "a second time";
    }
  }
}

TEST_F(KilledCommandWriter, AFreezeThatWasOverLeavesNothingToThaw) {
  for (const bool hooks : {false, true}) {
    for (const char* end : {"Thaw", "Abort"}) {
      SCOPED_TRACE(std::string(hooks ? "hooks, " : "commands, ") + end);
      forget();
      configure(hooks);
      begin();
      freeze();
      EXPECT_THAT(send(end), IsEmpty());
      writer_->kill9();
      const std::string events = read("events");
      EXPECT_EQ(thaw_what_is_left(), 0);
      EXPECT_EQ(read("events"), events);
    }
  }
}

TEST_F(KilledCommandWriter, ARecordOfAnotherBootIsNotThawed) {
  configure(false);
  freeze_and_kill();
  const std::string events = read("events");
  ASSERT_TRUE(std::filesystem::exists(at("runtime/writer.frozen")));
  std::ofstream(at("runtime/writer.frozen")) << "another-boot\n";
  EXPECT_EQ(thaw_what_is_left(), 0);
  begin();
  EXPECT_EQ(read("events"), events);
}

TEST_F(KilledCommandWriter, AThawThatFailsIsTriedAgainAndKeepsNoWriterFromItsWork) {
  for (const bool hooks : {false, true}) {
    SCOPED_TRACE(hooks ? "hooks" : "commands");
    forget();
    const std::string fail_as_told = "[ ! -e broken ] || { echo not today; exit 1; }";
    hooks ? configure_hooks("[ $1 = freeze ] || echo thaw >> events\n" + fail_as_told)
          : configure_commands("[ $VSS_EVENT = Freeze ] || echo thaw >> events\n" + fail_as_told);
    freeze_and_kill();
    std::ofstream(at("broken")).flush();
    const std::string once = hooks ? "thaw\nthaw\n" : "thaw\n";
    EXPECT_EQ(thaw_what_is_left(), EXIT_FAILURE);
    EXPECT_THAT(read("log"), HasSubstr("not today"));
    begin();
    EXPECT_EQ(read("events"), once + once);
    std::filesystem::remove(at("broken"));
    // The Abort of a set that came no further than this.
    prepare();
    EXPECT_THAT(send("Abort"), IsEmpty());
    EXPECT_EQ(read("events"), once + once + once);
    writer_->kill9();
    EXPECT_EQ(thaw_what_is_left(), 0);
    EXPECT_EQ(read("events"), once + once + once);
  }
}

// systemd runs --thaw after a kill by its watchdog before it ends what is left of the control group.
TEST_F(KilledCommandWriter, ACommandOfFreezeThatIsStillAtWorkIsEndedBeforeTheThaw) {
  for (const bool hooks : {false, true}) {
    SCOPED_TRACE(hooks ? "hooks" : "commands");
    forget();
    std::filesystem::remove(at("go_on"));
    ASSERT_EQ(::mkfifo(at("go_on").c_str(), 0600), 0);
    const std::string freeze = "echo begun >> events; read word < go_on; echo frozen >> events";
    hooks ? configure_hooks("if [ $1 = freeze ]; then " + freeze + "; else echo thawed >> events; fi")
          : configure_commands("if [ $VSS_EVENT = Freeze ]; then " + freeze +
                               "; else echo thawed >> events; fi");
    begin();
    prepare();
    auto answer = std::async(std::launch::async, [this] { return send("Freeze"); });
    const auto is_recorded = [this] {
      const std::string record = read("runtime/writer.frozen");
      return std::ranges::count(record, '\n') == 2;
    };
    const auto is_waiting = [this] {
      return UniqueFd(::open(at("go_on").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)).get() >= 0;
    };
    ASSERT_TRUE(wait_until([&] { return read("events") == "begun\n" && is_recorded(); }, kPatience));
    writer_->signal(SIGSTOP);
    writer_->kill9();
    EXPECT_THROW(answer.get(), sdbus::Error);
    EXPECT_EQ(thaw_what_is_left(), 0);
    EXPECT_FALSE(is_waiting());
    // Of the hooks it is not known which ones were told.
    EXPECT_EQ(read("events"), hooks ? "begun\nthawed\nthawed\n" : "begun\nthawed\n");
  }
}

TEST_F(KilledCommandWriter, OfSeveralWritersThatOneIsThawedWhichWasFrozen) {
  std::filesystem::create_directory(at("writers.d"));
  for (const char* name : {"one", "two"}) {
    configure_commands("echo " + std::string(name) + " $VSS_EVENT >> events", name);
    std::filesystem::rename(at(std::string(name) + ".toml"), at("writers.d/" + std::string(name) + ".toml"));
  }
  begin({"--config-dir", at("writers.d")});
  const std::string frozen = registration_.properties.at("name").get<std::string>();
  freeze();
  writer_->kill9();
  EXPECT_EQ(start_program({"--config-dir", at("writers.d"), "--thaw"}).wait(kPatience), 0);
  EXPECT_EQ(read("events"), frozen + " Freeze\n" + frozen + " Abort\n");
}

TEST_F(KilledCommandWriter, OneWhoseFileHasBeenTakenAwayIsNotPassedOver) {
  configure(false);
  const std::vector<std::string> what{"--config-dir", directory_.path(), "--name", "writer"};
  begin(what);
  freeze();
  writer_->kill9();
  std::filesystem::rename(at("writer.toml"), at("away"));
  const auto thaw = [&] {
    ChildProcess program = start_program({"--config-dir", directory_.path(), "--name", "writer", "--thaw"});
    return program.wait(kPatience);
  };
  EXPECT_EQ(thaw(), EXIT_FAILURE);
  EXPECT_THAT(read("log"), HasSubstr("writer was left frozen, and has no file any more"));
  std::filesystem::rename(at("away"), at("writer.toml"));
  EXPECT_EQ(thaw(), 0);
  EXPECT_THAT(read("events"), HasSubstr("Abort"));
}

TEST_F(KilledCommandWriter, TwoFilesWouldNotHaveOneRecord) {
  configure(false);
  std::filesystem::create_directory(at("other"));
  std::filesystem::copy(at("writer.toml"), at("other/writer.toml"));
  EXPECT_EQ(
      start_program({"--config", at("writer.toml"), "--config", at("other/writer.toml")}).wait(kPatience),
      EX_CONFIG);
  EXPECT_THAT(read("log"), HasSubstr("other/writer.toml: there is another file of this name"));
}

TEST_F(KilledCommandWriter, NobodyElseThawsWhileTheWriterLives) {
  configure(false);
  begin();
  freeze();
  const std::string events = read("events");
  for (const std::vector<std::string>& what : {std::vector<std::string>{}, {"--thaw"}}) {
    ChildProcess second = start_program(what);
    EXPECT_EQ(second.wait(kPatience), EXIT_FAILURE);
    EXPECT_THAT(second.output(), HasSubstr("another writer uses"));
  }
  EXPECT_EQ(read("events"), events);
}

TEST_F(KilledCommandWriter, WhatCannotBeRecordedIsNotFrozen) {
  configure(false);
  begin();
  std::filesystem::remove_all(at("runtime"));
  prepare();
  const Dictionary answer = send("Freeze");
  EXPECT_TRUE(answer.at("veto").get<bool>());
  EXPECT_THAT(answer.at("message").get<std::string>(), HasSubstr("writer.frozen"));
  EXPECT_THAT(read("events"), Not(HasSubstr("Freeze")));
}

// systemd kills a writer that does not; a handler may take longer than WatchdogSec=.
TEST_F(KilledCommandWriter, ItTellsTheWatchdogThatItLivesWhileAHandlerIsAtWork) {
  const UniqueFd notified(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, at("notify").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(notified.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const timeval limit{20, 0};
  ::setsockopt(notified.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const auto next = [&] {
    std::array<char, 256> text{};
    const ssize_t bytes = ::recv(notified.get(), text.data(), text.size(), 0);
    return std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(bytes, 0)));
  };
  ASSERT_EQ(::mkfifo(at("go_on").c_str(), 0600), 0);
  configure_commands("[ $VSS_EVENT != Freeze ] || { echo begun >> events; read word < go_on; }");
  begin({}, {{"NOTIFY_SOCKET", at("notify")}, {"WATCHDOG_USEC", "40000"}});
  EXPECT_EQ(next(), "READY=1");
  prepare();
  auto answer = std::async(std::launch::async, [this] { return send("Freeze"); });
  EXPECT_TRUE(wait_until([&] { return read("events") == "begun\n"; }, kPatience));
  while (::recv(notified.get(), nullptr, 0, MSG_DONTWAIT) >= 0) {
  }
  for (int sign = 0; sign < 5; ++sign) EXPECT_EQ(next(), "WATCHDOG=1");
  std::ofstream(at("go_on")) << "now\n";
  EXPECT_THAT(answer.get(), IsEmpty());
}

}  // namespace
}  // namespace vss::test
