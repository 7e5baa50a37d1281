// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/selection.hpp"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/cli/failure.hpp"

namespace vss::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The machine of these tests: the volume of a path is its first directory.
std::string first_directory(const std::string& path) { return path.substr(0, path.find('/', 1)); }

WriterMetadata writer(const std::string& name, std::vector<Component> components) {
  return {name + "-instance", name + "-class", name, name + "@main", std::move(components)};
}

struct Row {
  const char* rule;
  std::vector<WriterMetadata> writers;
  SelectionRules rules;
  std::vector<std::string> selected;  // "writer:component"
  std::optional<ErrorCode> error;
  std::string in_message;
};

const WriterMetadata kInside = writer("in", {{"", "all", {"/a/x", "/b/y"}}});
const WriterMetadata kOutside = writer("out", {{"", "all", {"/z/x"}}});
const WriterMetadata kSplit = writer("split", {{"db", "main", {"/a/data", "/z/wal"}}});
const WriterMetadata kTwo = writer("two", {{"", "near", {"/a/1"}, true}, {"", "far", {"/z/1"}, true}});
const WriterMetadata kBound = writer("bound", {{"", "near", {"/a/1"}}, {"", "far", {"/z/1"}}});
const WriterMetadata kWithBase = writer("base", {{"", "notes", {}}, {"", "near", {"/a/1"}, true}});
const WriterMetadata kTree = writer("tree", {{"", "root", {"/a/1"}, true}, {"root", "leaf", {"/b/1"}}});
const WriterMetadata kTornTree = writer("torn", {{"", "root", {"/a/1"}, true}, {"root", "leaf", {"/z/1"}}});
const WriterMetadata kEmpty = writer("empty", {{"", "nothing", {}}});

const std::vector<Row> kRows = {
    {"all files on the set: selected", {kInside}, {}, {"in:all"}, {}, ""},
    {"no file on the set: left out", {kOutside, kEmpty}, {}, {}, {}, ""},
    {"a component elsewhere is not left out in silence",
     {kTwo},
     {},
     {},
     ErrorCode::WriterInconsistentSnapshot,
     "\"far\" of writer \"two\""},
    {"but by name", {kTwo}, {{}, {"two:far"}}, {"two:near"}, {}, ""},
    {"one that is not selectable belongs to every other one",
     {kBound},
     {},
     {},
     ErrorCode::WriterInconsistentSnapshot,
     "\"far\" of writer \"bound\""},
    {"also one without data", {kWithBase}, {}, {"base:near", "base:notes"}, {}, ""},
    {"what is below a selectable one comes with it", {kTree}, {}, {"tree:root"}, {}, ""},
    {"and has to lie on the set", {kTornTree}, {}, {}, ErrorCode::WriterInconsistentSnapshot, "/z/1"},
    {"partly on the set: a loud error",
     {kInside, kSplit},
     {},
     {},
     ErrorCode::WriterInconsistentSnapshot,
     "component \"db/main\" of writer \"split\""},
    {"the error names the missing path", {kSplit}, {}, {}, ErrorCode::WriterInconsistentSnapshot, "/z/wal"},
    {"excluded by name", {kInside, kSplit}, {{}, {"split"}}, {"in:all"}, {}, ""},
    {"excluded by instance name", {kSplit}, {{}, {"split@main"}}, {}, {}, ""},
    {"excluded by instance id", {kSplit}, {{}, {"split-instance"}}, {}, {}, ""},
    {"excluded by class id", {kSplit}, {{}, {"split-class"}}, {}, {}, ""},
    {"only what is named", {kInside, kTwo}, {{}, {}, {"two:near"}}, {"two:near"}, {}, ""},
    {"with a colon before the name", {kTree}, {{}, {}, {"tree-class::root"}}, {"tree:root"}, {}, ""},
    {"a whole writer by its name", {kInside, kTwo, kTree}, {{}, {}, {"tree"}}, {"tree:root"}, {}, ""},
    {"what belongs to the named comes with it",
     {kWithBase},
     {{}, {}, {"base:near"}},
     {"base:near", "base:notes"},
     {},
     ""},
    {"named and outside", {kTwo}, {{}, {}, {"two:far"}}, {}, ErrorCode::WriterInconsistentSnapshot, "/z/1"},
    {"named and unknown", {kTwo}, {{}, {}, {"two:none"}}, {}, ErrorCode::ObjectNotFound, "\"two:none\""},
    {"a component excluded", {kTree, kTwo}, {{}, {"two:near"}}, {"tree:root"}, {}, ""},
    {"a component required and there", {kTree}, {{"tree:root/leaf"}, {}}, {"tree:root"}, {}, ""},
    {"a component required and not there",
     {kTwo},
     {{"two:far"}, {}},
     {},
     ErrorCode::WriterInconsistentSnapshot,
     "\"far\" of writer \"two\""},
    {"required and there", {kInside}, {{"in"}, {}}, {"in:all"}, {}, ""},
    {"required, unknown", {kInside}, {{"other"}, {}}, {}, ErrorCode::ObjectNotFound, "\"other\""},
    {"required, elsewhere", {kOutside}, {{"out"}, {}}, {}, ErrorCode::WriterInconsistentSnapshot, "\"out\""},
    {"required and excluded", {kInside}, {{"in"}, {"in"}}, {}, ErrorCode::WriterInconsistentSnapshot, "in"},
};

TEST(Selection, AWriterWhoseDataLieElsewhereIsNamedInAWarning) {
  const Selection selection =
      select_components({kInside, kOutside, kEmpty}, {"/a", "/b"}, {}, first_directory);
  EXPECT_THAT(selection.warnings, ElementsAre(AllOf(HasSubstr("\"out\" takes no part"), HasSubstr("/z/x"))));
  EXPECT_THAT(select_components({kOutside}, {"/a", "/b"}, {{}, {"out"}}, first_directory).warnings,
              IsEmpty());
}

TEST(Selection, FollowsTheTable) {
  for (const Row& row : kRows) {
    std::vector<std::string> selected;
    std::optional<ErrorCode> error;
    std::string message;
    try {
      for (const auto& one :
           select_components(row.writers, {"/a", "/b"}, row.rules, first_directory).components) {
        selected.push_back(one.writer + ":" + one.name);
      }
    } catch (const Failure& failure) {
      error = failure.code();
      message = failure.line();
    }
    EXPECT_EQ(selected, row.selected) << row.rule;
    EXPECT_EQ(error, row.error) << row.rule;
    EXPECT_THAT(message, HasSubstr(row.in_message)) << row.rule;
  }
}

TEST(Selection, AnExclusionOfNobodyIsAWarning) {
  const Selection selection = select_components({kInside}, {"/a", "/b"}, {{}, {"typo"}}, first_directory);
  EXPECT_THAT(selection.warnings, ElementsAre(HasSubstr("\"typo\"")));
}

TEST(ParseWriter, ReadsTheComponentsOfTheDocument) {
  const WriterMetadata metadata = parse_writer(
      {{"name", "pg"},
       {"instance_id", "i"},
       {"document",
        R"({"version":1,"components":[{"logical_path":"l","name":"n","files":[{"path":"/d"}]}]})"}});
  ASSERT_EQ(metadata.components.size(), 1U);
  EXPECT_EQ(metadata.components[0].logical_path, "l");
  EXPECT_EQ(metadata.components[0].name, "n");
  EXPECT_THAT(metadata.components[0].paths, ElementsAre("/d"));
}

TEST(ParseWriter, RefusesWhatIsNoDocument) {
  for (const char* document : {"", "[]", "{", "7"}) {
    EXPECT_THROW((void)parse_writer({{"name", "pg"}, {"document", document}}), Failure) << document;
  }
}

TEST(LocalVolume, APathThatDoesNotExistIsWhereItsNearestParentIs) {
  EXPECT_EQ(local_volume_of("/proc/no/such/path"), local_volume_of("/proc"));
  EXPECT_NE(local_volume_of("/proc"), local_volume_of("/"));
  EXPECT_EQ(local_volume_of(""), "");
}

}  // namespace
}  // namespace vss::cli
