// SPDX-License-Identifier: LGPL-2.1-or-later
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/provider_host/hosted_provider.hpp"
#include "daemon/provider_host/provider_module.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/providers/run_awaitable.hpp"

namespace vss::provider_host {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr auto kDirectoryMode = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec;
constexpr auto kFileMode = fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read;

class ProviderModules : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::permissions(directory_, kDirectoryMode);
    for (const auto& entry : fs::directory_iterator(VSS_ODD_MODULES)) {
      fs::copy_file(entry.path(), directory_ / entry.path().filename());
      fs::permissions(directory_ / entry.path().filename(), kFileMode);
    }
  }
  void expect_refused(const std::string& name, ErrorCode code, const std::string& why) {
    const auto module = ProviderModule::load(directory_, name);
    ASSERT_FALSE(module) << name;
    EXPECT_EQ(module.error().code, code) << module.error().message;
    EXPECT_THAT(module.error().message, HasSubstr(why));
  }

  test::TempDir temp_;
  fs::path directory_ = temp_.path();
};

TEST_F(ProviderModules, ASoundOneIsLoadedByName) {
  const auto module = ProviderModule::load(directory_, "sound");
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_EQ(module->info().name, "sound");
  EXPECT_EQ(module->info().version, "1");
  EXPECT_EQ(module->ops().end_prepare, nullptr);
  EXPECT_FALSE(module->only_by_name());
}

// Its ops end before check_health; what follows them in its memory is not read.
TEST_F(ProviderModules, OneOfAnEarlierMinorIsLoaded) {
  const auto module = ProviderModule::load(directory_, "minor-0");
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_NE(module->ops().mount_info, nullptr);
  EXPECT_EQ(module->ops().check_health, nullptr);
}

// What it has not is not supported; what it has works as before.
TEST_F(ProviderModules, OneOfAnEarlierMinorHasNoOperationOfALaterOne) {
  for (const char* name : {"minor-0", "minor-1"}) {
    auto module = ProviderModule::load(directory_, name);
    ASSERT_TRUE(module) << module.error().message;
    EXPECT_EQ(module->ops().break_snapshot, nullptr);
    EXPECT_EQ(module->ops().resize_storage, nullptr);
    asio::io_context context;
    HostedProvider provider(context.get_executor(), *std::move(module), Limits());
    core::Member member;
    member.snapshot_id = core::Guid::random();
    const auto code = [](const auto& result) { return result ? ErrorCode::Unexpected : result.error().code; };
    EXPECT_EQ(code(test::run(context, provider.break_snapshot(member, true))), ErrorCode::NotSupported);
    EXPECT_EQ(code(test::run(context, provider.revert(member, true))), ErrorCode::NotSupported);
    EXPECT_EQ(code(test::run(context, provider.revert_status(member.volume))), ErrorCode::NotSupported);
    EXPECT_EQ(code(test::run(context, provider.storage(member.volume))), ErrorCode::NotSupported);
    EXPECT_EQ(code(test::run(context, provider.resize_storage(member, 0))), ErrorCode::NotSupported);
    EXPECT_TRUE(test::run(context, provider.remove(member)));
    EXPECT_TRUE(test::run(context, provider.end_prepare(core::Guid::random())));
  }
}

TEST_F(ProviderModules, ANameIsNeverAPath) {
  for (const std::string name :
       {"../sound", "modules/sound", "/sound", "sound.so", "", "Sound", "so und", "."}) {
    expect_refused(name, ErrorCode::InvalidArgument, "no name of a provider");
  }
  expect_refused(std::string(65, 'a'), ErrorCode::InvalidArgument, "no name of a provider");
}

TEST_F(ProviderModules, WhatBreaksTheContractIsRefused) {
  struct Row {
    const char* name;
    const char* why;
  };
  fs::rename(directory_ / "no-symbol.so", directory_ / "no-symbol-at-all.so");
  fs::copy_file(directory_ / "sound.so", directory_ / "renamed.so");
  fs::permissions(directory_ / "renamed.so", kFileMode);
  for (const Row& row : {Row{"other-major", "version 99 of the provider ABI"},
                         Row{"short-descriptor", "descriptor is too short"},
                         Row{"no-symbol-at-all", "does not export vss_provider_describe"},
                         Row{"no-commit", "lacks an operation"}, Row{"renamed", "calls itself 'sound'"}}) {
    expect_refused(row.name, ErrorCode::UnexpectedProviderError, row.why);
  }
}

TEST_F(ProviderModules, AFileThatIsNoSharedObjectIsRefused) {
  fs::resize_file(directory_ / "sound.so", 100);
  expect_refused("sound", ErrorCode::UnexpectedProviderError, "provider sound");
}

TEST_F(ProviderModules, AMissingOneIsNotFound) {
  expect_refused("absent", ErrorCode::ObjectNotFound, "absent.so");
}

TEST_F(ProviderModules, ADirectoryThatOthersMayWriteToIsRefused) {
  for (const fs::perms others : {fs::perms::others_write, fs::perms::group_write}) {
    fs::permissions(directory_, kDirectoryMode | others);
    expect_refused("sound", ErrorCode::AccessDenied, "writable for others");
  }
}

TEST_F(ProviderModules, AFileThatOthersMayWriteToIsRefused) {
  fs::permissions(directory_ / "sound.so", kFileMode | fs::perms::others_write);
  expect_refused("sound", ErrorCode::AccessDenied, "writable for others");
}

TEST_F(ProviderModules, ASymbolicLinkIsRefused) {
  fs::create_symlink(directory_ / "sound.so", directory_ / "linked.so");
  expect_refused("linked", ErrorCode::AccessDenied, "not a regular file");
}

}  // namespace
}  // namespace vss::provider_host
