// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/static_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/fakes.hpp"

namespace vss::core {
namespace {

using testing::HasSubstr;

std::string manifest_of(const std::string& name, const std::string& more = "") {
  return R"({"version":1,"writer":{"class_id":"1c6f2dcb-8f43-4a3f-9a0e-6a1f0b6d3a55","instance_name":")" +
         name + R"(","name":")" + name + R"(","usage":"user-data","version":"2"})" + more + "}";
}

std::vector<std::string> registered(const WriterRegistry& registry) {
  std::vector<std::string> names;
  for (const auto& writer : registry.writers()) names.push_back(writer->info().name);
  std::ranges::sort(names);
  return names;
}

TEST(StaticWriterTest, IsWhatItsManifestSays) {
  const auto writer = StaticWriter::create(manifest_of("wiki"));
  ASSERT_TRUE(writer) << writer.error().message;
  EXPECT_EQ((*writer)->info().name, "wiki");
  EXPECT_EQ((*writer)->info().version, "2");
  EXPECT_EQ((*writer)->info().usage, "user-data");
  EXPECT_EQ((*writer)->info().class_id.str(), "1c6f2dcb-8f43-4a3f-9a0e-6a1f0b6d3a55");
  EXPECT_FALSE((*writer)->info().instance_id.is_null());
  EXPECT_TRUE((*writer)->is_alive());
}

TEST(StaticWriterTest, AManifestThatIsNoneIsRefusedWithThePlaceOfTheFault) {
  const std::pair<std::string, const char*> rows[] = {
      {"", "parse"},
      {"[1]", "object"},
      {R"({"version":2,"writer":{}})", "/version"},
      {R"({"version":1})", "/writer"},
      {R"({"version":1,"writer":{"name":"a"}})", "/writer"},
      {R"({"version":1,"writer":{"class_id":"1c6f2dcb-8f43-4a3f-9a0e-6a1f0b6d3a55"}})", "/writer"},
      {R"({"version":1,"writer":{"class_id":"x","name":"a"}})", "/writer/class_id"},
      {manifest_of("a", R"(,"components":[{"logical_path":"","name":"b"},
                                            {"logical_path":"","name":"c","flags":["backup-recovery"]}])"),
       "/components/1/flags"},
      {manifest_of("a",
                   R"(,"components":[{"logical_path":"","name":"b","flags":["app-rollback-recovery"]}])"),
       "/components/0/flags"}};
  for (const auto& [manifest, place] : rows) {
    const auto writer = StaticWriter::create(manifest);
    ASSERT_FALSE(writer) << manifest;
    EXPECT_EQ(writer.error().code, ErrorCode::InvalidDocument) << manifest;
    EXPECT_THAT(writer.error().message, HasSubstr(place)) << manifest;
  }
}

TEST(StaticWriterTest, TwoThatCouldNotBeToldApartAreOne) {
  fakes::World world;
  StaticWriters writers(world.coordinator.writers());
  writers.replace({{"a.json", manifest_of("a")}, {"b.json", manifest_of("a", ",\"x\":1")}});
  EXPECT_EQ(registered(world.coordinator.writers()), std::vector<std::string>{"a"});
}

TEST(StaticWriterTest, WhatIsTheSameStaysTheWriterThatItWasAndTheRestGoes) {
  fakes::World world;
  StaticWriters writers(world.coordinator.writers());
  writers.replace({{"a.json", manifest_of("a")}, {"b.json", manifest_of("b")}, {"c.json", "nonsense"}});
  WriterRegistry& registry = world.coordinator.writers();
  ASSERT_EQ(registered(registry), (std::vector<std::string>{"a", "b"}));
  const auto find = [&](const std::string& name) {
    for (const auto& writer : registry.writers())
      if (writer->info().name == name) return writer;
    return std::shared_ptr<Writer>();
  };
  const auto a = find("a");
  const auto b = find("b");

  writers.replace(
      {{"a.json", manifest_of("a")}, {"b.json", manifest_of("b2")}, {"c.json", manifest_of("c")}});
  EXPECT_EQ(registered(registry), (std::vector<std::string>{"a", "b2", "c"}));
  EXPECT_EQ(find("a"), a);
  EXPECT_FALSE(b->is_alive());

  writers.replace({{"a.json", "nonsense"}, {"c.json", std::nullopt}, {"d.json", std::nullopt}});
  EXPECT_EQ(registered(registry), (std::vector<std::string>{"a", "c"})) << "backups must not miss them";
  EXPECT_EQ(find("a"), a);

  writers.replace({});
  EXPECT_TRUE(registered(registry).empty());
  EXPECT_FALSE(a->is_alive());
}

}  // namespace
}  // namespace vss::core
