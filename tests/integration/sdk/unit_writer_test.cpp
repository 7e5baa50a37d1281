// SPDX-License-Identifier: LGPL-2.1-or-later
// vss-writer-unit as a process of its own, on a real bus, with a systemd that the test plays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "tests/integration/sdk/fake_coordinator.hpp"
#include "tests/integration/sdk/fake_systemd.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kLimit = 20s;
constexpr const char* kSet = "11111111-0000-4000-8000-000000000001";

std::string message(const Dictionary& answer) {
  const auto found = answer.find("message");
  return found == answer.end() ? std::string() : found->second.get<std::string>();
}

bool is_veto(const Dictionary& answer) { return answer.contains("veto") && answer.at("veto").get<bool>(); }

// "" if it is none.
std::string veto(const Dictionary& answer) { return is_veto(answer) ? message(answer) : ""; }

// One that nobody waits for is as good as gone.
bool has_ended(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string id;
  std::string name;
  std::string state;
  return !(file >> id >> name >> state) || state == "Z";
}

class UnitWriterProcess : public testing::Test {
 protected:
  UnitWriterProcess() {
    setenv("DBUS_SYSTEM_BUS_ADDRESS", bus_.address().c_str(), 1);
    std::filesystem::create_directory(runtime());
    for (const char* name : {"a.service", "b.service"}) systemd().add_unit(name);
    configure("");
  }

  void configure(const std::string& more) {
    std::ofstream(directory_.path() / "writer.toml")
        << "name = \"units\"\nclass_id = \"0e3c7f6a-1111-4222-8333-444455556666\"\n"
        << "units = [\"a.service\", \"b.service\"]\n"
        << more;
  }
  [[nodiscard]] FakeSystemd& systemd() { return *systemd_; }
  [[nodiscard]] std::filesystem::path runtime() const { return directory_.path() / "runtime"; }
  [[nodiscard]] bool is_recorded() const { return std::filesystem::exists(runtime() / "frozen"); }

  ChildProcess start_program(std::vector<std::string> what) {
    std::vector<std::string> words = {VSS_WRITER_UNIT, "--runtime-dir", runtime(), "--cgroups",
                                      cgroups_.path()};
    words.insert(words.end(), what.begin(), what.end());
    return {words, {}, directory_.path() / "log"};
  }
  void start_writer() {
    writer_.reset();
    writer_.emplace(start_program({"--config", directory_.path() / "writer.toml"}));
  }
  void new_systemd(const std::vector<std::string>& more = {}) {
    systemd_ = std::make_unique<FakeSystemd>(cgroups_.path());
    for (const char* name : {"a.service", "b.service"}) systemd().add_unit(name);
    for (const std::string& name : more) systemd().add_unit(name);
  }
  void begin() {
    writer_.reset();  // one of an earlier round would register with the new coordinator
    systemd_->start();
    coordinator_ = std::make_unique<FakeCoordinator>();
    start_writer();
    registration_ = coordinator_->registration();
  }
  Dictionary send(const std::string& event, const Dictionary& args = {}) {
    return coordinator_->send(registration_, event, session_, kSet, args);
  }
  void next_session() { ++session_.back(); }
  Dictionary prepare(const std::string& volume = "/srv") {
    EXPECT_THAT(send("PrepareForBackup"), IsEmpty());
    return send("PrepareForSnapshot", {{"volumes", sdbus::Variant(std::vector<std::string>{volume})}});
  }
  // Up to the moment when the units stand still.
  void freeze() {
    EXPECT_THAT(message(prepare()), "");
    EXPECT_THAT(message(send("Freeze")), "");
    EXPECT_EQ(frozen(), "ab");
    EXPECT_TRUE(is_recorded());
  }
  // What was told last: nothing here lets the processes of a group follow it.
  [[nodiscard]] bool is_frozen(const std::string& unit) const {
    int frozen = 0;
    std::ifstream(cgroups_.path() / "system.slice" / unit / "cgroup.freeze") >> frozen;
    return frozen == 1;
  }
  [[nodiscard]] std::string frozen() const {
    return std::string(is_frozen("a.service") ? "a" : "") + (is_frozen("b.service") ? "b" : "");
  }
  [[nodiscard]] bool go_on() {
    return wait_until([&] { return frozen().empty(); }, kLimit);
  }
  [[nodiscard]] std::optional<pid_t> guard() const {
    const std::string pid = std::to_string(writer_->pid());
    pid_t child = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + pid + "/task")) {
      if (std::ifstream(task.path() / "children") >> child) return child;
    }
    return std::nullopt;
  }

  PrivateBus bus_;
  TempDir directory_;
  TempDir cgroups_;
  std::unique_ptr<FakeSystemd> systemd_ = std::make_unique<FakeSystemd>(cgroups_.path());
  std::unique_ptr<FakeCoordinator> coordinator_;
  FakeCoordinator::Registration registration_;
  std::string session_ = "aaaaaaaa-0000-4000-8000-000000000001";
  std::optional<ChildProcess> writer_;
};

TEST_F(UnitWriterProcess, UnitsStandStillFromFreezeToThaw) {
  configure("paths = [\"/srv/shop\"]\n");
  begin();
  const auto document = nlohmann::json::parse(coordinator_->identify(registration_));
  EXPECT_EQ(document["components"][0]["name"], "shop");
  freeze();
  EXPECT_THAT(send("Thaw"), IsEmpty());
  EXPECT_EQ(frozen(), "");
  EXPECT_FALSE(is_recorded());
  EXPECT_FALSE(guard().has_value()) << "there is nothing to guard";
  EXPECT_THAT(systemd().calls(), ElementsAre("FreezeUnit a.service", "FreezeUnit b.service",
                                             "ThawUnit b.service", "ThawUnit a.service"));
}

TEST_F(UnitWriterProcess, ASetWithoutAVolumeOfTheirsLeavesTheUnitsAlone) {
  configure("paths = [\"/proc/sys\"]\n");
  begin();
  EXPECT_THAT(prepare("/dev"), IsEmpty());
  EXPECT_THAT(send("Freeze"), IsEmpty());
  EXPECT_THAT(send("Thaw"), IsEmpty());
  EXPECT_THAT(systemd().calls(), IsEmpty());
}

TEST_F(UnitWriterProcess, WhatCannotBeFrozenIsSaidBeforeAnythingIs) {
  systemd().set_frozen("b.service", true);
  begin();
  EXPECT_THAT(message(prepare()), HasSubstr("b.service cannot be frozen: somebody else has frozen it"));
  EXPECT_EQ(frozen(), "b");
  EXPECT_TRUE(is_veto(send("Freeze"))) << "there is no set without them";
  EXPECT_THAT(systemd().calls(), IsEmpty());
}

TEST_F(UnitWriterProcess, AVolumeBelowTheirDataIsTheirs) {
  configure("paths = [\"/\"]\n");
  begin();
  EXPECT_THAT(prepare("/proc"), IsEmpty());
  EXPECT_THAT(send("Freeze"), IsEmpty());
  EXPECT_EQ(frozen(), "ab");
}

TEST_F(UnitWriterProcess, AUnitThatCannotBeFrozenVetoesAndTheOthersGoOn) {
  struct Row {
    const char* name;
    const char* message;
  };
  for (const Row& row : {Row{"refuses", "b.service cannot be frozen: FreezeUnit: the unit has a job"},
                         Row{"hangs", "b.service cannot be frozen: FreezeUnit: no answer in time"},
                         Row{"somebody else was first", "b.service cannot be frozen: somebody else"},
                         Row{"systemd is gone", "a.service cannot be frozen: "}}) {
    SCOPED_TRACE(row.name);
    configure("freeze_timeout_ms = 20000\nfreeze_within_ms = 700\n");
    const std::string how = row.name;
    new_systemd();
    if (how == "refuses") systemd().answer("b.service", FakeSystemd::Answer::No);
    if (how == "hangs") systemd().answer("b.service", FakeSystemd::Answer::Never);
    begin();
    EXPECT_THAT(message(prepare()), "");
    if (how == "somebody else was first") systemd().set_frozen("b.service", true);
    if (how == "systemd is gone") systemd_.reset();
    EXPECT_THAT(veto(send("Freeze")), HasSubstr(row.message));
    EXPECT_EQ(frozen(), how == "somebody else was first" ? "b" : "");
    EXPECT_FALSE(is_recorded());
    coordinator_.reset();
  }
}

TEST_F(UnitWriterProcess, UnitsGoOnHoweverTheFreezeEnds) {
  const auto kill_guard = [this] { ::kill(guard().value(), SIGKILL); };
  // With "short" it is the timer, and nothing else, that ends it.
  const std::string kLong = "freeze_timeout_ms = 60000\n";
  const std::string kShort = "freeze_timeout_ms = 2000\n";
  struct Row {
    const char* name;
    std::string limit;
    std::function<void()> end;
  };
  const std::vector<Row> rows = {
      {"Thaw", kLong, [this] { EXPECT_THAT(send("Thaw"), IsEmpty()); }},
      {"Abort", kLong, [this] { EXPECT_THAT(send("Abort"), IsEmpty()); }},
      {"nobody says anything", kShort, [] {}},
      {"the writer ends", kLong, [this] { writer_->signal(SIGTERM); }},
      {"the writer is killed", kLong, [this] { writer_->signal(SIGKILL); }},
      {"the writer is stopped", kShort, [this] { writer_->signal(SIGSTOP); }},
      {"the guard is killed, and nobody says anything", kShort, kill_guard},
      {"vssd is killed", kLong, [this] { coordinator_.reset(); }},
      {"the bus is killed", kLong, [this] { bus_.stop(); }},
      {"the bus and the writer are killed", kLong,
       [this] {
         bus_.stop();
         writer_->signal(SIGKILL);
       }},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    configure(row.limit);
    new_systemd();
    begin();
    freeze();
    row.end();
    EXPECT_TRUE(go_on()) << writer_->output();
    writer_.reset();
    coordinator_.reset();
    bus_.stop();
    bus_.start();
  }
}

TEST_F(UnitWriterProcess, AFreezeThatSystemdCarriesOutAfterTheVetoIsThawed) {
  for (const std::string by : {"--thaw", "the guard of a writer that has ended", "the guard"}) {
    SCOPED_TRACE(by);
    configure("freeze_timeout_ms = 60000\nfreeze_within_ms = 700\n");
    new_systemd();
    systemd().answer("b.service", FakeSystemd::Answer::Late);
    begin();
    EXPECT_THAT(message(prepare()), "");
    EXPECT_THAT(veto(send("Freeze")), HasSubstr("systemd may yet freeze b.service: Ping: no answer in time"));
    EXPECT_EQ(frozen(), "");
    EXPECT_TRUE(is_recorded());
    const pid_t guardian = guard().value();
    EXPECT_FALSE(has_ended(guardian));
    if (by == "--thaw") {
      ::kill(guardian, SIGKILL);
      writer_->kill9();
      ChildProcess late = start_program({"--thaw"});
      const auto is_at_it = [&] { return late.output().find("was left frozen") != std::string::npos; };
      EXPECT_TRUE(wait_until(is_at_it, kLimit));
      systemd().end_delay();
      EXPECT_EQ(late.wait(kLimit), 0) << late.output();
      EXPECT_FALSE(is_recorded());
    } else {
      if (by != "the guard") {
        writer_->signal(SIGTERM);
        EXPECT_EQ(writer_->wait(kLimit), 0);
      }
      systemd().end_delay();
      EXPECT_TRUE(wait_until([&] { return has_ended(guardian); }, kLimit)) << writer_->output();
    }
    EXPECT_THAT(systemd().calls(), testing::Contains("ThawUnit b.service")) << "it has been at it";
    EXPECT_EQ(frozen(), "");
    if (by == "the guard") {
      systemd().answer("b.service", FakeSystemd::Answer::Yes);
      next_session();
      freeze();
    }
    coordinator_.reset();
  }
}

TEST_F(UnitWriterProcess, WhatSomebodyFreezesAfterTheGuardHasThawedIsHis) {
  begin();
  freeze();
  const pid_t guardian = guard().value();
  writer_->kill9();
  EXPECT_TRUE(wait_until([&] { return has_ended(guardian); }, kLimit));
  EXPECT_EQ(frozen(), "");
  systemd().set_frozen("a.service", true);
  EXPECT_EQ(start_program({"--thaw"}).wait(kLimit), 0);
  EXPECT_EQ(frozen(), "a");
  EXPECT_FALSE(is_recorded());
}

TEST_F(UnitWriterProcess, AUnitThatWasLeftAloneAndIsStartedBeforeThawFailsTheSet) {
  systemd().add_unit("c.service", "inactive");
  std::ofstream(directory_.path() / "writer.toml")
      << "name = \"units\"\nclass_id = \"0e3c7f6a-1111-4222-8333-444455556666\"\n"
      << "units = [\"a.service\", \"b.service\", \"c.service\"]\n";
  begin();
  freeze();
  EXPECT_THAT(send("Thaw"), IsEmpty()) << "as long as it is not";
  next_session();
  freeze();
  systemd().start_unit("c.service");
  EXPECT_THAT(veto(send("Thaw")), HasSubstr("was started before the volumes were captured: c.service"));
  EXPECT_EQ(frozen(), "");
}

TEST_F(UnitWriterProcess, WhatIsLeftWhenWriterAndGuardAreKilledIsThawedAfterwards) {
  for (const std::string by : {"--thaw", "the next start"}) {
    SCOPED_TRACE(by);
    new_systemd({"other.service"});
    begin();
    freeze();
    systemd().set_frozen("other.service", true);
    // In this order, or the guard does its work.
    ::kill(guard().value(), SIGKILL);
    writer_->kill9();
    EXPECT_EQ(frozen(), "ab") << "nothing is left to thaw";
    if (by == "--thaw") {
      EXPECT_EQ(start_program({"--thaw"}).wait(kLimit), 0);
      EXPECT_EQ(frozen(), "");
    } else {
      start_writer();
      EXPECT_TRUE(go_on());
    }
    EXPECT_TRUE(wait_until([&] { return !is_recorded(); }, kLimit));
    EXPECT_TRUE(is_frozen("other.service")) << "somebody else's";
    coordinator_.reset();
  }
}

TEST_F(UnitWriterProcess, WithoutARecordThereIsNothingToThaw) {
  EXPECT_EQ(start_program({"--thaw"}).wait(kLimit), 0);
}

TEST_F(UnitWriterProcess, AUnitThatSomebodyElseLetsGoOnFailsTheSet) {
  begin();
  freeze();
  systemd().set_frozen("a.service", false);
  EXPECT_THAT(veto(send("Thaw")), HasSubstr("what was to stand still: a.service"));
  EXPECT_EQ(frozen(), "");
}

TEST_F(UnitWriterProcess, AWriterThatWasStoppedTooLongDoesNotPassForGood) {
  configure("freeze_timeout_ms = 1000\n");
  begin();
  freeze();
  writer_->signal(SIGSTOP);
  EXPECT_TRUE(go_on()) << "its guard sees to it";
  writer_->signal(SIGCONT);
  bool is_refused = false;
  try {
    is_refused = is_veto(send("Thaw"));
  } catch (const sdbus::Error&) {
    is_refused = true;
  }
  EXPECT_TRUE(is_refused);
}

TEST_F(UnitWriterProcess, ASecondWriterWithTheSameRecordDoesNotStart) {
  begin();
  freeze();
  ChildProcess second = start_program({"--config", directory_.path() / "writer.toml"});
  EXPECT_EQ(second.wait(kLimit), EXIT_FAILURE);
  EXPECT_THAT(second.output(), HasSubstr("another writer uses"));
  EXPECT_EQ(frozen(), "ab");
}

TEST_F(UnitWriterProcess, AFileOfTheAdministratorTakesThePlaceOfThatOfAPackage) {
  const auto package = directory_.path() / "lib";
  const auto admin = directory_.path() / "etc";
  std::filesystem::create_directory(package);
  std::filesystem::create_directory(admin);
  const auto run = [&] {
    ChildProcess program = start_program({"--name", "shop", "--config-dir", package, "--config-dir", admin});
    const auto end = program.wait(kLimit);
    EXPECT_EQ(end, EX_CONFIG);
    return program.output();
  };
  EXPECT_THAT(run(), HasSubstr("shop.toml is in none of the directories"));
  std::ofstream(package / "shop.toml") << "package = 1\n";
  EXPECT_THAT(run(), HasSubstr("lib/shop.toml:1: package: unknown key"));
  std::ofstream(admin / "shop.toml") << "admin = 1\n";
  EXPECT_THAT(run(), HasSubstr("etc/shop.toml:1: admin: unknown key"));
  std::ofstream(admin / "shop.toml", std::ios::trunc).flush();
  EXPECT_THAT(run(), HasSubstr("or empty: there is no such writer"));
}

}  // namespace
}  // namespace vss::test
