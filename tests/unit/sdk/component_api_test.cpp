// SPDX-License-Identifier: LGPL-2.1-or-later
// What handlers may ask and say: each function in each event, and its arguments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vss/writer.h>

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "writer-sdk/src/component_document.hpp"
#include "writer-sdk/src/session.hpp"

namespace vss {
namespace {

using enum Event;
using Events = std::set<Event>;

const Events kBackup = {PrepareForBackup, PrepareForSnapshot, Freeze, Thaw, PostSnapshot, Abort,
                        BackupComplete,   BackupShutdown};
const Events kEditable = {PrepareForBackup, PostSnapshot};
const Events kRestore = {PreRestore, PostRestore};

constexpr const char* kComponents = R"({"components": [{
  "logical_path": "l", "name": "n", "type": "filegroup", "backup_options": "bo", "restore_options": "ro",
  "partial_files": [{"path": "/p", "file_name": "f", "ranges": "1:2", "metadata": "m"}],
  "differenced_files": [{"path": "/d", "spec": "*", "recursive": true, "last_modified": 5}],
  "failure": {"error": "WriterRetryable", "application_code": 9, "message": "why"},
  "selected_for_restore": true, "roll_forward": {"type": "partial", "point": "here"},
  "restore_subcomponents": [{"logical_path": "l/n", "name": "s"}],
  "new_targets": [{"path": "/n", "spec": "x", "recursive": true, "destination": "/t"}],
  "alternate_location_mappings": [{"path": "/l", "spec": "y", "destination": "/u"}],
  "directed_targets": [{"source_path": "/1", "source_file": "2", "source_ranges": "3:4", "destination_path": "/5",
                        "destination_file": "6", "destination_ranges": "7:8"}],
  "file_restore_status": "all"}]})";

SessionTable::Session known() {
  SessionTable::Session data;
  data.set = "11111111-0000-4000-8000-000000000001";
  data.known.components = std::make_shared<const doc::Components>(doc::parse_components(kComponents).value());
  data.known.partial_file_support = true;
  data.known.restore_type = VSS_RESTORE_IMPORT;
  data.known.snapshots = {{"/srv", "/run/x"}};
  return data;
}

constexpr vss_partial_file kPartialFile = {sizeof(vss_partial_file), "/a", "b", "0:0x10, 7:8", nullptr};
constexpr vss_differenced_file kDifferencedFile = {sizeof(vss_differenced_file), "/a", "*.x", 1, 77};
constexpr vss_directed_target kDirectedTarget = {
    sizeof(vss_directed_target), "/a", "b", "0:1", "/c", "d", "5:1"};

struct Function {
  std::string name;
  Events events;
  std::function<int(vss_session*)> call;  // with good arguments
};

std::vector<Function> setters() {
  return {{"set_backup_stamp", kEditable, [](auto* s) { return vss_component_set_backup_stamp(s, 0, "x"); }},
          {"set_backup_metadata", kEditable,
           [](auto* s) { return vss_component_set_backup_metadata(s, 0, "x"); }},
          {"set_restore_metadata",
           {PrepareForBackup, PostSnapshot, PreRestore},
           [](auto* s) { return vss_component_set_restore_metadata(s, 0, "x"); }},
          {"add_partial_file", kEditable,
           [](auto* s) { return vss_component_add_partial_file(s, 0, &kPartialFile); }},
          {"add_differenced_file", kEditable,
           [](auto* s) { return vss_component_add_differenced_file(s, 0, &kDifferencedFile); }},
          {"fail",
           {PrepareForBackup, PostSnapshot, PreRestore, PostRestore},
           [](auto* s) { return vss_component_fail(s, 0, VSS_E_WRITER_TIMEOUT, 1, "x"); }},
          {"set_prepare_for_backup_failure",
           {PrepareForBackup},
           [](auto* s) { return vss_component_set_prepare_for_backup_failure(s, 0, "x"); }},
          {"set_post_snapshot_failure",
           {PostSnapshot},
           [](auto* s) { return vss_component_set_post_snapshot_failure(s, 0, "x"); }},
          {"set_pre_restore_failure",
           {PreRestore},
           [](auto* s) { return vss_component_set_pre_restore_failure(s, 0, "x"); }},
          {"set_post_restore_failure",
           {PostRestore},
           [](auto* s) { return vss_component_set_post_restore_failure(s, 0, "x"); }},
          {"set_restore_target",
           {PreRestore},
           [](auto* s) { return vss_component_set_restore_target(s, 0, VSS_RESTORE_TARGET_DIRECTED); }},
          {"add_directed_target", {PreRestore}, [](auto* s) {
             return vss_component_add_directed_target(s, 0, &kDirectedTarget);
           }}};
}

// NULL, or no element, as BAD_STATE.
int text(const char* text) { return text == nullptr ? VSS_ERR_BAD_STATE : VSS_OK; }
int count(std::size_t count) { return count == 0 ? VSS_ERR_BAD_STATE : VSS_OK; }

std::vector<Function> getters() {
  static const char* id = nullptr;
  static vss_mapping mapping = VSS_MAPPING_INIT;
  static vss_directed_target target = VSS_DIRECTED_TARGET_INIT;
  return {
      {"session_set_id", {Freeze, Thaw, PostSnapshot}, [](auto* s) { return vss_session_set_id(s, &id); }},
      {"shutdown_set_id", {BackupShutdown}, [](auto* s) { return vss_shutdown_set_id(s, &id); }},
      {"snapshot_path", {PostSnapshot}, [](auto* s) { return vss_snapshot_path(s, "/srv", &id); }},
      {"is_one_instant",
       {PrepareForSnapshot, PostSnapshot},
       [](auto* s) { return vss_is_one_instant(s, nullptr, 0); }},
      {"current_level", {Freeze, Thaw}, vss_current_level},
      {"bootable_system_state", kBackup, vss_bootable_system_state},
      {"partial_file_support", kBackup, vss_partial_file_support},
      {"get_restore_type", kRestore, vss_get_restore_type},
      {"selected_for_restore", kRestore, [](auto* s) { return vss_component_selected_for_restore(s, 0); }},
      {"additional_restores", kRestore, [](auto* s) { return vss_component_additional_restores(s, 0); }},
      {"authoritative_restore", kRestore, [](auto* s) { return vss_component_authoritative_restore(s, 0); }},
      {"file_restore_status", kRestore, [](auto* s) { return vss_component_file_restore_status(s, 0); }},
      {"get_restore_target", kRestore, [](auto* s) { return vss_component_get_restore_target(s, 0); }},
      {"roll_forward", kRestore, [](auto* s) { return vss_component_roll_forward(s, 0, &id); }},
      {"restore_options", kRestore, [](auto* s) { return text(vss_component_restore_options(s, 0)); }},
      {"restore_name", kRestore, [](auto* s) { return text(vss_component_restore_name(s, 0)); }},
      {"restore_subcomponent_count", kRestore,
       [](auto* s) { return count(vss_component_restore_subcomponent_count(s, 0)); }},
      {"restore_subcomponent", kRestore,
       [](auto* s) { return vss_component_restore_subcomponent(s, 0, 0, &id, &id); }},
      {"new_target_count", kRestore, [](auto* s) { return count(vss_component_new_target_count(s, 0)); }},
      {"new_target", kRestore, [](auto* s) { return vss_component_new_target(s, 0, 0, &mapping); }},
      {"alternate_location_mapping_count", kRestore,
       [](auto* s) { return count(vss_component_alternate_location_mapping_count(s, 0)); }},
      {"alternate_location_mapping", kRestore,
       [](auto* s) { return vss_component_alternate_location_mapping(s, 0, 0, &mapping); }},
      {"directed_target_count", kRestore,
       [](auto* s) { return count(vss_component_directed_target_count(s, 0)); }},
      {"directed_target", kRestore, [](auto* s) { return vss_component_directed_target(s, 0, 0, &target); }}};
}

void expect_legal_only_in_its_events(const std::vector<Function>& functions) {
  const SessionTable::Session data = known();
  for (const Function& function : functions) {
    for (std::size_t i = 0; i < kEventCount; ++i) {
      const auto event = static_cast<Event>(i);
      vss_session session{event, data};
      const int status = function.call(&session);
      if (function.events.contains(event)) {
        EXPECT_GE(status, 0) << function.name << " in " << to_string(event);
      } else {
        EXPECT_EQ(status, VSS_ERR_BAD_STATE) << function.name << " in " << to_string(event);
        EXPECT_TRUE(session.edits.empty()) << function.name << " in " << to_string(event);
      }
    }
  }
}

TEST(Legality, EachSetterIsLegalInItsEventsOnly) { expect_legal_only_in_its_events(setters()); }
TEST(Legality, EachGetterIsLegalInItsEventsOnly) { expect_legal_only_in_its_events(getters()); }

TEST(Legality, WhatWasSetAndWhatWasSaidIsToBeReadInAllEvents) {
  const SessionTable::Session data = known();
  for (std::size_t i = 0; i < kEventCount; ++i) {
    const vss_session session{static_cast<Event>(i), data};
    vss_partial_file partial = VSS_PARTIAL_FILE_INIT;
    vss_differenced_file differenced = VSS_DIFFERENCED_FILE_INIT;
    vss_failure failure = VSS_FAILURE_INIT;
    EXPECT_EQ(vss_component_count(&session), 1U);
    EXPECT_STREQ(vss_component_backup_options(&session, 0), "bo");
    EXPECT_STREQ(vss_component_previous_backup_stamp(&session, 0), "");
    EXPECT_EQ(vss_component_get_type(&session, 0), VSS_COMPONENT_FILEGROUP);
    EXPECT_EQ(vss_component_partial_file(&session, 0, 0, &partial), VSS_OK);
    EXPECT_EQ(vss_component_differenced_file(&session, 0, 0, &differenced), VSS_OK);
    EXPECT_EQ(vss_component_failure(&session, 0, &failure), VSS_OK);
  }
}

TEST(ComponentSetters, BelongToTheThreadOfTheHandler) {
  const SessionTable::Session data = known();
  for (const Function& setter : setters()) {
    vss_session session{*setter.events.begin(), data};
    std::thread([&] { EXPECT_EQ(setter.call(&session), VSS_ERR_BAD_STATE) << setter.name; }).join();
    EXPECT_EQ(setter.call(nullptr), VSS_ERR_INVALID_ARGUMENT) << setter.name;
    EXPECT_TRUE(session.edits.empty());
  }
}

TEST(ComponentSetters, CheckTheirArgumentsAndChangeNothingThen) {
  const SessionTable::Session data = known();
  struct Row {
    Event event;
    std::function<int(vss_session*)> call;
    int status;
  };
  const auto partial = [](const char* path, const char* file, const char* ranges) {
    return [=](vss_session* s) {
      const vss_partial_file given{sizeof given, path, file, ranges, ""};
      return vss_component_add_partial_file(s, 0, &given);
    };
  };
  const auto differenced = [](const char* path, const char* spec) {
    return [=](vss_session* s) {
      const vss_differenced_file given{sizeof given, path, spec, 0, 0};
      return vss_component_add_differenced_file(s, 0, &given);
    };
  };
  const auto directed = [](const char* source, const char* ranges, const char* destination) {
    return [=](vss_session* s) {
      const vss_directed_target given{sizeof given, source, "f", ranges, destination, "f", "0:1"};
      return vss_component_add_directed_target(s, 0, &given);
    };
  };
  const std::vector<Row> rows = {
      {PrepareForBackup, [](auto* s) { return vss_component_set_backup_stamp(s, 1, "x"); },
       VSS_ERR_NOT_FOUND},
      {PrepareForBackup, [](auto* s) { return vss_component_set_backup_stamp(s, 0, nullptr); },
       VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, [](auto* s) { return vss_component_set_backup_metadata(s, 0, "\xff"); },
       VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, [](auto* s) { return vss_component_set_prepare_for_backup_failure(s, 0, nullptr); },
       VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup,
       [](auto* s) { return vss_component_fail(s, 0, static_cast<vss_writer_error>(0), 0, "x"); },
       VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, [](auto* s) { return vss_component_add_partial_file(s, 0, nullptr); },
       VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, partial("p", "f", "0:1"), VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, partial("/p", "a/f", "0:1"), VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, partial("/p", "", "0:1"), VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, partial("/p", "f", ""), VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, partial("/p", "f", "0:1,"), VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, partial("/p", "f", "0-1"), VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, partial("/p", "f", "-1:1"), VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, partial("/p", "f", "0:18446744073709551616"), VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, partial("/p", "f", "0x:1"), VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, differenced("d", "*"), VSS_ERR_INVALID_ARGUMENT},
      {PrepareForBackup, differenced("/d", "a/*"), VSS_ERR_INVALID_ARGUMENT},
      {PreRestore, directed("s", "0:1", "/d"), VSS_ERR_INVALID_ARGUMENT},
      {PreRestore, directed("/s", "/ranges", "/d"), VSS_ERR_INVALID_ARGUMENT},
      {PreRestore, directed("/s", "0:1", "d"), VSS_ERR_INVALID_ARGUMENT},
      {PreRestore,
       [](auto* s) { return vss_component_set_restore_target(s, 0, VSS_RESTORE_TARGET_UNDEFINED); },
       VSS_ERR_INVALID_ARGUMENT},
      {PreRestore,
       [](auto* s) { return vss_component_set_restore_target(s, 0, static_cast<vss_restore_target>(5)); },
       VSS_ERR_INVALID_ARGUMENT},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    vss_session session{rows[i].event, data};
    EXPECT_EQ(rows[i].call(&session), rows[i].status) << "row " << i;
    EXPECT_EQ(doc::to_document(session.edits), "") << "row " << i;
  }
  vss_session session{PrepareForBackup, data};
  EXPECT_EQ(partial("/p", "f", "/ranges")(&session), VSS_OK) << "a file of ranges";
  EXPECT_EQ(partial("/p", "f", "18446744073709551615:0xFFFFFFFFFFFFFFFF")(&session), VSS_OK);
}

TEST(ComponentSetters, PartialFilesNeedARequesterThatCanSaveThem) {
  SessionTable::Session data = known();
  data.known.partial_file_support.reset();
  vss_session session{PrepareForBackup, data};
  EXPECT_EQ(vss_component_add_partial_file(&session, 0, &kPartialFile), VSS_ERR_BAD_STATE);
}

TEST(ComponentSetters, WhatTheyAddComesAfterWhatThereIs) {
  const SessionTable::Session data = known();
  vss_session session{PrepareForBackup, data};
  vss_partial_file file = VSS_PARTIAL_FILE_INIT;
  ASSERT_EQ(vss_component_partial_file(&session, 0, 0, &file), VSS_OK);
  ASSERT_EQ(vss_component_add_partial_file(&session, 0, &file), VSS_OK) << "from what the library handed out";
  ASSERT_EQ(vss_component_partial_file(&session, 0, 1, &file), VSS_OK);
  ASSERT_EQ(vss_component_add_partial_file(&session, 0, &file), VSS_OK) << "from what is being changed";
  EXPECT_EQ(vss_component_partial_file_count(&session, 0), 3U);
  ASSERT_EQ(vss_component_partial_file(&session, 0, 2, &file), VSS_OK);
  EXPECT_STREQ(file.metadata, "m");
  ASSERT_EQ(vss_component_set_backup_stamp(&session, 0, "one"), VSS_OK);
  ASSERT_EQ(vss_component_set_backup_stamp(&session, 0, vss_component_backup_stamp(&session, 0)), VSS_OK);
  EXPECT_STREQ(vss_component_backup_stamp(&session, 0), "one");
  EXPECT_EQ(data.known.components->at(0).partial_files.size(), 1U) << "the session itself has not changed";
}

TEST(ComponentGetters, HandOutWhatTheDocumentSays) {
  const SessionTable::Session data = known();
  const vss_session session{PostRestore, data, VSS_LEVEL_BACK_END};
  const char* point = nullptr;
  const char* path = nullptr;
  const char* name = nullptr;
  vss_mapping mapping = VSS_MAPPING_INIT;
  vss_directed_target target = VSS_DIRECTED_TARGET_INIT;
  vss_failure failure = VSS_FAILURE_INIT;
  EXPECT_EQ(vss_component_selected_for_restore(&session, 0), 1);
  EXPECT_EQ(vss_component_additional_restores(&session, 0), 0);
  EXPECT_EQ(vss_component_file_restore_status(&session, 0), VSS_FILES_RESTORED_ALL);
  EXPECT_EQ(vss_component_roll_forward(&session, 0, &point), VSS_ROLL_FORWARD_PARTIAL);
  EXPECT_STREQ(point, "here");
  EXPECT_EQ(vss_component_roll_forward(&session, 0, nullptr), VSS_ROLL_FORWARD_PARTIAL);
  EXPECT_STREQ(vss_component_restore_options(&session, 0), "ro");
  EXPECT_STREQ(vss_component_restore_name(&session, 0), "");
  ASSERT_EQ(vss_component_restore_subcomponent(&session, 0, 0, &path, &name), VSS_OK);
  EXPECT_STREQ(name, "s");
  ASSERT_EQ(vss_component_new_target(&session, 0, 0, &mapping), VSS_OK);
  EXPECT_STREQ(mapping.destination, "/t");
  ASSERT_EQ(vss_component_directed_target(&session, 0, 0, &target), VSS_OK);
  EXPECT_STREQ(target.destination_ranges, "7:8");
  ASSERT_EQ(vss_component_failure(&session, 0, &failure), VSS_OK);
  EXPECT_STREQ(failure.error, "WriterRetryable");
  EXPECT_EQ(failure.application_code, 9);
  EXPECT_EQ(vss_get_restore_type(&session), VSS_RESTORE_IMPORT);
  const vss_session freeze{Freeze, data, VSS_LEVEL_BACK_END};
  EXPECT_EQ(vss_current_level(&freeze), VSS_LEVEL_BACK_END);
}

TEST(ComponentGetters, AnIndexOutOfRangeIsNoCrash) {
  const SessionTable::Session data = known();
  const SessionTable::Session nothing;
  const vss_session session{PostRestore, data};
  const vss_session empty{PostRestore, nothing};
  for (const vss_session* s : {&session, &empty, static_cast<const vss_session*>(nullptr)}) {
    const std::size_t index = s == &session ? 1 : 0;
    vss_mapping mapping = VSS_MAPPING_INIT;
    EXPECT_EQ(vss_component_name(s, index), nullptr);
    EXPECT_EQ(vss_component_backup_stamp(s, index), nullptr);
    EXPECT_EQ(vss_component_restore_options(s, index), nullptr);
    EXPECT_EQ(vss_component_get_type(s, index), VSS_ERR_NOT_FOUND);
    EXPECT_LT(vss_component_selected_for_restore(s, index), 0);
    EXPECT_EQ(vss_component_partial_file_count(s, index), 0U);
    EXPECT_LT(vss_component_new_target(s, index, 0, &mapping), 0);
  }
  vss_mapping mapping = VSS_MAPPING_INIT;
  EXPECT_EQ(vss_component_new_target(&session, 0, 1, &mapping), VSS_ERR_NOT_FOUND);
  EXPECT_EQ(vss_component_new_target(&session, 0, 0, nullptr), VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(vss_bootable_system_state(nullptr), VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(vss_is_writer_shutting_down(nullptr), 0);
}

// A caller that was compiled when the structures were shorter.
TEST(ComponentGetters, AShorterStructureIsNotWrittenBeyondItsEnd) {
  const SessionTable::Session data = known();
  vss_session session{PrepareForBackup, data};
  vss_partial_file file = {offsetof(vss_partial_file, ranges), nullptr, nullptr, "mine", "mine"};
  ASSERT_EQ(vss_component_partial_file(&session, 0, 0, &file), VSS_OK);
  EXPECT_STREQ(file.file_name, "f");
  EXPECT_STREQ(file.ranges, "mine");
  EXPECT_EQ(file.struct_size, offsetof(vss_partial_file, ranges));
  EXPECT_EQ(vss_component_add_partial_file(&session, 0, &file), VSS_ERR_INVALID_ARGUMENT)
      << "members that are not there count as zero";
  file.struct_size = 0;
  EXPECT_EQ(vss_component_partial_file(&session, 0, 0, &file), VSS_ERR_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace vss
