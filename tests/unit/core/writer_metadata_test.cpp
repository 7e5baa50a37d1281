// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/writer_metadata.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vss::core {
namespace {

TEST(WriterMetadata, ComponentsAreReadInOrderWithWhatIsActedOn) {
  const auto metadata = parse_writer_metadata(R"({"version":1,"more":0,"backup_schema":["log"],"components":[
      {"logical_path":"x","name":"b","selectable":true,
       "files":[{"path":"/a","spec":"*"},
                {"path":"/b","spec":"*.db","recursive":true,"alternate_path":"/c","snapshot_required":["log"]}],
       "dependencies":[{"class_id":"1c6f2dcb-8f43-4a3f-9a0e-6a1f0b6d3a55","logical_path":"","name":"z"}]},
      {"logical_path":"","name":"a"}],
      "exclude_files_from_snapshot":[{"path":"/tmp","spec":"*"}]})");
  ASSERT_TRUE(metadata) << metadata.error().message;
  ASSERT_EQ(metadata->components.size(), 2U);
  const ComponentInfo& first = metadata->components[0];
  EXPECT_EQ(first.id, (ComponentId{"x", "b"}));
  EXPECT_TRUE(first.selectable);
  ASSERT_EQ(first.files.size(), 2U);
  EXPECT_EQ(first.files[0].source(), "/a");
  EXPECT_EQ(first.files[0].snapshot_required.size(), 4U);
  EXPECT_EQ(first.files[1].source(), "/c");
  EXPECT_TRUE(first.files[1].set.recursive);
  EXPECT_EQ(first.files[1].snapshot_required, std::vector<std::string>{"log"});
  ASSERT_EQ(first.dependencies.size(), 1U);
  EXPECT_EQ(first.dependencies[0].on.name, "z");
  EXPECT_EQ(metadata->components[1].id.name, "a");
  EXPECT_FALSE(metadata->components[1].selectable);
  EXPECT_TRUE(metadata->supports("log"));
  EXPECT_EQ(metadata->excluded_from_snapshot.size(), 1U);
}

TEST(WriterMetadata, AWriterWithoutComponentsIsTolerated) {
  EXPECT_TRUE(parse_writer_metadata(R"({"version":1})"));
}

TEST(WriterMetadata, MalformedDocumentsAreRefusedWithThePlaceOfTheFault) {
  std::string deep = R"({"version":1,"x":)";
  for (int i = 0; i < 100; ++i) deep += "[";
  for (int i = 0; i < 100; ++i) deep += "]";
  deep += "}";
  const std::pair<std::string, std::string> rows[] = {
      {"", "parse"},
      {"[]", "object"},
      {"{", "parse"},
      {R"({"components":[]})", "/version"},
      {R"({"version":2})", "newer"},
      {R"({"version":"1"})", "/version"},
      {R"({"version":1,"components":{}})", "/components"},
      {R"({"version":1,"components":[1]})", "/components/0"},
      {R"({"version":1,"components":[{"logical_path":"","name":"a"},{"name":"b"}]})", "/components/1: "},
      {R"({"version":1,"components":[{"logical_path":"","name":""}]})", "/components/0/name"},
      {R"({"version":1,"components":[{"logical_path":"","name":"a"},{"logical_path":"","name":"a"}]})",
       "named twice"},
      {R"({"version":1,"components":[{"logical_path":"","name":"a/b"}]})", "/components/0/name"},
      {R"({"version":1,"components":[{"logical_path":"","name":"a","files":[{"path":"x","spec":"*"}]}]})",
       "/components/0/files/0/path"},
      {R"({"version":1,"components":[{"logical_path":"","name":"a","dependencies":[
           {"class_id":"x","logical_path":"","name":"a"}]}]})",
       "/components/0/dependencies/0/class_id"},
      {R"({"version":1,"backup_schema":["sometimes"]})", "/backup_schema/0"},
      {deep, "deeper"},
      {"\"" + std::string(2 << 20, 'x') + "\"", "larger"},
  };
  for (const auto& [document, place] : rows) {
    const auto components = parse_writer_metadata(document);
    ASSERT_FALSE(components) << document.substr(0, 80);
    EXPECT_EQ(components.error().code, ErrorCode::InvalidDocument);
    EXPECT_THAT(components.error().message, testing::HasSubstr(place));
  }
}

}  // namespace
}  // namespace vss::core
