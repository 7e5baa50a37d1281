// SPDX-License-Identifier: LGPL-2.1-or-later
// The "document" of events and answers.
#include "writer-sdk/src/component_document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vss/writer.h>

#include <nlohmann/json.hpp>

namespace vss::doc {
namespace {

using testing::HasSubstr;

// Every key of the schema.
constexpr const char* kEverything = R"({"more": 1, "components": [{
  "logical_path": "a/b", "name": "c", "type": "database", "backup_succeeded": true, "unknown": {"x": []},
  "backup_options": "bo", "previous_backup_stamp": "ps", "backup_metadata": "bm", "restore_metadata": "rm",
  "backup_stamp": "bs", "prepare_for_backup_failure": "f1", "post_snapshot_failure": "f2",
  "pre_restore_failure": "f3", "post_restore_failure": "f4",
  "partial_files": [{"path": "/p", "file_name": "n", "ranges": "0:1", "metadata": "m"},
                    {"path": "/p", "file_name": "o", "ranges": "/r"}],
  "differenced_files": [{"path": "/d", "spec": "*", "recursive": true, "last_modified": 12345678901}],
  "failure": {"error": "WriterRetryable", "application_code": -7, "message": "why"},
  "selected_for_restore": true, "additional_restores": true, "restore_options": "ro", "restore_name": "rn",
  "authoritative_restore": true, "roll_forward": {"type": "partial", "point": "here"},
  "restore_subcomponents": [{"logical_path": "a/b/c", "name": "d"}],
  "new_targets": [{"path": "/n", "spec": "x", "recursive": true, "destination": "/t"}],
  "alternate_location_mappings": [{"path": "/l", "spec": "y", "destination": "/u"}],
  "restore_target": "original-location",
  "directed_targets": [{"source_path": "/1", "source_file": "2", "source_ranges": "3:4", "destination_path": "/5",
                        "destination_file": "6", "destination_ranges": "7:8"}],
  "file_restore_status": "failed"}]})";

TEST(ComponentDocument, EveryKeyOfTheSchemaIsRead) {
  const auto components = parse_components(kEverything);
  ASSERT_TRUE(components) << components.error();
  ASSERT_EQ(components->size(), 1U);
  const Component& c = components->front();
  EXPECT_EQ(c.id.logical_path + " " + c.id.name, "a/b c");
  EXPECT_EQ(c.type, VSS_COMPONENT_DATABASE);
  EXPECT_TRUE(c.succeeded && c.selected_for_restore && c.additional_restores && c.authoritative_restore);
  const std::vector<std::string> texts(c.texts.begin(), c.texts.end());
  EXPECT_THAT(texts, testing::ElementsAre("bo", "ps", "ro", "rn", "bm", "rm", "bs", "f1", "f2", "f3", "f4"));
  ASSERT_EQ(c.partial_files.size(), 2U);
  EXPECT_EQ(c.partial_files[0].metadata + c.partial_files[1].ranges, "m/r");
  EXPECT_EQ(c.differenced_files.at(0).last_modified, 12345678901);
  EXPECT_EQ(c.failure->error, "WriterRetryable");
  EXPECT_EQ(c.failure->application_code, -7);
  EXPECT_EQ(c.roll_forward, VSS_ROLL_FORWARD_PARTIAL);
  EXPECT_EQ(c.roll_forward_point, "here");
  EXPECT_EQ(c.restore_subcomponents.at(0).name, "d");
  EXPECT_TRUE(c.new_targets.at(0).recursive);
  EXPECT_EQ(c.alternate_location_mappings.at(0).destination, "/u");
  EXPECT_EQ(c.restore_target, VSS_RESTORE_TARGET_ORIGINAL_LOCATION);
  EXPECT_EQ(c.directed_targets.at(0).destination_ranges, "7:8");
  EXPECT_EQ(c.file_restore_status, VSS_FILES_RESTORED_FAILED);
}

TEST(ComponentDocument, WhatIsMalformedIsRefusedWithItsPlace) {
  struct Row {
    std::string document;
    std::string error;
  };
  // A key of a component, and what is wrong with it.
  const auto with = [](const std::string& member) {
    return R"({"components":[{"logical_path":"","name":"c",)" + member + "}]}";
  };
  const std::string deep(31, '[');
  const std::vector<Row> rows = {
      {"", "parse error"},
      {"[]", "/: an object is needed"},
      {"{}", "/: components is missing"},
      {R"({"components":{}})", "/components: an array is needed"},
      {R"({"components":[7]})", "/components/0: an object is needed"},
      {R"({"components":[{"name":"c"}]})", "/components/0: logical_path is missing"},
      {R"({"components":[{"logical_path":"","name":""}]})", "/components/0/name: must not be empty"},
      {R"({"components":[{"logical_path":"","name":"a"},{"logical_path":"","name":7}]})",
       "/components/1/name: a string is needed"},
      {"{\"components\":[{\"logical_path\":\"\",\"name\":\"\xff\"}]}", "UTF-8"},
      {with(R"("type":"other")"), "/components/0/type: \"other\" is not known here"},
      {with(R"("backup_stamp":1)"), "/components/0/backup_stamp: a string is needed"},
      {with(R"("backup_succeeded":"true")"), "/components/0/backup_succeeded: true or false is needed"},
      {with(R"("partial_files":"x")"), "/components/0/partial_files: an array is needed"},
      {with(R"("partial_files":[{"path":"/p","file_name":"n"}])"), "partial_files/0: ranges is missing"},
      {with(R"("differenced_files":[{"path":"/p","spec":"n","last_modified":1.5}])"),
       "last_modified: an integer of 64 bits"},
      {with(R"("differenced_files":[{"path":"/p","spec":"n","last_modified":18446744073709551615}])"),
       "last_modified: an integer of 64 bits"},
      {with(R"("failure":"x")"), "/components/0/failure: an object is needed"},
      {with(R"("failure":{"error":"x","application_code":2147483648})"), "an integer of 32 bits is needed"},
      {with(R"("failure":{"error":"x","application_code":-2147483649})"), "an integer of 32 bits is needed"},
      {with(R"("roll_forward":{})"), "/components/0/roll_forward: type is missing"},
      {with(R"("restore_target":"moon")"), "/components/0/restore_target: \"moon\""},
      {with(R"("file_restore_status":"some")"), "/components/0/file_restore_status: \"some\""},
      {with(R"("new_targets":[{"path":"/p","spec":"n"}])"), "new_targets/0: destination is missing"},
      {with(R"("directed_targets":[{}])"), "directed_targets/0: source_path is missing"},
      {with(R"("restore_subcomponents":[{"logical_path":""}])"), "restore_subcomponents/0: name is missing"},
      {"{\"x\":" + deep + "[" + "]" + std::string(31, ']') + "}", "nested deeper than 32 levels"},
      {std::string(100000, '['), "nested deeper than 32 levels"},
      {"\"" + std::string(kDocumentLimit, 'x') + "\"", "larger than 16 MiB"},
  };
  for (const Row& row : rows) {
    const auto components = parse_components(row.document);
    ASSERT_FALSE(components) << row.document.substr(0, 200);
    EXPECT_THAT(components.error(), HasSubstr(row.error)) << row.document.substr(0, 200);
  }
  EXPECT_TRUE(parse_components(R"({"components":[],"x":)" + deep + std::string(31, ']') + "}"));
}

TEST(ComponentDocument, OnlyWhatWasSetIsAnswered) {
  ComponentEdits edits;
  Component known = parse_components(kEverything)->front();
  edits.emplace(0, ComponentEdit{known, 0});
  EXPECT_EQ(to_document(edits), "") << "nothing was set";
  edits.at(0).component.text(Key::BackupStamp) = "new";
  edits.at(0).mark(Key::BackupStamp);
  Component other;
  other.id = {"", "other"};
  ComponentEdit& second = edits.emplace(3, ComponentEdit{other, 0}).first->second;
  second.component.failure = ComponentFailure{"WriterTimeout", 3, "late"};
  second.component.differenced_files = {{"/d", "*", true, 0}, {"/e", "f", false, 9}};
  second.mark(Key::Failure);
  second.mark(Key::DifferencedFiles);
  EXPECT_EQ(nlohmann::json::parse(to_document(edits)), nlohmann::json::parse(R"({"components": [
    {"logical_path": "a/b", "name": "c", "backup_stamp": "new"},
    {"logical_path": "", "name": "other",
     "failure": {"error": "WriterTimeout", "application_code": 3, "message": "late"},
     "differenced_files": [{"path": "/d", "spec": "*", "recursive": true},
                           {"path": "/e", "spec": "f", "recursive": false, "last_modified": 9}]}]})"));
}

TEST(ComponentDocument, WhatIsAnsweredIsReadBackTheSame) {
  const auto known = parse_components(kEverything);
  ComponentEdits edits;
  ComponentEdit& edit = edits.emplace(0, ComponentEdit{known->front(), 0}).first->second;
  nlohmann::json expected{{"logical_path", "a/b"}, {"name", "c"}};
  const auto everything = nlohmann::json::parse(kEverything)["components"][0];
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    edit.mark(static_cast<Key>(i));
    expected[std::string(kKeys[i])] = everything.at(std::string(kKeys[i]));
  }
  expected["partial_files"][1]["metadata"] = "";
  EXPECT_EQ(nlohmann::json::parse(to_document(edits)), nlohmann::json({{"components", {expected}}}));
}

TEST(ComponentDocument, WhatWasSetIsKnownAfterwards) {
  const auto before = std::make_shared<const Components>(Components(3));
  ComponentEdits edits;
  edits.emplace(1, ComponentEdit{}).first->second.component.text(Key::BackupStamp) = "s";
  const SharedComponents after = with_edits(before, edits);
  EXPECT_EQ(before->at(1).text(Key::BackupStamp), "") << "handlers that have begun see what they saw";
  EXPECT_EQ(after->at(1).text(Key::BackupStamp), "s");
  EXPECT_EQ(after->size(), 3U);
  EXPECT_EQ(with_edits(before, {}), before);
}

}  // namespace
}  // namespace vss::doc
