// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/command_line.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace vss::system {
namespace {

CommandLine parsed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "vssd");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(CommandLine, ItWinsOverTheFiles) {
  const test::TempDir directory;
  const std::string file = (directory.path() / "c.conf").string();
  std::ofstream(file) << "[paths]\nstate_dir = \"/file/state\"\nruntime_dir = \"/file/run\"\n";
  const CommandLine line = parsed({"--config", file.c_str(), "--state-dir", "/line/state", "--provider-dir",
                                   "/line/providers", "--helper=/line/helper", "--foreground"});
  ASSERT_FALSE(line.exit);
  EXPECT_TRUE(line.foreground);
  const auto config = load_config(line);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->state_dir, "/line/state");
  EXPECT_EQ(config->runtime_dir, "/file/run");
  EXPECT_EQ(config->provider_dir, "/line/providers");
  EXPECT_EQ(config->helper, "/line/helper");
}

TEST(CommandLine, AConfigurationThatIsNamedMustExist) {
  EXPECT_EQ(load_config(parsed({"--config", "/nonexistent.conf"})).error().code, ErrorCode::ObjectNotFound);
}

TEST(CommandLine, HelpAndVersionEndWellAndMistakesDoNot) {
  testing::internal::CaptureStdout();
  for (const char* option : {"--help", "--version"}) {
    const CommandLine line = parsed({option});
    EXPECT_TRUE(line.exit);
    EXPECT_EQ(line.exit_code, 0);
  }
  EXPECT_NE(testing::internal::GetCapturedStdout().find("vssd " VSSD_VERSION), std::string::npos);

  testing::internal::CaptureStderr();
  for (const std::vector<const char*>& mistake : std::vector<std::vector<const char*>>{
           {"--colour"}, {"extra"}, {"--state-dir"}, {"--state-dir", "var"}}) {
    const CommandLine line = parsed(mistake);
    EXPECT_TRUE(line.exit);
    EXPECT_NE(line.exit_code, 0);
  }
  EXPECT_NE(testing::internal::GetCapturedStderr().find("var is not an absolute path"), std::string::npos);
}

}  // namespace
}  // namespace vss::system
