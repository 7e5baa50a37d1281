// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/provider_host/provider_registry.hpp"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/providers/run_awaitable.hpp"

namespace vss::provider_host {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Registry : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(modules_);
    fs::permissions(modules_, fs::perms::owner_all);
  }
  void install(const std::string& name) {
    const fs::path file = modules_ / (name + ".so");
    fs::copy_file(fs::path(VSS_ODD_MODULES) / (name + ".so"), file);
    fs::permissions(file, fs::perms::owner_read);
  }
  core::Status load(std::vector<std::string> only = {}, ProviderRegistry::AllSettings settings = {}) {
    return test::run(
        context_, registry_.load_all(modules_, temp_.path() / "run", std::move(only), std::move(settings)));
  }

  test::TempDir temp_;
  fs::path modules_ = temp_.path() / "modules";
  asio::io_context context_;
  ProviderRegistry registry_{context_.get_executor()};
};

TEST_F(Registry, ABadModuleIsLeftOutAndTheOthersAreLoaded) {
  for (const char* name : {"sound", "other-major", "no-symbol", "no-commit"}) install(name);
  ASSERT_TRUE(load());
  ASSERT_EQ(registry_.all().size(), 1U);
  EXPECT_EQ(registry_.all().front()->info().name, "sound");
  EXPECT_EQ(registry_.find("sound"), registry_.all().front());
  EXPECT_EQ(registry_.find("no-commit"), nullptr);
  EXPECT_EQ(fs::status(temp_.path() / "run/sound").permissions(), fs::perms::owner_all);
}

TEST_F(Registry, OnlyTheNamedOnesAreLoadedWhenThereIsAList) {
  install("sound");
  ASSERT_TRUE(load({"another"}));
  EXPECT_TRUE(registry_.all().empty());
}

TEST_F(Registry, OneThatDoesNotKnowAllOfItsSettingsIsLeftOut) {
  install("sound");
  install("minor-0");
  ASSERT_TRUE(load({}, {{"sound", {{"size", "5"}}}}));
  EXPECT_EQ(registry_.find("sound"), nullptr);
  EXPECT_NE(registry_.find("minor-0"), nullptr);
}

TEST_F(Registry, SettingsOfAProviderThatIsNotThereDoNoHarm) {
  install("sound");
  ASSERT_TRUE(load({}, {{"absent", {{"size", "5"}}}}));
  EXPECT_NE(registry_.find("sound"), nullptr);
}

TEST_F(Registry, AModuleOfMinorZeroIsUsedAndItsSnapshotsAreWell) {
  install("minor-0");
  ASSERT_TRUE(load());
  const auto health = test::run(context_, registry_.all().front()->check_health(core::Member{}));
  ASSERT_TRUE(health) << health.error().message;
  EXPECT_EQ(health->health, core::SnapshotHealth::Good);
}

TEST_F(Registry, ADirectoryThatIsNotThereIsAnError) {
  fs::remove(modules_);
  EXPECT_EQ(load().error().code, ErrorCode::ObjectNotFound);
}

TEST_F(Registry, ThereIsNoProviderOfAnUnknownName) {
  const auto choice = test::run(context_, registry_.choose(core::Volume{}, "zfs"));
  ASSERT_FALSE(choice);
  EXPECT_EQ(choice.error().code, ErrorCode::ProviderNotRegistered);
}

TEST_F(Registry, AVolumeThatNobodySupportsIsRefusedWithEachReason) {
  install("sound");
  ASSERT_TRUE(load());
  core::Volume volume;
  volume.path = "/srv";
  const auto choice = test::run(context_, registry_.choose(volume, ""));
  ASSERT_FALSE(choice);
  EXPECT_EQ(choice.error().code, ErrorCode::VolumeNotSupported);
  EXPECT_THAT(choice.error().message, HasSubstr("/srv"));
  EXPECT_THAT(choice.error().message, HasSubstr("provider sound, is_volume_supported: it did not answer"));
}

TEST_F(Registry, OneThatIsForNamesOnlyIsNeverChosenByItself) {
  fs::copy_file(fs::path(VSS_BUILT_PROVIDERS) / "fake.so", modules_ / "fake.so");
  fs::permissions(modules_ / "fake.so", fs::perms::owner_read);
  ASSERT_TRUE(load());
  core::Volume volume;
  EXPECT_EQ(test::run(context_, registry_.choose(volume, "")).error().code, ErrorCode::VolumeNotSupported);
  const auto named = test::run(context_, registry_.choose(volume, "fake"));
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_EQ(named->support.hold, core::HoldAbility::NotNeeded);
  EXPECT_EQ(named->support.group, "fake");
}

}  // namespace
}  // namespace vss::provider_host
