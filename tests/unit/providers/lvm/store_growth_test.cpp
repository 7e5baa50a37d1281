// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/store_growth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/lvm/store_policy.hpp"

namespace vss::lvm {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAreArray;
using ::testing::Optional;

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

TEST(StoreGrowth, TheLastSpaceIsTakenAsFarAsTheLimitAllows) {
  struct Row {
    const char* what;
    Room room;
    std::vector<std::string> amounts;  // for a growth of 64 MiB
  };
  for (const Row& row : {
           Row{"no limit", {UINT64_MAX, 999 * kMiB}, {"+67108864b", "+100%FREE"}},
           Row{"no limit, little space", {UINT64_MAX, 8 * kMiB}, {"+67108864b", "+100%FREE"}},
           Row{"far below its limit", {500 * kMiB, 999 * kMiB}, {"+67108864b"}},
           Row{"far below its limit, little space", {500 * kMiB, 8 * kMiB}, {"+67108864b", "+8388608b"}},
           Row{"just below its limit", {16 * kMiB, 999 * kMiB}, {"+16777216b"}},
           Row{"just below its limit, little space", {16 * kMiB, 8 * kMiB}, {"+16777216b", "+8388608b"}},
           // lvm is asked all the same: it says so if the store is as large as it can get.
           Row{"below its limit, no space", {500 * kMiB, 0}, {"+67108864b"}},
           Row{"at its limit", {0, 999 * kMiB}, {}},
       }) {
    std::vector<std::string> amounts;
    for (const Words& words : commands_to_grow("data/store", 64 * kMiB, row.room)) {
      EXPECT_EQ(words.back(), "data/store");
      amounts.push_back(words[3]);
    }
    EXPECT_THAT(amounts, ElementsAreArray(row.amounts)) << row.what;
  }
}

TEST(UngrownStores, LvmIsAskedAgainAfterAWhile) {
  for (const char* why : {"insufficient free space", ""}) {
    Ungrown stores;
    const Ungrown::Time start{};
    EXPECT_EQ(stores.why("one", start), std::nullopt);
    stores.note("one", why, start);
    EXPECT_THAT(stores.why("one", start + 2s), Optional(std::string(why)));
    EXPECT_EQ(stores.why("another", start + 2s), std::nullopt);
    EXPECT_EQ(stores.why("one", start + 30s), std::nullopt);
  }
}

TEST(UngrownStores, OneThatGrewIsForgotten) {
  Ungrown stores;
  stores.note("one", "", {});
  stores.forget("one");
  EXPECT_EQ(stores.why("one", {}), std::nullopt);
}

}  // namespace
}  // namespace vss::lvm
