// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/component_edits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vss::core {
namespace {
using testing::HasSubstr;
using enum WriterEvent;

std::vector<SelectedComponent> components() {
  return {{{"", "data"}, {{"logical_path", ""}, {"name", "data"}, {"backup_options", "fast"}}},
          {{"a", "b"}, {{"logical_path", "a"}, {"name", "b"}}}};
}

std::string edit(const std::string& members) {
  return R"({"components":[{"logical_path":"","name":"data")" + (members.empty() ? "" : "," + members) +
         "}]}";
}

// vss.md 3.9: which setter is legal in which handler.
TEST(ComponentEdits, AWriterSetsInEachEventWhatVssAllowsThere) {
  struct Row {
    std::string_view key;
    std::vector<WriterEvent> legal;
  };
  const Row rows[] = {
      {"backup_metadata", {PrepareForBackup, PostSnapshot}},
      {"restore_metadata", {PrepareForBackup, PostSnapshot, PreRestore}},
      {"backup_stamp", {PrepareForBackup, PostSnapshot}},
      {"partial_files", {PrepareForBackup, PostSnapshot}},
      {"differenced_files", {PrepareForBackup, PostSnapshot}},
      {"prepare_for_backup_failure", {PrepareForBackup}},
      {"post_snapshot_failure", {PostSnapshot}},
      {"restore_target", {PreRestore}},
      {"directed_targets", {PreRestore}},
      {"pre_restore_failure", {PreRestore}},
      {"post_restore_failure", {PostRestore}},
      {"failure", {PrepareForBackup, PostSnapshot, PreRestore, PostRestore}},
      // The requester's.
      {"backup_succeeded", {}},
      {"backup_options", {}},
      {"previous_backup_stamp", {}},
      {"selected_for_restore", {}},
      {"unheard_of", {}},
  };
  for (const Row& row : rows) {
    for (const WriterEvent event :
         {Identify, PrepareForBackup, PrepareForSnapshot, Freeze, Thaw, PostSnapshot, Abort, BackupComplete,
          BackupShutdown, PreRestore, PostRestore, RestoreShutdown}) {
      EXPECT_EQ(may_write(event, row.key), testing::Value(event, testing::AnyOfArray(row.legal)))
          << row.key << " in " << to_string(event);
    }
  }
}

TEST(ComponentEdits, AWritersComponentsGrowNoFurtherThanItsLibraryReads) {
  auto all = components();
  all[0].content["backup_metadata"] = std::string((std::size_t{8} << 20) - (std::size_t{64} << 10), 'x');
  ASSERT_TRUE(apply_edits(all, PrepareForBackup, edit(R"("restore_metadata":"small")")));
  EXPECT_TRUE(check_size("w", all));
  const auto before = components_text(all);
  const std::string long_text(std::size_t{65} << 10, 'y');
  const auto refused = apply_edits(all, PostSnapshot, edit(R"("backup_stamp":")" + long_text + '"'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::InvalidDocument);
  EXPECT_EQ(components_text(all), before);

  all[0].content["backup_options"] = long_text;  // the requester's
  const Status too_large = check_size("w", all);
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().code, ErrorCode::InvalidArgument);
  EXPECT_THAT(too_large.error().message, HasSubstr("writer w"));
}

TEST(ComponentEdits, WhatIsWrittenReplacesWhatWasThereAndLeavesTheRest) {
  auto all = components();
  ASSERT_TRUE(apply_edits(all, PrepareForBackup, edit(R"("backup_stamp":"1","partial_files":[
      {"path":"/a","file_name":"f","ranges":"0:10"}])")));
  ASSERT_TRUE(apply_edits(all, PostSnapshot, edit(R"("backup_stamp":"2")")));
  EXPECT_EQ(all[0].content.dump(),
            R"({"logical_path":"","name":"data","backup_options":"fast","backup_stamp":"2",)"
            R"("partial_files":[{"file_name":"f","path":"/a","ranges":"0:10"}]})");
  EXPECT_EQ(all[1].content.dump(), R"({"logical_path":"a","name":"b"})");
  EXPECT_EQ(components_text(all).substr(0, 15), R"({"components":[)");
}

TEST(ComponentEdits, ABadAnswerChangesNothingAndNamesThePlace) {
  const std::pair<std::string, std::string> rows[] = {
      {"", "parse"},
      {"[]", "object"},
      {"{}", "components"},
      {R"({"components":[{"logical_path":"","name":"other"}]})", "not selected"},
      {edit(R"("backup_stamp":1)"), "/components/0/backup_stamp"},
      {edit(R"("backup_succeeded":true)"), "cannot be set in PrepareForBackup"},
      {edit(R"("backup_options":"x")"), "cannot be set"},
      {edit(R"("unheard_of":1)"), "cannot be set"},
      {edit(R"("partial_files":[{"path":"/a"}])"), "/components/0/partial_files/0"},
      {R"({"components":[{"logical_path":"","name":"data","backup_stamp":"x"},{"logical_path":"","name":"z"}]})",
       "/components/1"},
  };
  for (const auto& [text, place] : rows) {
    auto all = components();
    const auto applied = apply_edits(all, PrepareForBackup, text);
    ASSERT_FALSE(applied) << text;
    EXPECT_EQ(applied.error().code, ErrorCode::InvalidDocument);
    EXPECT_THAT(applied.error().message, HasSubstr(place));
    EXPECT_EQ(components_text(all), components_text(components()));
  }
}

TEST(ComponentEdits, AComponentThatFailedIsAPartialFailureOfItsWriterInThatEventOnly) {
  auto all = components();
  const auto failure =
      apply_edits(all, PrepareForBackup,
                  edit(R"("failure":{"error":"WriterRetryable","application_code":5,"message":"torn"})"));
  ASSERT_TRUE(failure && *failure);
  EXPECT_EQ((*failure)->code, ErrorCode::WriterPartialFailure);
  EXPECT_EQ((*failure)->application_code, 5);
  EXPECT_FALSE((*failure)->veto);
  EXPECT_THAT((*failure)->message, HasSubstr("torn"));
  const auto later = apply_edits(all, PostSnapshot, edit(R"("backup_stamp":"1")"));
  ASSERT_TRUE(later);
  EXPECT_FALSE(*later);
  EXPECT_TRUE(all[0].content.contains("failure"));
}

}  // namespace
}  // namespace vss::core
