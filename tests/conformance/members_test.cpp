// SPDX-License-Identifier: LGPL-2.1-or-later
// The documents of the bus against the table of their members: nothing is undocumented, untested or out of
// reach.

#include "tests/conformance/members.hpp"

#include <cctype>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;

constexpr const char* kInterfaces[] = {"Manager", "Backup", "Restore", "Writer"};

std::filesystem::path in_source(const std::string& path) {
  return std::filesystem::path(VSS_SOURCE_DIR) / path;
}

std::string contents(const std::filesystem::path& file) {
  std::ifstream stream(file);
  EXPECT_TRUE(stream) << file;
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

bool is_part_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool has_word(const std::string& text, const std::string& word) {
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const auto end = at + word.size();
    const bool begins = at == 0 || !is_part_of_word(text[at - 1]);
    if (begins && (end == text.size() || !is_part_of_word(text[end]))) return true;
  }
  return false;
}

struct Member {
  std::string name;
  std::string comment;  // the last one before it
};

std::vector<Member> members_of(const std::string& interface) {
  std::istringstream lines(contents(in_source("dbus/org.vssd.Vss1." + interface + ".xml")));
  std::vector<Member> members;
  std::string comment;
  bool in_comment = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("<!--") != std::string::npos) {
      comment.clear();
      in_comment = true;
    }
    if (in_comment) comment += line + "\n";
    if (line.find("-->") != std::string::npos) in_comment = false;
    for (const std::string opening : {"<method name=\"", "<signal name=\"", "<property name=\""}) {
      const auto at = line.find(opening);
      if (in_comment || at == std::string::npos) continue;
      const auto begin = at + opening.size();
      members.push_back({line.substr(begin, line.find('"', begin) - begin), comment});
    }
  }
  return members;
}

// All files below a directory, as one text.
std::string all_below(const std::string& directory) {
  std::string text;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(in_source(directory))) {
    const std::string type = entry.path().extension().string();
    if (type == ".cpp" || type == ".hpp") text += contents(entry.path());
  }
  return text;
}

std::vector<std::string> commands() {
  std::vector<std::string> names;
  std::istringstream lines(run_program({VSS_VSSCTL, "--help"}));
  bool listing = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Subcommands:")) listing = true;
    std::istringstream words(line);
    std::string name;
    if (listing && line.starts_with("  ") && words >> name) names.push_back(name);
  }
  return names;
}

TEST(MemberDocuments, EveryMemberIsDocumentedRightBeforeItWithItsNameAndSince) {
  for (const std::string interface : kInterfaces) {
    const std::vector<Member> members = members_of(interface);
    EXPECT_FALSE(members.empty()) << interface;
    for (const Member& member : members) {
      SCOPED_TRACE(interface + "." + member.name);
      EXPECT_TRUE(has_word(member.comment, member.name)) << member.comment;
      EXPECT_NE(member.comment.find("@since"), std::string::npos) << member.comment;
    }
  }
}

TEST(MemberDocuments, HasARowForEachMemberAndNoOther) {
  std::multiset<std::string> rows;
  for (const MemberRow& row : kMembers) rows.insert(std::string(row.interface) + "." + row.member);
  for (const std::string interface : kInterfaces) {
    for (const Member& member : members_of(interface)) {
      const std::string name = interface + "." + member.name;
      EXPECT_EQ(rows.count(name), 1U) << name;
      rows.erase(name);
    }
  }
  EXPECT_THAT(rows, IsEmpty()) << "rows without a member";
}

TEST(MemberDocuments, NamesTestsThatExist) {
  const std::string tests = all_below("tests");
  for (const MemberRow& row : kMembers) {
    const std::string name = row.test;
    const auto dot = name.find('.');
    const std::string declared = "(" + name.substr(0, dot) + ", " + name.substr(dot + 1) + ")";
    EXPECT_NE(tests.find(declared), std::string::npos) << row.interface << "." << row.member << ": " << name;
  }
}

TEST(MemberDocuments, NamesExamplesThatUseTheMember) {
  for (const MemberRow& row : kMembers) {
    if (std::string(row.reach).find('/') == std::string::npos) continue;
    const std::string name = *row.called == '\0' ? row.member : row.called;
    EXPECT_TRUE(has_word(contents(in_source(row.reach)), name)) << row.interface << "." << row.member;
  }
}

TEST(MemberDocuments, NamesCommandsThatVssctlHas) {
  const std::vector<std::string> known = commands();
  ASSERT_THAT(known, Contains("create"));
  std::set<std::string> named;
  for (const MemberRow& row : kMembers) {
    if (std::string(row.reach).find('/') == std::string::npos) named.insert(row.reach);
  }
  for (const std::string& command : named) EXPECT_THAT(known, Contains(command));
}

// What the table says of vssctl is so: its sources call the member.
TEST(MemberDocuments, NamesMembersThatVssctlCalls) {
  const std::string sources = all_below("daemon/cli");
  for (const MemberRow& row : kMembers) {
    const bool by_vssd = std::string(row.interface) == "Writer";
    if (by_vssd || std::string(row.reach).find('/') != std::string::npos) continue;
    EXPECT_TRUE(has_word(sources, row.member) || has_word(sources, "on" + std::string(row.member)))
        << row.interface << "." << row.member << " by vssctl " << row.reach;
  }
}

}  // namespace
}  // namespace vss::test
