// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/guid.hpp"

#include <gtest/gtest.h>

#include <string>
#include <unordered_set>

namespace vss::core {
namespace {

TEST(Guid, TextFormRoundTrips) {
  for (int i = 0; i < 1000; ++i) {
    const Guid guid = Guid::random();
    EXPECT_EQ(Guid::parse(guid.str()), guid);
    EXPECT_EQ(Guid::parse("{" + guid.str() + "}"), guid);
  }
}

TEST(Guid, RandomOnesDiffer) {
  std::unordered_set<Guid> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(Guid::random()).second);
}

TEST(Guid, MalformedTextIsRefused) {
  const std::string good = "c06f121c-39bb-4aa1-8000-0123456789ab";
  ASSERT_TRUE(Guid::parse(good));
  const std::string cases[] = {"",
                               " ",
                               "{}",
                               good + "0",
                               good.substr(1),
                               "{" + good,
                               good + "}",
                               "[" + good + "]",
                               "g06f121c-39bb-4aa1-8000-0123456789ab",
                               "c06f121c+39bb-4aa1-8000-0123456789ab",
                               "c06f121c39bb-4aa1-8000-0123456789ab-",
                               std::string(36, '-'),
                               std::string(36, '0')};
  for (const auto& text : cases) EXPECT_FALSE(Guid::parse(text)) << text;
}

TEST(Guid, UpperCaseIsReadAndWrittenInLowerCase) {
  EXPECT_EQ(Guid::parse("C06F121C-39BB-4AA1-8000-0123456789AB")->str(),
            "c06f121c-39bb-4aa1-8000-0123456789ab");
}

TEST(Guid, DefaultIsTheNullGuid) {
  EXPECT_TRUE(Guid{}.is_null());
  EXPECT_EQ(Guid{}.str(), "00000000-0000-0000-0000-000000000000");
}

}  // namespace
}  // namespace vss::core
