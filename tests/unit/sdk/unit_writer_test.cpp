// SPDX-License-Identifier: LGPL-2.1-or-later
// What the unit writer is made of, without systemd: control groups are directories, the service manager is a
// script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/support/temp_dir.hpp"
#include "writer-sdk/writers/unit/config.hpp"
#include "writer-sdk/writers/unit/control_group.hpp"
#include "writer-sdk/writers/unit/unit_freezer.hpp"

namespace vss::unit {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kUnitHead = "name = \"x\"\nclass_id = \"0e3c7f6a-1111-4222-8333-444455556666\"\n";

tl::expected<Config, std::string> load_unit_config(const std::string& text) {
  const test::TempDir directory;
  const auto file = directory.path() / "writer.toml";
  std::ofstream(file) << text;
  return load_config(file);
}

TEST(UnitConfig, AWholeFileIsRead) {
  const auto config = load_unit_config(kUnitHead + R"(
level = "system"
freeze_timeout_ms = 12000
paths = ["/srv/a"]
units = ["shop.service", "worker@1.service"]
freeze_within_ms = 2500
)");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->writer.level, VSS_LEVEL_SYSTEM);
  EXPECT_THAT(config->paths, ElementsAre("/srv/a"));
  EXPECT_THAT(config->units, ElementsAre("shop.service", "worker@1.service"));
  EXPECT_EQ(config->freeze_limit, 2500ms);
}

TEST(UnitConfig, TheExampleIsAWriter) {
  const auto config = load_config(VSS_EXAMPLES "/unit.toml");
  ASSERT_TRUE(config) << config.error();
  EXPECT_THAT(config->units, ElementsAre("shop-web.service", "shop-worker.service"));
}

TEST(UnitConfig, HalfOfTheWindowIsLeftForTheVolumes) {
  EXPECT_EQ(load_unit_config(kUnitHead + "units = [\"a.service\"]\n")->freeze_limit, 10s);
  EXPECT_EQ(load_unit_config(kUnitHead + "units = [\"a.service\"]\nfreeze_timeout_ms = 6000\n")->freeze_limit,
            3s);
}

TEST(UnitConfig, FaultsAreNamedWithLineAndKey) {
  struct Row {
    std::string text;
    std::string message;
  };
  const std::vector<Row> rows = {
      {"", "units: is required"},
      {"units = []\n", ":3: units: is required"},
      {"units = [\"a.service\", \"a.service\"]\n", ":3: units: a.service is named twice"},
      {"units = [\"a b.service\"]\n", ":3: units: names of units"},
      {"units = [\"shop\"]\n", "only services and scopes"},
      {"units = [\"system.slice\"]\n", "system.slice is never frozen: only services and scopes"},
      {"units = [\"vssd.service\"]\n", "vssd.service is never frozen: it is a part of vssd"},
      {"units = [\"a.service\"]\nfreeze_within_ms = 30001\n",
       ":4: freeze_within_ms: a number from 1 to 30000"},
      {"units = [\"a.service\"]\n[events.freeze]\ncommand = [\"/x\"]\n", "events: unknown key"},
      {"units = [\"a.service\"]\nlevel = \"top\"\n", ":4: level: "},
  };
  for (const Row& row : rows) {
    const auto config = load_unit_config(kUnitHead + row.text);
    ASSERT_FALSE(config) << row.text;
    EXPECT_THAT(config.error(), HasSubstr(row.message));
  }
}

TEST(UnitRefusals, WhatTheWordToGoOnNeedsIsNeverFrozen) {
  for (const char* unit : {"init.scope", "dbus.service", "dbus-broker.service", "systemd-journald.service",
                           "systemd-journald@name.service", "systemd-udevd.service", "vssd.service",
                           "vss-writer-unit@shop.service", "vss-writer-command@shop.service",
                           "dm-event.service", "polkit.service", "system.slice", "x.mount"}) {
    EXPECT_TRUE(why_never(unit)) << unit;
  }
  for (const char* unit :
       {"shop.service", "dbus-like.service", "vssd2.service", "machine-x.scope", "a@b.service"})
    EXPECT_FALSE(why_never(unit)) << unit << ": " << *why_never(unit);
}

TEST(UnitRefusals, AUnitWithAVitalProcessInItIsNot) {
  const std::vector<VitalProcess> vital = {
      {"vssd", "/user.slice/user-0.slice/user@0.service/app.slice/vssd.scope"}};
  UnitFacts unit{"user@0.service", "loaded", "active", "/user.slice/user-0.slice/user@0.service"};
  EXPECT_THAT(why_not(unit, vital).value(), HasSubstr("vssd runs in it"));
  unit.control_group = "/user.slice/user-0.slice/user@0";
  EXPECT_FALSE(why_not(unit, vital));
  unit.control_group = "/";
  EXPECT_TRUE(why_not(unit, vital));
}

TEST(UnitRecord, SaysWhatWasAddedUntilItIsCleared) {
  const test::TempDir directory;
  const Record record(directory.path() / "frozen");
  EXPECT_THAT(record.read(), IsEmpty());
  const FrozenUnit one{"a.service", "/system.slice/a.service", 7};
  const FrozenUnit two{"b.scope", "/machine.slice/b.scope", 18446744073709551615U};
  record.begin();
  record.add(one);
  record.add(two);
  EXPECT_THAT(record.read(), ElementsAre(one, two));
  record.begin();
  EXPECT_THAT(record.read(), IsEmpty());
  record.clear();
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "frozen"));
}

TEST(UnitRecord, OneOfAnotherBootSaysNothing) {
  const test::TempDir directory;
  std::ofstream(directory.path() / "frozen") << "another-boot\n7 a.service /system.slice/a.service\n";
  EXPECT_THAT(Record(directory.path() / "frozen").read(), IsEmpty());
}

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
    if (unit == refuses_) throw ManagerError("not this one");
    if (unit != ignores_) set(unit, 1);
  }
  void thaw(const std::string& unit, std::chrono::milliseconds) override {
    calls_.push_back("thaw " + unit);
    if (is_deaf_) throw ManagerError("gone");
    set(unit, 0);
  }
  std::optional<pid_t> owner_of(const std::string&) override { return std::nullopt; }

  std::filesystem::path cgroups_;
  std::map<std::string, UnitFacts> units_;
  std::vector<std::string> calls_;
  std::string refuses_;
  std::string ignores_;
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

TEST_F(UnitFreezerTest, AUnitThatWasStartedAnewIsNotThawed) {
  EXPECT_EQ(failure_of_freeze(), "");
  const auto group = directory_.path() / "system.slice/b.service";
  std::filesystem::rename(group, directory_.path() / "old");
  manager_.add("b.service");
  manager_.set("b.service", 1);
  EXPECT_EQ(freezer_.thaw(manager_), "");
  EXPECT_EQ(told(), "b");
  EXPECT_THAT(manager_.calls_, testing::Not(testing::Contains("thaw b.service")));
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
