// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/script_parser.hpp"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vss::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;
using namespace std::string_literals;

ScriptCommand only_command(const std::string& line) {
  const auto commands = parse_script(line);
  if (commands.size() != 1) throw std::runtime_error("not one command: " + line);
  return commands.front();
}

struct GoodRow {
  std::string line;
  Verb verb;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> options = {};
};

TEST(ScriptParser, ALineIsACommandWithItsArgumentsAndOptions) {
  const std::vector<GoodRow> rows = {
      {"create", Verb::Create, {}},
      {"  CREATE\t\r", Verb::Create, {}},
      {"create # now", Verb::Create, {}},
      {"Set Context PERSISTENT NoWriters", Verb::SetContext, {"persistent"}, {{"nowriters", ""}}},
      {"set context volatile", Verb::SetContext, {"volatile"}},
      {"set option lenient", Verb::SetPolicy, {"lenient"}},
      {"set option require cut", Verb::SetRequire, {"cut"}},
      {"set option transportable", Verb::Unsupported, {"transportable"}},
      {"add volume /srv alias s provider btrfs",
       Verb::AddVolume,
       {"/srv"},
       {{"alias", "s"}, {"provider", "btrfs"}}},
      {"add volume alias s /srv", Verb::AddVolume, {"/srv"}, {{"alias", "s"}}},
      {"add volume \"alias\"", Verb::AddVolume, {"alias"}},
      {"add volume /a#b", Verb::AddVolume, {"/a#b"}},
      {"add volume '/with blanks'/x\" y\"", Verb::AddVolume, {"/with blanks/x y"}},
      {R"(add alias a "say \"hi\" \\ \n")", Verb::AddAlias, {"a", R"(say "hi" \ \n)"}},
      {"add alias empty \"\"", Verb::AddAlias, {"empty", ""}},
      {"add alias literal '50%'", Verb::AddAlias, {"literal", "50%%"}},
      {"exec /bin/sh -c 'exit 1' #no", Verb::Exec, {"/bin/sh", "-c", "exit 1"}},
      {"writer enable classes a b c", Verb::EnableClasses, {"a", "b", "c"}},
      {"begin backup", Verb::BeginBackup, {}},
      {"begin backup type log", Verb::BeginBackup, {}, {{"type", "log"}}},
      {"delete shadows all force", Verb::DeleteAllShadows, {}, {{"force", ""}}},
      {"delete shadows oldest /srv", Verb::DeleteShadows, {"oldest", "/srv"}},
      {"break writable %set%", Verb::Break, {"%set%"}, {{"writable", ""}}},
      {"restore roll-forward w:c partial point 'to noon'",
       Verb::RestoreRollForward,
       {"w:c", "partial"},
       {{"point", "to noon"}}},
      {"restore location w:c /srv * /else recursive",
       Verb::RestoreLocation,
       {"w:c", "/srv", "*", "/else"},
       {{"recursive", ""}}},
      {"import", Verb::Unsupported, {}},
  };
  for (const GoodRow& row : rows) {
    const ScriptCommand command = only_command(row.line);
    EXPECT_EQ(command.verb, row.verb) << row.line;
    EXPECT_EQ(command.arguments, row.arguments) << row.line;
    EXPECT_EQ(command.options, row.options) << row.line;
  }
}

TEST(ScriptParser, EveryFormOfTheManualIsOneThatItUnderstands) {
  for (std::string line : script_usage()) {
    // A choice is made, and what may be left out is.
    line.resize(std::min(line.find(" ["), line.size()));
    std::string words;
    for (std::size_t from = 0; from < line.size();) {
      const std::size_t to = std::min(line.find(' ', from), line.size());
      const std::string word = line.substr(from, to - from);
      words += word.substr(0, word.find('|')) + " ";
      from = to + 1;
    }
    EXPECT_NO_THROW((void)only_command(words)) << words;
  }
}

TEST(ScriptParser, CommentsAndEmptyLinesAreNothing) {
  EXPECT_THAT(parse_script(""), IsEmpty());
  EXPECT_THAT(parse_script("\n# create\n   \t\n\r\n"), IsEmpty());
  const auto commands = parse_script("# first\ncreate\n\nend backup");
  ASSERT_EQ(commands.size(), 2U);
  EXPECT_EQ(commands[0].line, 2);
  EXPECT_EQ(commands[1].line, 4);
}

struct BadRow {
  std::string text;
  int line;
  std::string message;
};

TEST(ScriptParser, AMistakeIsNamedWithItsLine) {
  const std::vector<BadRow> rows = {
      {"destroy", 1, "unknown command \"destroy\""},
      {"create\nfrobnicate now", 2, "unknown command \"frobnicate\""},
      {"\"create\"", 1, "unknown command"},
      {"create now", 1, "expected: create"},
      {"add volume", 1, "expected: add volume PATH"},
      {"add volume /a /b", 1, "expected: add volume PATH"},
      {"add volume /a alias", 1, "expected: add volume PATH"},
      {"add volume /a alias x alias y", 1, "expected: add volume PATH"},
      {"set", 1, "set metadata FILE"},
      {"set verbose maybe", 1, "expected: set verbose on|off"},
      {"set context bootable", 1, "expected: set context"},
      {"set option require more", 1, "expected: set option require cut|per-volume"},
      {"delete shadows all now", 1, "delete shadows all"},
      {"exec", 1, "expected: exec PROGRAM..."},
      {"writer enable classes", 1, "expected: writer enable classes CLASS..."},
      {"add volume \"/srv", 1, "a quote (\") is not closed"},
      {"create\nexec sh -c 'exit", 2, "a quote (') is not closed"},
      {"add volume /a\0b"s, 1, "NUL"},
      {"# a comment with a NUL \0"s, 1, "NUL"},
      {"create\n" + std::string(kMaxScriptLine + 1, 'x'), 2, "longer than 4096 bytes"},
      {"exec" +
           [] {
             std::string words;
             for (std::size_t i = 0; i < kMaxScriptWords; ++i) words += " x";
             return words;
           }(),
       1, "more than 64 words"},
      {std::string(kMaxScriptSize + 1, '\n'), 0, "larger than 1 MiB"},
  };
  for (const BadRow& row : rows) {
    try {
      (void)parse_script(row.text);
      ADD_FAILURE() << row.text.substr(0, 60);
    } catch (const ScriptError& error) {
      EXPECT_EQ(error.line(), row.line) << row.text.substr(0, 60);
      EXPECT_THAT(error.what(), HasSubstr(row.message));
    }
  }
}

TEST(ScriptParser, TheLimitsThemselvesAreAllowed) {
  const std::string comment = "#" + std::string(kMaxScriptLine - 1, 'x');
  EXPECT_THAT(parse_script(comment), IsEmpty());
  EXPECT_THAT(parse_script(std::string(kMaxScriptSize, '\n')), IsEmpty());
}

TEST(ScriptParser, VariablesAreReplacedWhenTheyAreKnown) {
  const std::map<std::string, std::string> variables = {{"a", "1"}, {"VSS_SHADOW_SET", "id"}};
  EXPECT_EQ(expand_variables("%a%", variables), "1");
  EXPECT_EQ(expand_variables("/mnt/%a%-%VSS_SHADOW_SET%/x", variables), "/mnt/1-id/x");
  EXPECT_EQ(expand_variables("100%% of %a%", variables), "100% of 1");
  EXPECT_EQ(expand_variables("", variables), "");
  for (const char* bad : {"%b%", "half %a", "%"})
    EXPECT_THROW((void)expand_variables(bad, variables), std::out_of_range);
}

}  // namespace
}  // namespace vss::cli
