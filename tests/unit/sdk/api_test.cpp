// SPDX-License-Identifier: LGPL-2.1-or-later
// The C interface without a bus: arguments, documents, helpers of a session.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vss/writer.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tests/support/temp_dir.hpp"
#include "writer-sdk/src/metadata.hpp"
#include "writer-sdk/src/session.hpp"
#include "writer-sdk/src/text.hpp"

namespace vss {
namespace {

constexpr const char* kClassId = "0E3C7F6A-1111-4222-8333-444455556666";

struct Writer {
  Writer() {
    config.name = "w";
    config.class_id = kClassId;
  }
  ~Writer() { vss_writer_free(writer); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  int create() { return vss_writer_create(&config, &callbacks, nullptr, &writer); }
  vss_writer_config config = VSS_WRITER_CONFIG_INIT;
  vss_writer_callbacks callbacks = VSS_WRITER_CALLBACKS_INIT;
  vss_writer* writer = nullptr;
};

TEST(WriterCreate, ChecksItsConfiguration) {
  struct Row {
    std::function<void(vss_writer_config&)> change;
    int status;
  };
  const std::vector<Row> rows = {
      {[](auto&) {}, VSS_OK},
      {[](auto& c) { c.name = nullptr; }, VSS_ERR_INVALID_ARGUMENT},
      {[](auto& c) { c.name = "\xff"; }, VSS_ERR_INVALID_ARGUMENT},
      {[](auto& c) { c.class_id = "nope"; }, VSS_ERR_INVALID_ARGUMENT},
      {[](auto& c) { c.freeze_timeout_ms = 60000; }, VSS_OK},
      {[](auto& c) { c.freeze_timeout_ms = 60001; }, VSS_ERR_INVALID_ARGUMENT},
      {[](auto& c) { c.flags = 4; }, VSS_ERR_INVALID_ARGUMENT},
      {[](auto& c) { c.level = static_cast<vss_level>(3); }, VSS_ERR_INVALID_ARGUMENT},
      {[](auto& c) { c.struct_size = 0; }, VSS_ERR_INVALID_ARGUMENT},
      {[](auto& c) { c.struct_size = offsetof(vss_writer_config, instance_name); }, VSS_OK},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Writer writer;
    rows[i].change(writer.config);
    EXPECT_EQ(writer.create(), rows[i].status) << "row " << i;
    EXPECT_EQ(writer.writer != nullptr, rows[i].status == VSS_OK);
  }
}

TEST(WriterCreate, ALoopOfItsOwnHasNoDescriptor) {
  Writer writer;
  ASSERT_EQ(writer.create(), VSS_OK);
  EXPECT_EQ(vss_writer_get_fd(writer.writer), VSS_ERR_BAD_STATE);
  EXPECT_EQ(vss_writer_dispatch(writer.writer), VSS_ERR_BAD_STATE);
  EXPECT_EQ(vss_writer_stop(writer.writer), VSS_OK);
  EXPECT_EQ(vss_writer_start(writer.writer), VSS_ERR_BAD_STATE);
}

TEST(Metadata, ChecksWhatIsAdded) {
  vss_metadata metadata(WriterConfig{});
  EXPECT_EQ(vss_metadata_add_component(&metadata, VSS_COMPONENT_DATABASE, "a", "b", nullptr, 0), VSS_OK);
  EXPECT_EQ(vss_metadata_add_component(&metadata, VSS_COMPONENT_FILEGROUP, "a", "b", "", 0),
            VSS_ERR_ALREADY_EXISTS);
  EXPECT_EQ(vss_metadata_add_component(&metadata, VSS_COMPONENT_FILEGROUP, "", "b", "", 0), VSS_OK);
  EXPECT_EQ(vss_metadata_add_component(&metadata, VSS_COMPONENT_FILEGROUP, "", "", "", 0),
            VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(vss_metadata_add_component(&metadata, VSS_COMPONENT_FILEGROUP, "", "c", "", 8),
            VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(vss_metadata_add_files(&metadata, "a", "b", "/srv", "*", 1), VSS_OK);
  EXPECT_EQ(vss_metadata_add_files(&metadata, "a", "x", "/srv", "*", 1), VSS_ERR_NOT_FOUND);
  EXPECT_EQ(vss_metadata_add_files(&metadata, "a", "b", "srv", "*", 1), VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(vss_metadata_add_files(&metadata, "a", "b", "/srv", "a/b", 1), VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(vss_metadata_add_exclude(&metadata, "/srv/\xff", "*", 1), VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(
      vss_metadata_set_restore_method(&metadata, "custom", nullptr, nullptr, VSS_WRITER_RESTORE_ALWAYS, 0),
      VSS_OK);
  EXPECT_EQ(
      vss_metadata_set_restore_method(&metadata, "magic", nullptr, nullptr, VSS_WRITER_RESTORE_ALWAYS, 0),
      VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(vss_metadata_add_exclude(nullptr, "/srv", "*", 1), VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(metadata.document["components"].size(), 2U);
  EXPECT_EQ(metadata.document["restore_method"]["writer_restore"], "always");
}

TEST(Metadata, BelongsToTheThreadOfItsHandler) {
  vss_metadata metadata(WriterConfig{});
  std::thread([&] { EXPECT_EQ(vss_metadata_fail(&metadata, "no"), VSS_ERR_BAD_STATE); }).join();
}

TEST(Session, FailTakesKnownCodesOnItsOwnThread) {
  const SessionTable::Session data;
  vss_session session{Event::Freeze, data};
  EXPECT_EQ(vss_fail(&session, static_cast<vss_writer_error>(0), 0, "x"), VSS_ERR_INVALID_ARGUMENT);
  std::thread([&] { EXPECT_EQ(vss_fail(&session, VSS_E_WRITER_TIMEOUT, 0, "x"), VSS_ERR_BAD_STATE); }).join();
  EXPECT_FALSE(session.failure);
  EXPECT_EQ(vss_fail(&session, VSS_E_WRITER_TIMEOUT, 3, nullptr), VSS_OK);
  EXPECT_EQ(session.failure->code, ErrorCode::WriterTimeout);
}

TEST(Session, SetIdsAreToBeHadInTheirEventsOnly) {
  const SessionTable::Session data;
  for (int i = 0; i < static_cast<int>(kEventCount); ++i) {
    const auto event = static_cast<Event>(i);
    const vss_session session{event, data};
    const bool current = event == Event::Freeze || event == Event::Thaw || event == Event::PostSnapshot;
    const char* id = nullptr;
    EXPECT_EQ(vss_session_set_id(&session, &id), current ? VSS_OK : VSS_ERR_BAD_STATE) << to_string(event);
    EXPECT_EQ(vss_shutdown_set_id(&session, &id),
              event == Event::BackupShutdown ? VSS_OK : VSS_ERR_BAD_STATE);
    EXPECT_EQ(vss_snapshot_path(&session, "/", &id),
              event == Event::PostSnapshot ? VSS_ERR_NOT_FOUND : VSS_ERR_BAD_STATE);
  }
}

TEST(Session, APathIsAffectedByTheVolumeItLiesOn) {
  const test::TempDir directory;
  SessionTable::Session data;
  data.known.volumes = {{directory.path().string()}};
  const vss_session session{Event::Freeze, data};
  EXPECT_EQ(vss_is_path_affected(&session, directory.path().c_str()), 1);
  EXPECT_EQ(vss_is_path_affected(&session, (directory.path() / "not/yet/there").c_str()), 1);
  EXPECT_EQ(vss_is_path_affected(&session, "/proc/version"), 0);
  EXPECT_EQ(vss_is_path_affected(&session, "relative"), VSS_ERR_INVALID_ARGUMENT);
  data.known.volumes = {{(directory.path() / "gone").string()}};
  EXPECT_EQ(vss_is_path_affected(&session, "/"), VSS_ERR_SYSTEM);
  data.known.volumes->push_back("/");
  EXPECT_EQ(vss_is_path_affected(&session, "/"), 1) << "a volume that is found decides";
}

TEST(Text, WhatCrossesTheBusIsUtf8AndOfBoundedSize) {
  EXPECT_EQ(to_message("a\xff"
                       "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_LE(to_message(std::string(kMessageLimit - 1, 'x') + "\xC3\xA4").size(), kMessageLimit);
  EXPECT_TRUE(is_utf8(to_message(std::string(kMessageLimit - 1, 'x') + "\xC3\xA4")));
}

TEST(StrError, KnowsEveryCode) {
  for (int code = VSS_ERR_SYSTEM; code <= VSS_E_WRITER_PARTIAL_FAILURE; ++code) {
    EXPECT_STRNE(vss_strerror(code), "unknown code") << code;
  }
  EXPECT_STREQ(vss_strerror(1000), "unknown code");
}

}  // namespace
}  // namespace vss
