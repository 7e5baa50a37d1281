// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/restore_plan.hpp"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/cli/failure.hpp"
#include "tests/unit/cli/shop_document.hpp"

namespace vss::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Json shop() { return parse_backup_document(test::shop_document()); }

// "title" of each, with what is below it that is restored alone.
std::vector<std::string> selected(const SelectionRules& rules) {
  std::vector<std::string> titles;
  for (const RestoreComponent& component : select_for_restore(shop(), rules).components) {
    titles.push_back(component.title());
    for (const auto& below : component.only) titles.back() += " " + full_name(below.logical_path, below.name);
  }
  return titles;
}

struct SelectionRow {
  const char* rule;
  SelectionRules rules;
  std::vector<std::string> selected;
  std::optional<ErrorCode> error = {};
};

TEST(RestorePlan, WhatIsRestored) {
  const std::vector<SelectionRow> rows = {
      {"all that was saved", {}, {"shop:data"}},
      {"one that was not saved only by its name", {{}, {}, {"shop:log"}}, {"shop:log"}},
      {"one that was saved, by its name", {{}, {}, {"shop::data"}}, {"shop:data"}},
      {"by the class id of the writer", {{}, {}, {"shop-class:data"}}, {"shop:data"}},
      {"of a writer all that was saved", {{}, {}, {"shop"}}, {"shop:data"}},
      {"what was implicit comes alone", {{}, {}, {"shop:data/part"}}, {"shop:data data/part"}},
      {"a writer", {{"shop"}, {}, {}}, {"shop:data"}},
      {"a writer that is not in the document", {{"bank"}, {}, {}}, {}, ErrorCode::ObjectNotFound},
      {"a component that is not in the document", {{}, {}, {"shop:gold"}}, {}, ErrorCode::ObjectNotFound},
      {"without a component", {{}, {"shop:data"}, {"shop:data", "shop:log"}}, {"shop:log"}},
      {"nothing is left", {{}, {"shop"}, {}}, {}, ErrorCode::ObjectNotFound},
  };
  for (const SelectionRow& row : rows) {
    try {
      EXPECT_EQ(selected(row.rules), row.selected) << row.rule;
      EXPECT_FALSE(row.error) << row.rule;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), row.error) << row.rule << ": " << failure.line();
    }
  }
}

TEST(RestorePlan, WhatWasNotSavedIsAWarning) {
  EXPECT_THAT(select_for_restore(shop(), {}).warnings, ElementsAre(HasSubstr("shop:log was not saved")));
}

std::vector<std::string> destinations(const Json& document) {
  std::vector<std::string> all;
  const Json plan = restore_plan(document, select_for_restore(document, {}));
  for (const Json& files : plan.at("components").at(0).at("file_sets")) {
    all.push_back(text(files, "path") + " -> " + text(files, "destination") +
                  (files.value("alternate_location", false) ? " (alternate)" : ""));
  }
  return all;
}

TEST(RestorePlan, FilesGoWhereTheyWere) {
  EXPECT_THAT(destinations(shop()), ElementsAre("/srv/data -> /srv/data", "/srv/part -> /srv/part"));
}

TEST(RestorePlan, AWriterMaySendThemToItsAlternateLocation) {
  Json document = shop();
  document["writers"][0]["components"][0]["restore_target"] = "alternate";
  EXPECT_THAT(destinations(document), ElementsAre("/srv/data -> /alt (alternate)", "/srv/part -> /srv/part"));
}

TEST(RestorePlan, ANewTargetGoesBeforeIt) {
  Json document = shop();
  const RestoreSelection selection = select_for_restore(document, {});
  add_new_targets(document, new_targets(document, selection, {{"/srv", "/new"}}));
  document["writers"][0]["components"][0]["restore_target"] = "alternate";
  EXPECT_THAT(destinations(document), ElementsAre("/srv/data -> /new/data", "/srv/part -> /new/part"));
}

TEST(RestorePlan, ANewTargetOfNothingIsAnError) {
  const Json document = shop();
  const RestoreSelection selection = select_for_restore(document, {});
  for (const char* from : {"/srv/dat", "/elsewhere", "/srv/data/x"})
    EXPECT_THROW((void)new_targets(document, selection, {{from, "/new"}}), Failure) << from;
}

TEST(RestorePlan, ThePlanSaysWhatACommandNeeds) {
  const Json document = shop();
  const Json plan = restore_plan(document, select_for_restore(document, {}));
  const Json& component = plan.at("components").at(0);
  EXPECT_EQ(plan.at("version"), 1);
  EXPECT_EQ(component.at("restore_method"), "stop-restart-service");
  EXPECT_EQ(component.at("service"), "shop.service");
  EXPECT_EQ(component.at("file_sets").at(0).at("volume"), "/srv");
  EXPECT_EQ(component.at("file_sets").at(1).at("component"), "data/part");
  EXPECT_THAT(describe_plan(plan), HasSubstr("/srv/data/* and below"));
}

TEST(RestorePlan, SomebodysFileIsNoDocument) {
  for (const char* bad : {"", "[]", "7", "{\"version\":", "\xff"})
    EXPECT_THROW((void)parse_backup_document(bad), Failure) << bad;
}

}  // namespace
}  // namespace vss::cli
