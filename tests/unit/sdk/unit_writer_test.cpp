// SPDX-License-Identifier: LGPL-2.1-or-later
// What the unit writer reads, refuses and notes down.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.hpp"
#include "writer-sdk/writers/unit/config.hpp"
#include "writer-sdk/writers/unit/record.hpp"
#include "writer-sdk/writers/unit/refusals.hpp"

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
  for (const char* unit :
       {"init.scope", "dbus.service", "dbus-broker.service", "systemd-journald.service",
        "systemd-journald@name.service", "systemd-udevd.service", "vssd.service",
        "vss-writer-unit@shop.service", "vss-writer-command@shop.service", "dm-event.service",
        "polkit.service", "auditd.service", "system.slice", "x.mount"}) {
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

TEST(UnitRecord, TheIdIsAddedAndWhatGoesOnIsTakenOut) {
  const test::TempDir directory;
  const Record record(directory.path() / "frozen");
  const FrozenUnit unknown{"a.service", "/system.slice/a.service", 0};
  const FrozenUnit known{"a.service", "/system.slice/a.service", 7};
  record.begin();
  record.add(unknown);
  EXPECT_THAT(record.read(), ElementsAre(unknown));
  record.add(known);
  EXPECT_THAT(record.read(), ElementsAre(known));
  record.remove(unknown);
  EXPECT_THAT(record.read(), ElementsAre(known)) << "it was thawed before it was frozen";
  record.remove(known);
  EXPECT_THAT(record.read(), IsEmpty());
}

TEST(UnitRecord, OneOfAnotherBootSaysNothing) {
  const test::TempDir directory;
  std::ofstream(directory.path() / "frozen") << "another-boot\n7 a.service /system.slice/a.service\n";
  EXPECT_THAT(Record(directory.path() / "frozen").read(), IsEmpty());
}

}  // namespace
}  // namespace vss::unit
