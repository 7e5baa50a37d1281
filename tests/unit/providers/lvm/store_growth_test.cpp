// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/store_growth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/lvm/store_policy.hpp"
#include "vss/provider_module.hpp"

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

// Its group is locked, lvm hangs or cannot start: the store is at risk, and each question may take its limit.
TEST(UngrownStores, WhatLvmCannotBeAskedDoesNotGrowAndItsGroupIsLeftAloneForAWhile) {
  Ungrown stores;
  int asked = 0;
  const auto ask = [&](const std::string& id, const std::string& group, std::chrono::seconds now) {
    return stores.try_to_grow({id, group}, Ungrown::Time{} + now, [&]() -> std::optional<std::string> {
      ++asked;
      if (group == "locked" && now < 60s) throw ProviderError(VSS_PROVIDER_E_VETO, "it is locked");
      return std::nullopt;
    });
  };
  EXPECT_EQ(ask("one", "locked", 0s), "it is locked");
  EXPECT_EQ(ask("one", "locked", 10s), "it is locked");
  EXPECT_EQ(ask("two", "locked", 10s), "it is locked");
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(ask("three", "another", 10s), "");
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(ask("one", "locked", 29s), "it is locked");
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(ask("one", "locked", 30s), "it is locked");
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(ask("two", "locked", 60s), "");
  EXPECT_EQ(ask("one", "locked", 60s), "");
  EXPECT_EQ(asked, 5);
}

TEST(UngrownStores, AnAnswerAboutOneStoreEndsThePauseForItsGroup) {
  Ungrown stores;
  const auto locked = []() -> std::optional<std::string> {
    throw ProviderError(VSS_PROVIDER_E_VETO, "it is locked");
  };
  const auto grows = []() -> std::optional<std::string> { return std::nullopt; };
  EXPECT_EQ(stores.try_to_grow({"one", "group"}, Ungrown::Time{}, locked), "it is locked");
  EXPECT_EQ(stores.try_to_grow({"two", "group", 5}, Ungrown::Time{} + 6s, grows), "");
  EXPECT_EQ(stores.try_to_grow({"one", "group"}, Ungrown::Time{} + 7s, grows), "");
}

TEST(UngrownStores, AboutOneWithLittleTimeLeftLvmIsAskedAgainSoon) {
  struct Row {
    std::int64_t left;
    std::chrono::milliseconds again;
  };
  for (const Row& row : {Row{-1, 30s}, Row{INT64_MAX, 30s}, Row{3600, 30s}, Row{30, 15s}, Row{12, 6s},
                         Row{5, 6s}, Row{0, 6s}}) {
    Ungrown stores;
    int asked = 0;
    const auto ask = [&](std::int64_t left, std::chrono::milliseconds now) {
      const auto locked = [&]() -> std::optional<std::string> {
        ++asked;
        throw ProviderError(VSS_PROVIDER_E_VETO, "it is locked");
      };
      return stores.try_to_grow({"one", "group", left}, Ungrown::Time{} + now, locked);
    };
    (void)ask(-1, 0s);
    EXPECT_EQ(ask(row.left, row.again - 1ms), "it is locked");
    EXPECT_EQ(asked, 1) << row.left;
    EXPECT_EQ(ask(row.left, row.again), "it is locked");
    EXPECT_EQ(asked, 2) << row.left;
  }
}

TEST(UngrownStores, OneThatIsGoneDoesNotKeepOthersFromGrowing) {
  Ungrown stores;
  const auto gone = []() -> std::optional<std::string> {
    throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, "not found");
  };
  const auto grows = []() -> std::optional<std::string> { return std::nullopt; };
  EXPECT_EQ(stores.try_to_grow({"one", "group"}, {}, gone), "not found");
  EXPECT_EQ(stores.try_to_grow({"two", "group"}, {}, grows), "");
}

TEST(UngrownStores, ARefusalIsNotedUntilTheStoreGrows) {
  Ungrown stores;
  std::optional<std::string> refusal = "insufficient free space";
  int asked = 0;
  const auto ask = [&](std::chrono::seconds now) {
    const auto grow = [&] {
      ++asked;
      return refusal;
    };
    return stores.try_to_grow({"one", "group"}, Ungrown::Time{} + now, grow);
  };
  EXPECT_EQ(ask(0s), "insufficient free space");
  refusal.reset();
  EXPECT_EQ(ask(29s), "insufficient free space");
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(ask(30s), "");
  EXPECT_EQ(ask(31s), "");
  EXPECT_EQ(asked, 3);
}

TEST(UngrownStores, OneThatGrewIsForgotten) {
  Ungrown stores;
  stores.note("one", "", {});
  stores.forget("one");
  EXPECT_EQ(stores.why("one", {}), std::nullopt);
}

}  // namespace
}  // namespace vss::lvm
