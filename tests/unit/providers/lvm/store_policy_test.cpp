// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/store_policy.hpp"

#include <gtest/gtest.h>

#include "vss/provider_module.hpp"

namespace vss::lvm {
namespace {

constexpr std::uint64_t kExtent = 4 * kMiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;

TEST(StorePolicy, SizesAreWholeExtentsWithinTheirLimits) {
  struct Row {
    const char* text;
    std::uint64_t origin;
    double rate;
    std::uint64_t expected;
  };
  for (const Row& row : {
           Row{"20%", 10 * kGiB, 0, 2 * kGiB},
           Row{"1%", 100 * kMiB, 0, kSmallestStore},  // never less
           Row{"3GiB", 10 * kGiB, 0, 3 * kGiB},
           Row{"100%", kGiB, 0, kGiB},
           Row{"3TiB", kGiB, 0, StorePolicy::largest(kGiB, kExtent)},  // no more than it can use
           Row{"estimate", 100 * kGiB, 1024.0 * 1024, 900 * kMiB},     // 10 minutes, and half more
           Row{"estimate", 100 * kGiB, 0, kSmallestStore},
           Row{"estimate", kGiB, 1e12, StorePolicy::largest(kGiB, kExtent)},
           Row{"100%", kMiB, 0, kSmallestStore},
       }) {
    EXPECT_EQ(StorePolicy(row.text, 10).size(row.origin, kExtent, row.rate), row.expected)
        << row.text << " of " << row.origin;
  }
}

TEST(StorePolicy, AnExtentThatDoesNotDivideIsRoundedUp) {
  EXPECT_EQ(StorePolicy("50MiB", 1).size(kGiB, 32 * kMiB, 0), 64 * kMiB);
}

TEST(StorePolicy, WhatIsNoSizeIsRefused) {
  for (const char* text :
       {"", "%", "0%", "101%", "-1%", "5", "GiB", "0GiB", "5XiB", "1.5GiB", "lots", "99999999999T"}) {
    EXPECT_THROW(StorePolicy(text, 1), ProviderError) << text;
  }
}

TEST(WriteRates, ADeviceThatIsNotThereHasNone) { EXPECT_EQ(written_to("0:0"), std::nullopt); }

TEST(WriteRates, TheAverageIsSinceTheSetBeforeOrTheStartOfTheMachine) {
  WriteRates rates;
  EXPECT_EQ(rates.on_average("253:1", {1000, 5000}), 5);
  EXPECT_EQ(rates.on_average("253:1", {1100, 6000}), 10);
  EXPECT_EQ(rates.on_average("253:1", {1110, 6600}), 60);
  EXPECT_EQ(rates.on_average("253:1", {1200, 7000}), 10) << "what is a moment ago is no beginning";
  EXPECT_EQ(rates.on_average("253:1", {1400, 2800}), 2) << "another device has the number";
  EXPECT_EQ(rates.on_average("253:2", {1000, 0}), 0);
}

TEST(WriteRates, ALoadThatHasJustBegunShowsInTheRateOfLate) {
  WriteRates rates;
  EXPECT_EQ(rates.lately("253:1", {1000, 5000}), 0) << "nobody has asked before";
  EXPECT_EQ(rates.on_average("253:1", {100'000, 5000}), 0.05);
  EXPECT_EQ(rates.lately("253:1", {100'004, 45'000}), 0) << "too short to tell";
  EXPECT_EQ(rates.lately("253:1", {100'010, 105'000}), 10'000);
  EXPECT_EQ(rates.lately("253:1", {100'010, 4000}), 0) << "another device has the number";
}

}  // namespace
}  // namespace vss::lvm
