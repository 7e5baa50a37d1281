// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/config.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace vss::system {
namespace {
namespace fs = std::filesystem;

TEST(Config, EveryKeyIsTaken) {
  Config config;
  const auto applied = apply_config(config, R"(
[paths]
state_dir = "/s"
runtime_dir = "/r"
provider_dir = "/p"
helper = "/h"
[limits]
hold_limit_ms = 1
identify_ms = 2
prepare_for_backup_ms = 3
prepare_for_snapshot_ms = 4
freeze_default_ms = 5
post_snapshot_ms = 6
backup_complete_ms = 7
backup_shutdown_ms = 8
flush_ms = 9
max_sessions = 10
max_sessions_per_caller = 11
abort_ms = 12
provider_ms = 13
watch_ms = 14
restore_ms = 15
[providers]
allow = ["btrfs", "image"]
[provider.lvm]
store_size = "20%"
store_max = 5
extend = true
[provider.image]
reflink = false
[writers]
accounts = ["postgres"]
manifest_dirs = ["/m", "/n"]
[log]
level = "debug"
)",
                                    "f");
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(config.state_dir, "/s");
  EXPECT_EQ(config.runtime_dir, "/r");
  EXPECT_EQ(config.provider_dir, "/p");
  EXPECT_EQ(config.helper, "/h");
  EXPECT_EQ(config.hold_limit_ms, 1U);
  EXPECT_EQ(config.identify_ms, 2U);
  EXPECT_EQ(config.prepare_for_backup_ms, 3U);
  EXPECT_EQ(config.prepare_for_snapshot_ms, 4U);
  EXPECT_EQ(config.freeze_default_ms, 5U);
  EXPECT_EQ(config.post_snapshot_ms, 6U);
  EXPECT_EQ(config.backup_complete_ms, 7U);
  EXPECT_EQ(config.backup_shutdown_ms, 8U);
  EXPECT_EQ(config.flush_ms, 9U);
  EXPECT_EQ(config.max_sessions, 10U);
  EXPECT_EQ(config.max_sessions_per_caller, 11U);
  EXPECT_EQ(config.abort_ms, 12U);
  EXPECT_EQ(config.provider_ms, 13U);
  EXPECT_EQ(config.watch_ms, 14U);
  EXPECT_EQ(config.restore_ms, 15U);
  EXPECT_EQ(config.provider_settings.size(), 2U);
  EXPECT_EQ(
      config.provider_settings.at("lvm"),
      (std::map<std::string, std::string>{{"store_size", "20%"}, {"store_max", "5"}, {"extend", "true"}}));
  EXPECT_EQ(config.provider_settings.at("image").at("reflink"), "false");
  EXPECT_EQ(config.providers, (std::vector<std::string>{"btrfs", "image"}));
  EXPECT_EQ(config.writer_accounts, std::vector<std::string>{"postgres"});
  EXPECT_EQ(config.manifest_dirs, (std::vector<std::string>{"/m", "/n"}));
  EXPECT_EQ(config.log_level, spdlog::level::debug);
}

TEST(Config, AFaultIsNamedWithFileAndLineAndChangesNothing) {
  struct Row {
    std::string text;
    std::string message;
  };
  const std::vector<Row> rows = {
      {"[limits]\nhold_limit = 5", "f:2: unknown key limits.hold_limit"},
      {"\n[limit]\n", "f:2: unknown key limit"},
      {"limits = 5", "f:1: limits is not a section"},
      {"hold_limit_ms = 5", "f:1: unknown key hold_limit_ms"},
      {"[limits]\nhold_limit_ms = 10001", "f:2: limits.hold_limit_ms is not between 1 and 10000"},
      {"[limits]\nidentify_ms = 0", "f:2: limits.identify_ms is not between 1 and 86400000"},
      {"[limits]\nidentify_ms = -1", "f:2: limits.identify_ms is not between 1 and 86400000"},
      {"[limits]\nidentify_ms = \"5\"", "f:2: limits.identify_ms is not a whole number"},
      {"[limits]\nidentify_ms = 5.0", "f:2: limits.identify_ms is not a whole number"},
      {"[limits]\nidentify_ms = true", "f:2: limits.identify_ms is not a whole number"},
      {"[limits.identify_ms]\nx = 1", "f:1: limits.identify_ms is not a whole number"},
      {"[paths]\nstate_dir = \"var\"", "f:2: paths.state_dir is not an absolute path"},
      {"[paths]\nstate_dir = 1", "f:2: paths.state_dir is not a string"},
      {"[providers]\nallow = \"btrfs\"", "f:2: providers.allow is not a list"},
      {"[providers]\nallow = [\"btrfs\",\n 3]", "f:3: an entry of providers.allow is not a string"},
      {"provider = 5", "f:1: provider is not a section"},
      {"[provider]\nlvm = 5", "f:2: provider.lvm is not a section"},
      {"[provider.lvm]\nsizes = [1, 2]",
       "f:2: provider.lvm.sizes is not a string, a whole number, true or false"},
      {"[provider.lvm]\nshare = 0.5",
       "f:2: provider.lvm.share is not a string, a whole number, true or false"},
      {"[log]\nlevel = \"loud\"",
       "f:2: log.level is not trace, debug, info, warning, error, critical or off"},
  };
  for (const Row& row : rows) {
    Config config;
    const auto applied = apply_config(config, "[writers]\naccounts=[]\n" + row.text, "f");
    ASSERT_FALSE(applied) << row.text;
    EXPECT_EQ(applied.error().code, ErrorCode::InvalidArgument);
    Config again;
    EXPECT_EQ(apply_config(again, row.text, "f").error().message, row.message);
    EXPECT_EQ(config.identify_ms, Config().identify_ms);
  }
}

TEST(Config, WhatIsNoTomlIsRefusedWithItsLine) {
  Config config;
  const auto applied = apply_config(config, "[log]\nlevel = \n", "f");
  ASSERT_FALSE(applied);
  EXPECT_TRUE(applied.error().message.starts_with("f:2: ")) << applied.error().message;
}

TEST(Config, LaterFilesWinAndOnlyConfFilesCount) {
  const test::TempDir directory;
  const fs::path file = directory.path() / "vssd.conf";
  const fs::path drop_ins = directory.path() / "vssd.conf.d";
  fs::create_directory(drop_ins);
  std::ofstream(file) << "[limits]\nflush_ms = 1\nidentify_ms = 1\n";
  std::ofstream(drop_ins / "20-b.conf") << "[limits]\nflush_ms = 3\n[provider.x]\na = 2\n";
  std::ofstream(drop_ins / "10-a.conf") << "[limits]\nflush_ms = 2\n[provider.x]\na = 1\nb = 1\n";
  std::ofstream(drop_ins / "30-c.conf~") << "nonsense\n";
  const auto config = load_config(file.string(), true);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->flush_ms, 3U);
  EXPECT_EQ(config->identify_ms, 1U);
  EXPECT_EQ(config->provider_settings.at("x"), (std::map<std::string, std::string>{{"a", "2"}, {"b", "1"}}));

  std::ofstream(drop_ins / "40-d.conf") << "\n\nnonsense\n";
  const auto broken = load_config(file.string(), true);
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().message.starts_with((drop_ins / "40-d.conf:3: ").string()))
      << broken.error().message;
}

TEST(Config, AMissingFileMeansTheDefaultsUnlessItWasAskedFor) {
  const test::TempDir directory;
  const std::string file = (directory.path() / "none.conf").string();
  const auto config = load_config(file, false);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->hold_limit_ms, 10'000U);
  EXPECT_EQ(config->state_dir, "/var/lib/vssd");
  EXPECT_TRUE(config->helper.ends_with("/vssd-hold"));
  EXPECT_EQ(load_config(file, true).error().code, ErrorCode::ObjectNotFound);
  EXPECT_FALSE(load_config(directory.path().string(), true));  // a directory is no file
}

}  // namespace
}  // namespace vss::system
