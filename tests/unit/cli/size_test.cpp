// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/size.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace vss::cli {
namespace {

TEST(ParseSize, ANumberWithAUnit) {
  const std::vector<std::pair<std::string, std::uint64_t>> rows = {
      {"500", 500},
      {"500M", 524288000},
      {"500MiB", 524288000},
      {"500mb", 524288000},
      {"2GiB", 2147483648},
      {"1T", 1099511627776},
      {"18446744073709551615", 18446744073709551615U},
      {"none", 0},
  };
  for (const auto& [text, bytes] : rows) EXPECT_EQ(parse_size(text), bytes) << text;
}

TEST(ParseSize, NothingElse) {
  for (const char* text : {"", "0", "0M", "-1", "-1GiB", "much", "0x10", "1'000", "1_000", "1.5G", "5X",
                           "2 M 3", "18446744073709551616", "18446744073709551615K"}) {
    EXPECT_THROW((void)parse_size(text), std::runtime_error) << text;
  }
}

}  // namespace
}  // namespace vss::cli
