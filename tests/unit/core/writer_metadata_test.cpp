// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/writer_metadata.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vss::core {
namespace {

TEST(WriterMetadata, ComponentsAreReadInOrder) {
  const auto components = components_of(
      R"({"version":1,"more":0,"components":[{"logical_path":"x","name":"b"},{"logical_path":"","name":"a"}]})");
  ASSERT_TRUE(components);
  ASSERT_EQ(components->size(), 2U);
  EXPECT_EQ((*components)[0].logical_path, "x");
  EXPECT_EQ((*components)[1].name, "a");
}

TEST(WriterMetadata, AWriterWithoutComponentsIsTolerated) { EXPECT_TRUE(components_of(R"({"version":1})")); }

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
      {R"({"version":2})", "/version"},
      {R"({"version":"1"})", "/version"},
      {R"({"version":1,"components":{}})", "/components"},
      {R"({"version":1,"components":[1]})", "/components/0"},
      {R"({"version":1,"components":[{"logical_path":"","name":"a"},{"name":"b"}]})",
       "/components/1/logical_path"},
      {R"({"version":1,"components":[{"logical_path":"","name":""}]})", "/components/0/name"},
      {R"({"version":1,"components":[{"logical_path":"","name":"a"},{"logical_path":"","name":"a"}]})",
       "named twice"},
      {deep, "deeper"},
      {"\"" + std::string(2 << 20, 'x') + "\"", "larger"},
  };
  for (const auto& [document, place] : rows) {
    const auto components = components_of(document);
    ASSERT_FALSE(components) << document.substr(0, 80);
    EXPECT_EQ(components.error().code, ErrorCode::InvalidDocument);
    EXPECT_THAT(components.error().message, testing::HasSubstr(place));
  }
}

}  // namespace
}  // namespace vss::core
