// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/command/hook_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/support/temp_dir.hpp"

namespace vss::command {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class HookDirectoryTest : public testing::Test {
 protected:
  HookDirectoryTest() { std::filesystem::create_directory(hooks()); }

  [[nodiscard]] std::filesystem::path hooks() const { return directory_.path() / "hooks"; }
  void add_file(const std::string& name, const std::string& text, bool executable = true) {
    std::ofstream(hooks() / name) << text;
    std::filesystem::permissions(hooks() / name, std::filesystem::perms(executable ? 0755 : 0644));
  }
  // A script that notes its name and argument, and does the rest.
  void add_script(const std::string& name, const std::string& rest = "") {
    add_file(name, "#!/bin/sh\necho \"" + name + " $*\" >> " + (directory_.path() / "log").string() + "\n" +
                       rest + "\n");
  }
  HookDirectory make(std::chrono::milliseconds script_limit = 20s, std::chrono::milliseconds all = 20s) {
    return HookDirectory({hooks(), script_limit, all},
                         [this](const std::string& message) { left_out_.push_back(message); });
  }
  // What the scripts have noted since the last time.
  std::string noted() {
    const auto path = directory_.path() / "log";
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    std::filesystem::remove(path);
    return text.str();
  }

  const std::vector<std::string> environment_{"PATH=/usr/bin:/bin"};
  test::TempDir directory_;
  std::vector<std::string> left_out_;
};

TEST_F(HookDirectoryTest, ScriptsAreFrozenByNameAndThawedTheOtherWayRound) {
  for (const char* name : {"20-files", "10-database", "30-cache.sh"}) add_script(name);
  HookDirectory all = make();
  EXPECT_EQ(all.freeze(environment_), std::nullopt);
  EXPECT_EQ(noted(), "10-database freeze\n20-files freeze\n30-cache.sh freeze\n");
  EXPECT_EQ(all.thaw(environment_), std::nullopt);
  EXPECT_EQ(noted(), "30-cache.sh thaw\n20-files thaw\n10-database thaw\n");
  EXPECT_EQ(all.thaw(environment_), std::nullopt);
  EXPECT_EQ(noted(), "") << "they are not frozen any more";
}

TEST_F(HookDirectoryTest, WhatIsNoScriptIsLeftOut) {
  add_script("real");
  for (const char* name : {"real~", "real.bak", "x.sample", "x.dpkg-old", "x.rpmsave", ".hidden"})
    add_script(name);
  std::filesystem::create_directory(hooks() / "directory");
  add_file("forgotten", "#!/bin/sh\nexit 1\n", false);
  HookDirectory all = make();
  EXPECT_EQ(all.freeze(environment_), std::nullopt);
  EXPECT_EQ(noted(), "real freeze\n");
  // The others were put there to be left out.
  EXPECT_THAT(left_out_, ElementsAre(AllOf(HasSubstr("forgotten"), HasSubstr("cannot be executed"))));
}

TEST_F(HookDirectoryTest, AScriptThatFailsIsAFailureAndTheOthersGoOnAtOnce) {
  add_script("1");
  add_script("2", "[ $1 = thaw ] || { echo no room; exit 3; }");
  add_script("3");
  HookDirectory all = make();
  EXPECT_THAT(all.freeze(environment_).value(),
              AllOf(HasSubstr("2 freeze: "), HasSubstr("exited with 3"), HasSubstr("no room")));
  EXPECT_EQ(noted(), "1 freeze\n2 freeze\n2 thaw\n1 thaw\n");
  EXPECT_EQ(all.thaw(environment_), std::nullopt);
  EXPECT_EQ(noted(), "") << "Abort comes too, and has nothing left to do";
}

TEST_F(HookDirectoryTest, AFailureToThawDoesNotKeepTheOthersFrozen) {
  add_script("1", "[ $1 = freeze ] || exit 1");
  add_script("2", "[ $1 = freeze ] || exit 2");
  HookDirectory all = make();
  ASSERT_EQ(all.freeze(environment_), std::nullopt);
  EXPECT_THAT(all.thaw(environment_).value(),
              AllOf(HasSubstr("2 thaw: "), HasSubstr("exited with 2; 1 thaw: "), HasSubstr("exited with 1")));
}

TEST_F(HookDirectoryTest, AScriptThatFailedToThawIsToldAgain) {
  add_script("1");
  add_script("2", "[ $1 = freeze ] || [ -e " + (directory_.path() / "ready").string() + " ]");
  HookDirectory all = make();
  ASSERT_EQ(all.freeze(environment_), std::nullopt);
  EXPECT_TRUE(all.thaw(environment_));
  noted();
  std::ofstream(directory_.path() / "ready").flush();
  EXPECT_EQ(all.thaw(environment_), std::nullopt);
  EXPECT_EQ(noted(), "2 thaw\n");
}

TEST_F(HookDirectoryTest, AllAreToldToThawWhenItIsNotKnownWhoWasToldToFreeze) {
  for (const char* name : {"1", "2", "2.sample"}) add_script(name);
  HookDirectory all = make();
  EXPECT_EQ(all.thaw_all(environment_), std::nullopt);
  EXPECT_EQ(noted(), "2 thaw\n1 thaw\n");
  EXPECT_EQ(all.thaw(environment_), std::nullopt);
  EXPECT_EQ(noted(), "");
}

TEST_F(HookDirectoryTest, AllAreToldToThawAsSoonAsTheyCanBeListed) {
  add_script("1");
  HookDirectory all = make();
  const auto elsewhere = directory_.path() / "elsewhere";
  std::filesystem::rename(hooks(), elsewhere);
  EXPECT_THAT(all.thaw_all(environment_).value(), HasSubstr("hooks: No such file"));
  std::filesystem::rename(elsewhere, hooks());
  EXPECT_EQ(all.thaw(environment_), std::nullopt);
  EXPECT_EQ(noted(), "1 thaw\n");
}

TEST_F(HookDirectoryTest, AScriptThatHangsIsKilledAtItsLimit) {
  struct Row {
    const char* name;
    std::chrono::milliseconds script;
    std::chrono::milliseconds all;
  };
  for (const Row& row : {Row{"its own", 300ms, 20s}, Row{"that of all together", 20s, 300ms}}) {
    SCOPED_TRACE(row.name);
    add_script("1");
    add_script("2", "[ $1 = thaw ] || tail -f /dev/null");
    HookDirectory all = make(row.script, row.all);
    EXPECT_THAT(all.freeze(environment_).value(), AllOf(HasSubstr("2 freeze: "), HasSubstr("its limit of ")));
  }
}

TEST_F(HookDirectoryTest, AScriptForWhichNoTimeIsLeftIsNotToldToFreeze) {
  add_script("1");
  HookDirectory all = make(20s, 0s);
  EXPECT_THAT(all.freeze(environment_).value(), HasSubstr("1 freeze: no time is left"));
  EXPECT_EQ(noted(), "");
  EXPECT_EQ(all.thaw(environment_), std::nullopt);
  EXPECT_EQ(noted(), "") << "it was not told";
}

TEST_F(HookDirectoryTest, ScriptsThatHangInThawTakeTheTimeOfAllOnceAndKeepNobodyFromIt) {
  add_script("1");
  for (const char* name : {"2", "3"}) add_script(name, "[ $1 = freeze ] || tail -f /dev/null");
  ASSERT_EQ(make().freeze(environment_), std::nullopt);
  noted();
  HookDirectory all = make(20s, 1500ms);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(all.thaw_all(environment_).value(), AllOf(HasSubstr("3 thaw: "), HasSubstr("2 thaw: ")));
  EXPECT_LT(std::chrono::steady_clock::now() - before, 15s);
  EXPECT_EQ(noted(), "3 thaw\n2 thaw\n1 thaw\n");
}

// As those do that keep a client of a database connected from freeze to thaw.
TEST_F(HookDirectoryTest, WhatAScriptLeavesInTheBackgroundMayWriteUntilItsThaw) {
  const std::string at = (directory_.path() / "").string();
  add_file("client", "#!/bin/sh\ncd " + at + R"(
hold() {
  read word <go_on
  echo the tables are unlocked
  echo done >answer
}
case "$1" in
  freeze) mkfifo go_on answer || exit 1; hold & ;;
  thaw) [ -p go_on ] || exit 1; echo >go_on; read word <answer; rm go_on answer; [ "$word" = done ] ;;
  *) exit 2 ;;
esac
)");
  HookDirectory all = make(5s);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(all.freeze(environment_), std::nullopt);
    EXPECT_TRUE(std::filesystem::exists(directory_.path() / "go_on"));
    EXPECT_EQ(all.thaw(environment_), std::nullopt);
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "go_on"));
  }
}

TEST_F(HookDirectoryTest, AScriptWithoutInterpreterIsRunByTheShell) {
  add_file("plain", "echo \"$0 $1\" >> " + (directory_.path() / "log").string() + "\n");
  add_file("empty", "");
  HookDirectory all = make();
  EXPECT_EQ(all.freeze(environment_), std::nullopt);
  EXPECT_EQ(noted(), (hooks() / "plain").string() + " freeze\n");
}

TEST_F(HookDirectoryTest, AScriptThatIsGoneBeforeItsThawIsAFailure) {
  add_script("1");
  HookDirectory all = make();
  ASSERT_EQ(all.freeze(environment_), std::nullopt);
  std::filesystem::remove(hooks() / "1");
  EXPECT_THAT(all.thaw(environment_).value(), HasSubstr("1 thaw: "));
}

TEST_F(HookDirectoryTest, ADirectoryThatIsMissingIsAFailureAndAnEmptyOneIsNot) {
  EXPECT_EQ(make().freeze(environment_), std::nullopt);
  std::filesystem::remove(hooks());
  EXPECT_THAT(make().freeze(environment_).value(), HasSubstr("hooks: No such file"));
}

}  // namespace
}  // namespace vss::command
