// SPDX-License-Identifier: LGPL-2.1-or-later
// How the unit writer freezes and thaws, without systemd: control groups are directories, the service manager
// is a script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "tests/support/temp_dir.hpp"
#include "writer-sdk/writers/unit/control_group.hpp"
#include "writer-sdk/writers/unit/unit_freezer.hpp"

namespace vss::unit {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Units that are directories; what it is asked is noted.
class ScriptedManager final : public ServiceManager {
 public:
  explicit ScriptedManager(std::filesystem::path cgroups) : cgroups_(std::move(cgroups)) {}

  void add(const std::string& name, const std::string& active = "active") {
    const std::string group = active == "active" ? "/system.slice/" + name : "";
    units_[name] = {name, "loaded", active, group};
    if (group.empty()) return;
    std::filesystem::create_directories(cgroups_ / "system.slice" / name);
    set(name, 0);
  }
  void set(const std::string& name, int frozen) const {
    const auto directory = cgroups_ / "system.slice" / name;
    std::ofstream(directory / "cgroup.freeze") << frozen << "\n";
    std::ofstream(directory / "cgroup.events") << "populated 1\nfrozen " << frozen << "\n";
  }
  [[nodiscard]] bool is_told(const std::string& name) const {
    return ControlGroup(cgroups_, "/system.slice/" + name).is_told_to_freeze();
  }

  UnitFacts look(const std::string& unit) override { return units_.at(unit); }
  void freeze(const std::string& unit, std::chrono::milliseconds) override {
    calls_.push_back("freeze " + unit);
    if (unit == restarted_before_) start_anew(unit);
    if (unit == refuses_) throw ManagerError("not this one");
    if (unit != ignores_) set(unit, 1);
    if (unit == unanswered_) throw ManagerError("no answer in time");
  }
  // The number of the group is another one.
  void start_anew(const std::string& name) {
    std::filesystem::rename(cgroups_ / "system.slice" / name, cgroups_ / ("earlier " + name));
    add(name);
  }
  void thaw(const std::string& unit, std::chrono::milliseconds) override {
    calls_.push_back("thaw " + unit);
    if (is_deaf_) throw ManagerError("gone");
    set(unit, unit == comes_late_ ? 1 : 0);
  }
  void catch_up(std::chrono::milliseconds) override {
    if (is_deaf_) throw ManagerError("gone");
  }
  std::optional<pid_t> owner_of(const std::string&) override { return std::nullopt; }

  std::filesystem::path cgroups_;
  std::map<std::string, UnitFacts> units_;
  std::vector<std::string> calls_;
  std::string refuses_;
  std::string ignores_;
  std::string unanswered_;
  std::string restarted_before_;
  std::string comes_late_;
  bool is_deaf_ = false;
};

class UnitFreezerTest : public testing::Test {
 protected:
  UnitFreezerTest() {
    for (const char* name : {"a.service", "b.service", "c.service"}) manager_.add(name);
  }
  [[nodiscard]] std::string failure_of_freeze() {
    try {
      freezer_.freeze(manager_, 10s);
      return "";
    } catch (const FreezeError& error) {
      return error.what();
    }
  }
  [[nodiscard]] Record record() const { return Record(directory_.path() / "frozen"); }
  [[nodiscard]] std::string told() const {
    std::string names;
    for (const char* name : {"a.service", "b.service", "c.service"}) {
      if (manager_.is_told(name)) names += name[0];
    }
    return names;
  }

  test::TempDir directory_;
  ScriptedManager manager_{directory_.path()};
  std::vector<std::string> log_;
  UnitFreezer freezer_{
      {"a.service", "b.service", "c.service"}, record(), directory_.path(), [this](const std::string& line) {
        log_.push_back(line);
      }};
};

TEST_F(UnitFreezerTest, UnitsAreFrozenInOrderAndThawedTheOtherWayRound) {
  EXPECT_EQ(failure_of_freeze(), "");
  EXPECT_EQ(told(), "abc");
  EXPECT_EQ(record().read().size(), 3U);
  EXPECT_EQ(freezer_.thaw(manager_), "");
  EXPECT_EQ(told(), "");
  EXPECT_THAT(manager_.calls_, ElementsAre("freeze a.service", "freeze b.service", "freeze c.service",
                                           "thaw c.service", "thaw b.service", "thaw a.service"));
  EXPECT_THAT(record().read(), IsEmpty());
}

TEST_F(UnitFreezerTest, OneThatFailsHasTheOthersThawedAtOnce) {
  manager_.refuses_ = "c.service";
  EXPECT_EQ(failure_of_freeze(), "c.service cannot be frozen: not this one");
  EXPECT_EQ(told(), "");
  EXPECT_THAT(manager_.calls_, ElementsAre("freeze a.service", "freeze b.service", "freeze c.service",
                                           "thaw c.service", "thaw b.service", "thaw a.service"));
  EXPECT_FALSE(freezer_.is_any_frozen());
  EXPECT_THAT(record().read(), IsEmpty());
}

TEST_F(UnitFreezerTest, TheWordOfSystemdThatItStandsStillIsLookedAfter) {
  manager_.ignores_ = "b.service";
  EXPECT_THAT(failure_of_freeze(), HasSubstr("b.service cannot be frozen: its processes do not stand still"));
  EXPECT_EQ(told(), "");
}

TEST_F(UnitFreezerTest, AUnitThatSomebodyElseHasFrozenIsAFailureAndStaysFrozen) {
  manager_.set("b.service", 1);
  EXPECT_THAT(failure_of_freeze(), HasSubstr("b.service cannot be frozen: somebody else has"));
  EXPECT_EQ(told(), "b");
  EXPECT_THAT(manager_.calls_, ElementsAre("freeze a.service", "thaw a.service"));
  EXPECT_THROW(freezer_.check(manager_), FreezeError) << "it could have been known before";
}

TEST_F(UnitFreezerTest, AUnitThatIsNotActiveIsLeftAlone) {
  manager_.add("b.service", "inactive");
  EXPECT_EQ(failure_of_freeze(), "");
  EXPECT_THAT(log_, ElementsAre(HasSubstr("b.service is not active")));
  EXPECT_EQ(record().read().size(), 2U);
  EXPECT_EQ(freezer_.thaw(manager_), "");
}

TEST_F(UnitFreezerTest, AUnitThatCannotBeToldOfIsAFailure) {
  struct Row {
    const char* load_state;
    const char* active_state;
    const char* message;
  };
  for (const Row& row :
       {Row{"not-found", "inactive", "there is no such unit"}, Row{"masked", "inactive", "(masked)"},
        Row{"loaded", "activating", "it is activating"},
        Row{"loaded", "deactivating", "it is deactivating"}}) {
    manager_.units_["b.service"] = {"b.service", row.load_state, row.active_state, ""};
    EXPECT_THAT(failure_of_freeze(), HasSubstr(row.message));
    EXPECT_EQ(told(), "");
  }
}

TEST_F(UnitFreezerTest, AnAliasOfWhatIsNeverFrozenIsRefused) {
  manager_.units_["b.service"].id = "dbus-broker.service";
  EXPECT_THAT(failure_of_freeze(),
              HasSubstr("b.service cannot be frozen: dbus-broker.service is never frozen"));
}

TEST_F(UnitFreezerTest, AUnitWithThisWriterInItIsRefused) {
  manager_.units_["b.service"].control_group = control_group_of(::getpid()).value();
  EXPECT_THAT(failure_of_freeze(), HasSubstr("b.service cannot be frozen: this writer runs in it"));
}

TEST_F(UnitFreezerTest, TheyGoOnWithoutSystemd) {
  EXPECT_EQ(failure_of_freeze(), "");
  manager_.is_deaf_ = true;
  EXPECT_EQ(freezer_.thaw(manager_), "");
  EXPECT_EQ(told(), "");
  EXPECT_THAT(log_, testing::Contains(HasSubstr("systemd may not show it: gone")));
}

TEST_F(UnitFreezerTest, AUnitThatGoesOnOrEndsTooEarlyIsNamed) {
  EXPECT_EQ(failure_of_freeze(), "");
  EXPECT_EQ(freezer_.disturbed(), "");
  manager_.set("a.service", 0);
  std::filesystem::remove_all(directory_.path() / "system.slice/c.service");
  EXPECT_EQ(freezer_.disturbed(), "a.service, c.service");
  EXPECT_EQ(freezer_.thaw(manager_), "") << "what is gone is no failure";
}

TEST_F(UnitFreezerTest, AUnitThatWasStartedAnewAfterItWasFrozenIsNotThawed) {
  EXPECT_EQ(failure_of_freeze(), "");
  manager_.start_anew("b.service");
  manager_.set("b.service", 1);
  EXPECT_EQ(freezer_.thaw(manager_), "");
  EXPECT_EQ(told(), "b");
  EXPECT_THAT(manager_.calls_, testing::Not(testing::Contains("thaw b.service")));
}

TEST_F(UnitFreezerTest, AUnitThatWasStartedAnewBeforeItWasFrozenIsThawedAndAFailure) {
  manager_.restarted_before_ = "b.service";
  EXPECT_THAT(failure_of_freeze(), HasSubstr("b.service cannot be frozen: it was started anew"));
  EXPECT_EQ(told(), "");
  EXPECT_THAT(record().read(), IsEmpty());
}

TEST_F(UnitFreezerTest, OneThatWasStartedAnewBeforeAFreezeWithoutAnAnswerIsThawedToo) {
  manager_.restarted_before_ = manager_.unanswered_ = "b.service";
  EXPECT_EQ(failure_of_freeze(), "b.service cannot be frozen: no answer in time");
  EXPECT_EQ(told(), "");
}

TEST_F(UnitFreezerTest, WhateverStandsStillInThePlaceOfAUnitWhoseFreezeWasNotAnsweredIsThawed) {
  record().begin();
  record().add({"b.service", "/system.slice/b.service", 0});
  manager_.set("b.service", 1);
  EXPECT_EQ(freezer_.thaw_again(manager_), "");
  EXPECT_EQ(told(), "");
}

TEST_F(UnitFreezerTest, AFreezeThatIsCarriedOutAfterTheThawIsThawedOnceSystemdHasCaughtUp) {
  manager_.refuses_ = manager_.comes_late_ = "b.service";
  EXPECT_EQ(failure_of_freeze(), "b.service cannot be frozen: not this one");
  EXPECT_EQ(told(), "");
  EXPECT_FALSE(freezer_.is_any_frozen());
}

TEST_F(UnitFreezerTest, WhatSystemdMayFreezeYetStaysOnRecord) {
  manager_.refuses_ = "b.service";
  manager_.is_deaf_ = true;
  EXPECT_THAT(failure_of_freeze(), HasSubstr("systemd may yet freeze b.service: gone"));
  EXPECT_EQ(told(), "");
  EXPECT_TRUE(freezer_.is_any_frozen());
  const FrozenUnit unanswered{"b.service", "/system.slice/b.service", 0};
  EXPECT_THAT(record().read(), ElementsAre(testing::_, unanswered));
  setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
  const auto log = [this](const std::string& line) { log_.push_back(line); };
  EXPECT_FALSE(thaw_recorded(record(), directory_.path(), log, std::chrono::steady_clock::now() + 300ms));
  EXPECT_THAT(log_, testing::Contains(HasSubstr("systemd may yet freeze b.service")).Times(1)) << "once";
  EXPECT_EQ(record().read().size(), 2U);
  manager_.is_deaf_ = false;
  EXPECT_EQ(freezer_.thaw_again(manager_), "");
  EXPECT_FALSE(freezer_.is_any_frozen());
}

TEST_F(UnitFreezerTest, AUnitThatIsNotActiveAndHasProcessesLeftIsAFailure) {
  for (const char* state : {"inactive", "failed"}) {
    manager_.units_["b.service"].active_state = state;
    EXPECT_THAT(failure_of_freeze(), HasSubstr("b.service cannot be frozen: it is " + std::string(state)));
    EXPECT_EQ(told(), "");
  }
}

TEST_F(UnitFreezerTest, AUnitWithoutTheGroupThatItNamesIsAFailure) {
  manager_.units_["b.service"].control_group = "/system.slice/gone.service";
  EXPECT_THAT(failure_of_freeze(), HasSubstr("b.service cannot be frozen: it has no control group"));
}

TEST_F(UnitFreezerTest, AUnitThatIsStartedWhileTheOthersStandStillIsNamed) {
  manager_.add("b.service", "inactive");
  manager_.units_["b.service"].started = 5;
  EXPECT_EQ(failure_of_freeze(), "");
  EXPECT_EQ(freezer_.started_since(manager_), "");
  manager_.units_["b.service"].started = 0;
  EXPECT_EQ(freezer_.started_since(manager_), "") << "systemd has only forgotten it";
  manager_.units_["b.service"].started = 6;
  EXPECT_EQ(freezer_.started_since(manager_), "b.service") << "also when it has ended again";
}

TEST_F(UnitFreezerTest, OneThatCannotBeThawedKeepsTheRecordAndNotTheOthers) {
  EXPECT_EQ(failure_of_freeze(), "");
  const auto file = directory_.path() / "system.slice/b.service/cgroup.freeze";
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_THAT(freezer_.thaw(manager_), HasSubstr("b.service cannot be thawed: "));
  EXPECT_EQ(told(), "");
  EXPECT_EQ(record().read().size(), 3U);
}

}  // namespace
}  // namespace vss::unit
