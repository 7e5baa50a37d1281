// SPDX-License-Identifier: LGPL-2.1-or-later
// The C interface without a bus: arguments, documents, helpers of a session.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vss/writer.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "tests/support/temp_dir.hpp"
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
      {[](auto& c) { c.subscribe = VSS_SUBSCRIBE_RESTORE; }, VSS_OK},
      {[](auto& c) { c.subscribe = 1; }, VSS_ERR_INVALID_ARGUMENT},
      {[](auto& c) { c.usage = static_cast<vss_usage>(5); }, VSS_ERR_INVALID_ARGUMENT},
      {[](auto& c) { c.source = VSS_SOURCE_OTHER; }, VSS_OK},
      {[](auto& c) { c.reserved = 0xFFFFFFFF; }, VSS_OK},
      {[](auto& c) { c.struct_size = 0; }, VSS_ERR_INVALID_ARGUMENT},
      // The first edition of the structure: what it had as padding is not read.
      {[](auto& c) {
         c.reserved = 7, c.subscribe = 1, c.struct_size = offsetof(vss_writer_config, subscribe);
       },
       VSS_OK},
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

TEST(Session, FailTakesKnownCodesOnItsOwnThread) {
  const SessionTable::Session data;
  vss_session session{Event::Freeze, data};
  EXPECT_EQ(vss_fail(&session, static_cast<vss_writer_error>(0), 0, "x"), VSS_ERR_INVALID_ARGUMENT);
  std::thread([&] { EXPECT_EQ(vss_fail(&session, VSS_E_WRITER_TIMEOUT, 0, "x"), VSS_ERR_BAD_STATE); }).join();
  EXPECT_FALSE(session.failure);
  EXPECT_EQ(vss_fail(&session, VSS_E_WRITER_TIMEOUT, 3, nullptr), VSS_OK);
  EXPECT_EQ(session.failure->code, ErrorCode::WriterTimeout);
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

TEST(Session, OfSeveralPathsItIsToldWhichAreAffected) {
  const test::TempDir directory;
  SessionTable::Session data;
  data.known.volumes = {{directory.path().string(), (directory.path() / "gone").string()}};
  const vss_session session{Event::PrepareForBackup, data};
  const std::string here = directory.path() / "not-yet";
  const std::vector<const char*> paths{here.c_str(), "/proc/version", directory.path().c_str()};
  std::vector<int> affected(3, -1);
  EXPECT_EQ(vss_affected_paths(&session, paths.data(), paths.size(), affected.data()), 2)
      << "a volume that cannot be looked at is none of theirs";
  EXPECT_EQ(affected, (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(vss_affected_paths(&session, nullptr, 0, nullptr), 0);

  const std::vector<int> before = affected;
  const std::vector<const char*> relative{here.c_str(), "relative"};
  const std::string too_long = "/" + std::string(5000, 'x');
  const std::vector<const char*> unseen{here.c_str(), too_long.c_str()};
  EXPECT_EQ(vss_affected_paths(&session, relative.data(), 2, affected.data()), VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(vss_affected_paths(&session, paths.data(), 3, nullptr), VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(vss_affected_paths(&session, nullptr, 1, affected.data()), VSS_ERR_INVALID_ARGUMENT);
  EXPECT_EQ(vss_affected_paths(&session, unseen.data(), 2, affected.data()), VSS_ERR_SYSTEM);
  EXPECT_EQ(affected, before) << "an error writes nothing";

  data.known.volumes.reset();
  EXPECT_EQ(vss_affected_paths(&session, paths.data(), paths.size(), affected.data()), 0);
}

TEST(Session, PathsAreOneInstantIfTheirVolumesAreListedTogether) {
  const test::TempDir directory;
  SessionTable::Session data;
  data.known.volumes = {{directory.path().string(), "/proc", "/sys"}};
  data.known.instants = {{{directory.path().string(), "/proc"}, {"/sys"}}};
  const std::string here = directory.path() / "not-yet";
  struct Case {
    std::vector<const char*> paths;
    int answer;
  };
  const Case cases[] = {
      {{}, 1},
      {{here.c_str(), "/proc/version"}, 1},
      {{"/sys/kernel", "/sys"}, 1},
      {{here.c_str(), "/sys/kernel"}, 0},
      {{here.c_str(), "/proc", "/sys"}, 0},
      {{here.c_str(), "/dev/null"}, VSS_ERR_NOT_FOUND},
      {{here.c_str(), "relative"}, VSS_ERR_INVALID_ARGUMENT},
      {{nullptr}, VSS_ERR_INVALID_ARGUMENT},
  };
  const vss_session session{Event::PrepareForSnapshot, data};
  for (const Case& rule : cases) {
    EXPECT_EQ(vss_is_one_instant(&session, rule.paths.data(), rule.paths.size()), rule.answer)
        << testing::PrintToString(rule.paths.size());
  }
  EXPECT_EQ(vss_is_one_instant(&session, nullptr, 1), VSS_ERR_INVALID_ARGUMENT);

  data.known.instants.reset();  // an older vssd, or volumes that were captured apart
  const std::vector<const char*> two{here.c_str(), "/proc"};
  EXPECT_EQ(vss_is_one_instant(&session, two.data(), 2), 0);
  EXPECT_EQ(vss_is_one_instant(&session, two.data(), 1), 1) << "one volume";
}

TEST(Text, WhatCrossesTheBusIsUtf8AndOfBoundedSize) {
  EXPECT_EQ(to_message("a\xff"
                       "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_LE(to_message(std::string(kMessageLimit - 1, 'x') + "\xC3\xA4").size(), kMessageLimit);
  EXPECT_TRUE(is_utf8(to_message(std::string(kMessageLimit - 1, 'x') + "\xC3\xA4")));
}

TEST(Text, RangesAreOffsetsAndLengthsOf64Bits) {
  for (const char* good : {"0:1", "0x0:0X10", "0:1, 2:3 ,4:5", "18446744073709551615:0"}) {
    EXPECT_TRUE(is_ranges(good)) << good;
  }
  for (const char* bad : {"", ",", "0", "0:", ":1", "0:1,", "0:1;2:3", "0:1:2", "+1:2", "0x:1", "0 1:2",
                          "a:b", "18446744073709551616:0"}) {
    EXPECT_FALSE(is_ranges(bad)) << bad;
  }
}

TEST(StrError, KnowsEveryCode) {
  for (int code = VSS_ERR_SYSTEM; code <= VSS_E_WRITER_PARTIAL_FAILURE; ++code) {
    EXPECT_STRNE(vss_strerror(code), "unknown code") << code;
  }
  EXPECT_STREQ(vss_strerror(1000), "unknown code");
}

}  // namespace
}  // namespace vss
