// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/record_json.hpp"

#include <gtest/gtest.h>

#include <limits>

#include <nlohmann/json.hpp>

#include "tests/unit/system/sample_record.hpp"

namespace vss::system {
namespace {
using Json = nlohmann::json;

Json sample_document() { return Json::parse(to_json(test::sample_record()).value()); }

std::string fault_of(const std::string& text) {
  const auto record = set_record_from_json(text);
  if (record) return "accepted";
  EXPECT_EQ(record.error().code, ErrorCode::InvalidDocument);
  return record.error().message;
}

TEST(RecordJson, ARecordComesBackAsItWas) {
  const core::SetRecord record = test::sample_record();
  const auto text = to_json(record);
  ASSERT_TRUE(text);
  const auto read = set_record_from_json(*text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(*read).value(), *text);
  test::expect_equal(*read, record);
}

TEST(RecordJson, EveryMissingOrMistypedKeyIsRefusedWithItsPlace) {
  const Json document = sample_document().flatten();
  for (const auto& [pointer, value] : document.items()) {
    Json mistyped = sample_document();
    mistyped[Json::json_pointer(pointer)] = Json::object();
    EXPECT_NE(fault_of(mistyped.dump()), "accepted") << pointer;

    const Json::json_pointer place(pointer);
    Json missing = sample_document();
    Json& parent = missing[place.parent_pointer()];
    if (!parent.is_object()) continue;  // an entry of a list may be left out
    parent.erase(place.back());
    if (place.back() == "exposed" || place.back() == "client_time") continue;  // see below
    // Records of an earlier version do not have them.
    if (place.back() == "broken" || place.back() == "reverting" || place.back() == "break_writable") {
      EXPECT_EQ(fault_of(missing.dump()), "accepted") << pointer;
      continue;
    }
    EXPECT_NE(fault_of(missing.dump()).find(place.back() + ": missing"), std::string::npos) << pointer;
  }
}

TEST(RecordJson, KeysThatOlderRecordsLackMayBeMissing) {
  Json document = sample_document();
  document.erase("client_time");
  document["snapshots"][0].erase("exposed");
  const auto record = set_record_from_json(document.dump());
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->client_time, 0U);
  EXPECT_EQ(record->snapshots.front().exposed, "");
}

TEST(RecordJson, EveryContextComesBack) {
  for (const auto context : {core::Context::Backup, core::Context::FileShareBackup,
                             core::Context::NasRollback, core::Context::AppRollback,
                             core::Context::ClientAccessible, core::Context::ClientAccessibleWriters}) {
    core::SetRecord record = test::sample_record();
    record.context = context;
    const auto read = set_record_from_json(to_json(record).value());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->context, context);
  }
}

TEST(RecordJson, ThePlaceOfTheFaultIsNamed) {
  struct Row {
    std::string pointer;
    Json value;
    std::string fault;
  };
  const std::vector<Row> rows = {
      {"/version", 2, "version: 2 is not known to this vssd"},
      {"/version", "1", "version: not a whole number of 0 or more"},
      {"/set_id", "x", "set_id: not a GUID"},
      {"/state", "frozen", "state: unknown state \"frozen\""},
      {"/context", "none", "context: unknown context"},
      {"/context", "all", "context: unknown context"},
      {"/client_time", -1, "client_time: not a whole number of 0 or more"},
      {"/client_time", 253402300800, "client_time: too large"},
      {"/snapshots/0/exposed", 1, "snapshots[0].exposed: not a string"},
      {"/created", -1, "created: not a whole number of 0 or more"},
      {"/created", 1.5, "created: not a whole number of 0 or more"},
      {"/snapshots_count", 4294967296, "snapshots_count: too large"},
      {"/snapshots", "none", "snapshots: not a list"},
      {"/snapshots/0", 1, "snapshots[0]: not an object"},
      {"/snapshots/0/volume/path", nullptr, "snapshots[0].volume.path: not a string"},
      {"/snapshots/0/volume/is_root", 0, "snapshots[0].volume.is_root: not true or false"},
      {"/snapshots/0/volume/depends_on/1", 5, "snapshots[0].volume.depends_on[1]: not a string"},
      {"/snapshots/0/hold_ms", "1", "snapshots[0].hold_ms: not a number"},
  };
  for (const Row& row : rows) {
    Json document = sample_document();
    document[Json::json_pointer(row.pointer)] = row.value;
    EXPECT_EQ(fault_of(document.dump()), row.fault) << row.pointer;
  }
}

TEST(RecordJson, WhatIsNoDocumentIsRefused) {
  EXPECT_EQ(fault_of(std::string(kMaxRecordSize + 1, ' ')), "larger than 1 MiB");
  EXPECT_EQ(fault_of(std::string(100'000, '[')), "nested too deep");
  EXPECT_EQ(fault_of("[]"), "the document: not an object");
  for (const std::string text : {"", "{", "{\"version\":1", "\xff\xfe", "nonsense"}) {
    EXPECT_NE(fault_of(text), "accepted") << text;
  }
  const std::string whole = to_json(test::sample_record()).value();
  for (std::size_t length = 0; length + 2 < whole.size(); length += 7) {
    EXPECT_NE(fault_of(whole.substr(0, length)), "accepted") << length;
  }
}

TEST(RecordJson, KeysOfANewerMinorVersionAreIgnored) {
  Json document = sample_document();
  document["colour"] = "green";
  EXPECT_TRUE(set_record_from_json(document.dump()));
}

TEST(RecordJson, WhatCannotBeWrittenIsRefused) {
  core::SetRecord record = test::sample_record();
  record.creator = "\xff";
  EXPECT_EQ(to_json(record).error().code, ErrorCode::InvalidArgument);
  record = test::sample_record();
  record.snapshots.front().hold_ms = std::numeric_limits<double>::infinity();
  EXPECT_EQ(to_json(record).error().code, ErrorCode::InvalidArgument);
  record = test::sample_record();
  record.creator.assign(kMaxRecordSize, 'x');
  EXPECT_EQ(to_json(record).error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace vss::system
