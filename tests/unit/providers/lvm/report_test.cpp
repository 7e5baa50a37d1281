// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/lvm/lvm.hpp"
#include "providers/lvm/volume_group_lock.hpp"
#include "tests/support/temp_dir.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {
namespace {

TEST(Reports, RowsAreReadAndWarningsBetweenThemAreNot) {
  const auto rows = parse_report({"{", R"(  "report": [ {"lv": [)", "WARNING: a disk is slow",
                                  R"({"lv_name":"a-1", "lv_size":"5"},)", R"({"lv_name":"b", "lv_size":"6"})",
                                  "Configuration setting \"x\" unknown.", R"(]}],)", R"("log": [])", "}"});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("lv_name"), "a-1");
  EXPECT_EQ(rows[1].at("lv_size"), "6");
}

TEST(Reports, NoRowsAreNoError) { EXPECT_TRUE(parse_report({R"({"report":[{"lv":[]}]})"}).empty()); }

TEST(Reports, WhatIsNoReportIsAnError) {
  for (const char* text : {"", "{", "[]", R"({"report":[{"lv":[1]}]})", R"({"rows":[]})"}) {
    EXPECT_THROW((void)parse_report({text}), ProviderError) << text;
  }
}

// What comes after the name of a command, as vssd-lvm gets it.
std::string given(Lvm& lvm, const VolumeGroupLock* lock = nullptr) {
  const CommandResult result =
      lvm.try_command("vg", {"say", "--yes"}, lock, Patience::of(std::chrono::seconds(10)));
  return result.printed.empty() ? "" : result.printed.front();
}

// While / or /etc is held, whoever writes there waits for the end of the hold, and so does the hold for it.
TEST(Commands, NothingIsWrittenBesideTheMetadataAndNobodyElseIsAsked) {
  Lvm lvm(VSS_FAKE_VSSD_LVM, {});
  const std::string always =
      "--config 'backup{backup=0 archive=0} log{syslog=0} activation{monitoring=0} global{notify_dbus=0 ";
  EXPECT_EQ(given(lvm), always + "use_lvmpolld=0}' --yes");
  lvm.set_polls_elsewhere(true);
  EXPECT_EQ(given(lvm), always + "use_lvmpolld=1}' --yes");
}

TEST(Commands, WithALockOfOursLvmTakesItsOwnElsewhere) {
  const test::TempDir directory;
  Lvm lvm(VSS_FAKE_VSSD_LVM, {});
  lvm.set_own_locks("/run/vssd/locks");
  const VolumeGroupLock lock(directory.path().string(), "vg", Patience::of(std::chrono::seconds(10)));
  EXPECT_THAT(given(lvm, &lock), ::testing::HasSubstr(" locking_dir=\"/run/vssd/locks\"}'"));
  EXPECT_THAT(given(lvm, &lock), ::testing::HasSubstr("backup{backup=0 archive=0}"));
  EXPECT_THAT(given(lvm), ::testing::Not(::testing::HasSubstr("locking_dir")));
}

TEST(Refusals, LackOfSpaceHasItsOwnCode) {
  const auto status = [](const std::string& message) {
    try {
      throw_refusal({"lvcreate"}, CommandResult{5, {}, {message}});
    } catch (const ProviderError& error) {
      return error.status();
    }
  };
  EXPECT_EQ(status("Volume group \"vg\" has insufficient free space (5 extents): 10 required."),
            VSS_PROVIDER_E_INSUFFICIENT_STORAGE);
  EXPECT_EQ(status("Cannot change VG vg while PVs are missing."), VSS_PROVIDER_E_VETO);
  EXPECT_EQ(status("Volume group \"vg\" not found"), VSS_PROVIDER_E_OBJECT_NOT_FOUND);
}

}  // namespace
}  // namespace vss::lvm
