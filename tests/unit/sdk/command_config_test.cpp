// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.hpp"
#include "writer-sdk/writers/command/config.hpp"

namespace vss::command {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using writers::ComponentName;
using writers::name_of_path;

const std::string kHead = "name = \"x\"\nclass_id = \"0e3c7f6a-1111-4222-8333-444455556666\"\n";

tl::expected<Config, std::string> load(const std::string& text) {
  const test::TempDir directory;
  const auto file = directory.path() / "writer.toml";
  std::ofstream(file) << text;
  return load_config(file);
}

TEST(CommandConfig, AWholeFileIsRead) {
  const auto config = load(kHead + R"(
level = "back-end"
freeze_timeout_ms = 20000
paths = ["/srv/a", "/srv/b"]
[[component]]
name = "db"
type = "database"
files = [{ path = "/var/lib/db", spec = "*.ibd" }]
[[exclude]]
path = "/srv/a/cache"
[events.freeze]
command = ["/bin/hold", "it"]
[events.thaw]
command = ["/bin/go"]
timeout_ms = 7
[events.post_restore]
command = ["/bin/start"]
)");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->writer.level, VSS_LEVEL_BACK_END);
  EXPECT_THAT(config->paths, ElementsAre("/srv/a", "/srv/b"));
  EXPECT_EQ(config->components.at(0).files.at(0).spec, "*.ibd");
  EXPECT_EQ(config->excluded.at(0).path, "/srv/a/cache");
  EXPECT_THAT(config->command(Event::Freeze)->argv, ElementsAre("/bin/hold", "it"));
  EXPECT_EQ(config->command(Event::Freeze)->limit, std::chrono::seconds(20))
      << "no longer than the freeze itself";
  EXPECT_EQ(config->command(Event::Thaw)->limit, std::chrono::milliseconds(7));
  EXPECT_THAT(config->command(Event::Abort)->argv, ElementsAre("/bin/go"))
      << "Thaw's command undoes the freeze";
  EXPECT_FALSE(config->command(Event::PostSnapshot));
  EXPECT_THAT(config->command(Event::PostRestore)->argv, ElementsAre("/bin/start"));
  EXPECT_FALSE(config->new_target);
}

TEST(CommandConfig, APathIsAComponentWithoutASlashInItsName) {
  EXPECT_EQ(name_of_path("/srv"), (ComponentName{"", "srv"}));
  EXPECT_EQ(name_of_path("/srv/shop/"), (ComponentName{"srv", "shop"}));
  EXPECT_EQ(name_of_path("//var/lib/../lib/a"), (ComponentName{"var/lib", "a"}));
  EXPECT_EQ(name_of_path("/"), (ComponentName{"", "."}));
}

TEST(CommandConfig, EitherThawOrAbortUndoesTheFreeze) {
  for (const char* undo : {"thaw", "abort"}) {
    const auto config =
        load(kHead + "[events.freeze]\ncommand = [\"/x\"]\n[events." + undo + "]\ncommand = [\"/y\"]\n");
    ASSERT_TRUE(config) << config.error();
    EXPECT_THAT(config->command(Event::Abort)->argv, ElementsAre("/y"));
  }
}

TEST(CommandConfig, ADirectoryOfHooksTakesThePlaceOfTheCommands) {
  const auto config =
      load(kHead + "freeze_timeout_ms = 20000\n[hooks]\ndirectory = \"/etc/h.d\"\ntimeout_ms = 70\n");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->hooks->directory, "/etc/h.d");
  EXPECT_EQ(config->hooks->script_limit, std::chrono::milliseconds(70));
  EXPECT_EQ(config->hooks->all_limit, std::chrono::seconds(20));
}

TEST(CommandConfig, TheExampleIsAWriter) {
  const auto config = load_config(VSS_EXAMPLES "/command.toml");
  ASSERT_TRUE(config) << config.error();
  EXPECT_THAT(config->command(Event::Abort)->argv, ElementsAre("/usr/bin/shopctl", "resume"));
}

TEST(CommandConfig, FaultsAreNamedWithLineAndKey) {
  struct Row {
    std::string text;
    std::string message;
  };
  const std::vector<Row> rows = {
      {"name = \"x\"\n", "writer.toml:1: class_id: is required"},
      {"name = \"x\"\nclass_id = \"7\"\n", ":2: class_id: a GUID"},
      {kHead + "level = \"top\"\n", ":3: level: "},
      {kHead + "levle = \"system\"\n", ":3: levle: unknown key"},
      {kHead + "freeze_timeout_ms = 60001\n", ":3: freeze_timeout_ms: a number from 1 to 60000"},
      {kHead + "paths = [\"srv\"]\n", ":3: paths: absolute paths"},
      {kHead + "paths = [\"/a\", \"/a\"]\n", ":3: paths: /a is named twice"},
      {kHead + "paths = [\"/a/b\", \"/a/./b/\"]\n", ":3: paths: /a/./b/ is named twice"},
      {kHead + "new_target = 1\n", ":3: new_target: true or false"},
      {kHead + "paths = 7\n", ":3: paths: an array of strings"},
      {kHead + "[[component]]\nname = \"c/d\"\n", ":4: component.name: a name without / is needed"},
      {kHead + "[[component]]\nname = \"c\"\nlogical_path = \"/x\"\n",
       ":5: component.logical_path: names with / between them"},
      {kHead + "[[component]]\nname = \"c\"\n", "component.files: is required"},
      {kHead + "[events.sleep]\ncommand = [\"/x\"]\n", ":3: events.sleep: no such event"},
      {kHead + "[events.freeze]\ncommand = [\"x\"]\n",
       ":4: events.freeze.command: the program needs an absolute"},
      {kHead + "[events.backup_complete]\ncommand = [\"/x\"]\n[events.freeze]\ncommand = [\"/x\"]\n",
       "writer.toml:5: events.freeze: freeze needs thaw or abort"},
      {kHead + "[events.freeze]\ncommand = \"/x\"\n", ":4: events.freeze.command: an array"},
      {kHead + "[events.thaw]\ncommand = [\"/x\"]\ntimeout_ms = 0\n", ":5: events.thaw.timeout_ms: a number"},
      {kHead + "[hooks]\n", "hooks.directory: is required"},
      {kHead + "hooks = \"/h\"\n", ":3: hooks: a table"},
      {kHead + "[hooks]\ndirectory = \"h\"\n", ":4: hooks.directory: an absolute path"},
      {kHead + "[hooks]\ndirectory = \"/h\"\ntimeout_ms = 60001\n",
       ":5: hooks.timeout_ms: a number from 1 to 60000"},
      {kHead + "[hooks]\ndirectory = \"/h\"\n[events.thaw]\ncommand = [\"/x\"]\n",
       "hooks: these scripts are the commands of"},
      {kHead + "[events.thaw\n", "writer.toml:3: "},
  };
  for (const Row& row : rows) {
    const auto config = load(row.text);
    ASSERT_FALSE(config) << row.text;
    EXPECT_THAT(config.error(), HasSubstr(row.message));
  }
  EXPECT_THAT(load_config("/no/such.toml").error(), HasSubstr("/no/such.toml"));
}

}  // namespace
}  // namespace vss::command
