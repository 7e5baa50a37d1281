// SPDX-License-Identifier: LGPL-2.1-or-later
// vss.md 2.13.
#include "daemon/core/component_selection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vss::core {
namespace {
using testing::HasSubstr;

ComponentInfo component(const std::string& path, const std::string& name, bool selectable) {
  return {{path, name}, "filegroup", selectable, false, {}, {}, {}};
}

// base is required. shop is selectable, with index below it; so is archive with its child year, below which
// is march.
WriterMetadata shop() {
  WriterMetadata metadata;
  metadata.components = {component("", "base", false),       component("", "shop", true),
                         component("shop", "index", false),  component("", "archive", true),
                         component("archive", "year", true), component("archive/year", "march", false),
                         component("base", "log", true),     component("", "shopping", true)};
  return metadata;
}

WriterSelection with(const WriterMetadata& metadata, std::vector<ComponentId> added) {
  return {*Guid::parse("1c6f2dcb-8f43-4a3f-9a0e-6a1f0b6d3a55"), "shop", &metadata, std::move(added)};
}

TEST(ComponentSelection, SelectabilityOfAComponentAndOfThoseAboveItDecidesHowItGetsIn) {
  const WriterMetadata metadata = shop();
  const std::pair<ComponentId, Inclusion> rows[] = {
      {{"", "base"}, Inclusion::Required},
      {{"", "shop"}, Inclusion::Optional},
      {{"shop", "index"}, Inclusion::Implicit},
      {{"archive", "year"}, Inclusion::Optional},
      {{"archive/year", "march"}, Inclusion::Implicit},
      {{"base", "log"}, Inclusion::Optional},
  };
  for (const auto& [id, inclusion] : rows)
    EXPECT_EQ(inclusion_of(metadata, *metadata.find(id)), inclusion) << full_name(id);
}

TEST(ComponentSelection, AnAdditionIsCheckedAgainstWhatWasAdded) {
  struct Row {
    std::vector<ComponentId> added;
    ComponentId more;
    std::optional<ErrorCode> error;
  };
  const Row rows[] = {
      {{}, {"", "nothing"}, ErrorCode::ObjectNotFound},
      {{}, {"", "shop"}, std::nullopt},
      {{}, {"shop", "index"}, ErrorCode::InvalidArgument},
      {{}, {"archive", "year"}, std::nullopt},
      {{{"", "shop"}}, {"", "shop"}, ErrorCode::ObjectAlreadyExists},
      {{{"", "shop"}}, {"shop", "index"}, ErrorCode::ObjectAlreadyExists},
      {{{"", "shop"}}, {"", "shopping"}, std::nullopt},  // the same beginning is not the same branch
      {{{"", "archive"}}, {"archive", "year"}, ErrorCode::ObjectAlreadyExists},
      {{{"archive", "year"}}, {"", "archive"}, ErrorCode::ObjectAlreadyExists},
      {{{"", "base"}}, {"base", "log"}, std::nullopt},  // a required one brings nothing with it
      {{{"base", "log"}}, {"", "base"}, std::nullopt},
  };
  const WriterMetadata metadata = shop();
  for (const Row& row : rows) {
    const Status possible = check_addition(with(metadata, row.added), row.more);
    EXPECT_EQ(possible ? std::nullopt : std::optional(possible.error().code), row.error)
        << full_name(row.more);
  }
}

TEST(ComponentSelection, RequiredComponentsAreMissedAsSoonAsAnythingOfTheWriterIsIn) {
  const WriterMetadata metadata = shop();
  EXPECT_TRUE(check_complete({with(metadata, {})}));
  EXPECT_TRUE(check_complete({with(metadata, {{"", "base"}, {"", "shop"}})}));
  const Status incomplete = check_complete({with(metadata, {{"", "shop"}})});
  ASSERT_FALSE(incomplete);
  EXPECT_EQ(incomplete.error().code, ErrorCode::SelectionIncomplete);
  EXPECT_THAT(incomplete.error().message, HasSubstr("base"));
}

TEST(ComponentSelection, ASelectableComponentBringsWithItAllBelow) {
  const WriterMetadata metadata = shop();
  const auto names = [](const std::vector<const ComponentInfo*>& components) {
    std::vector<std::string> all;
    for (const ComponentInfo* one : components) all.push_back(full_name(one->id));
    return all;
  };
  EXPECT_THAT(names(included(with(metadata, {{"", "base"}, {"", "archive"}}), true)),
              testing::ElementsAre("base", "archive", "archive/year", "archive/year/march"));
  EXPECT_EQ(included(with(metadata, {}), true).size(), 0U);
  EXPECT_EQ(included(with(metadata, {}), false).size(), metadata.components.size());
}

TEST(ComponentSelection, BothEndsOfADependencyAreInOrNeither) {
  const Guid store = Guid::random();
  WriterMetadata front;
  front.components = {component("", "web", true)};
  front.components[0].dependencies = {{store, {"", "db"}}};
  WriterMetadata back;
  back.components = {component("", "db", true), component("db", "table", false)};
  const auto complete = [&](bool web, bool db) {
    const auto added = [](bool is, const char* name) {
      return is ? std::vector<ComponentId>{{"", name}} : std::vector<ComponentId>{};
    };
    return check_complete(
        {{Guid::random(), "web", &front, added(web, "web")}, {store, "store", &back, added(db, "db")}});
  };
  EXPECT_TRUE(complete(false, false));
  EXPECT_TRUE(complete(true, true));
  for (const bool web : {true, false}) {
    const Status status = complete(web, !web);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::SelectionIncomplete);
    EXPECT_THAT(status.error().message, HasSubstr("depends on"));
  }
}

TEST(ComponentSelection, ADependencyOnAWriterThatIsNotThereIsMissed) {
  WriterMetadata front;
  front.components = {component("", "web", true)};
  front.components[0].dependencies = {{Guid::random(), {"", "db"}}};
  EXPECT_FALSE(check_complete({{Guid::random(), "web", &front, {{"", "web"}}}}));
  EXPECT_TRUE(check_complete({{Guid::random(), "web", &front, {}}}));
}

}  // namespace
}  // namespace vss::core
