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

TEST(StoreGrowth, IsInWholeSectorsWhateverTheSizeOfTheStore) {
  for (const std::uint64_t mebibytes : {16, 80, 512, 1000, 2048, 10240, 99999}) {
    for (const std::uint64_t percent : {1, 20, 33, 100}) {
      const std::uint64_t growth = growth_of_store(mebibytes * kMiB / 512, percent);
      EXPECT_EQ(growth % 512, 0U) << mebibytes << " MiB by " << percent;
      EXPECT_GE(growth, kSmallestStore);
    }
  }
  EXPECT_NEAR(static_cast<double>(growth_of_store(10240 * kMiB / 512, 20)), 2048.0 * kMiB, kMiB);
}

TEST(WriteRates, ADeviceThatIsNotThereHasNone) { EXPECT_EQ(WriteRates().measure("0:0"), 0); }

}  // namespace
}  // namespace vss::lvm
