// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "providers/lvm/lvm.hpp"
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
