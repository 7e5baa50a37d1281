// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/file_catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include <sys/stat.h>

#include "daemon/system/record_json.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/system/awaited.hpp"
#include "tests/unit/system/sample_record.hpp"

namespace vss::system {
namespace {
namespace fs = std::filesystem;
using test::awaited;

class FileCatalogueTest : public testing::Test {
 protected:
  [[nodiscard]] fs::path sets() const { return state_dir_ / "sets"; }
  void put(const std::string& name, const std::string& text) const { std::ofstream(sets() / name) << text; }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(sets())) found.insert(entry.path().filename().string());
    return found;
  }
  std::vector<core::SetRecord> loaded() { return awaited(context_, catalogue_.load()).value(); }

  test::TempDir directory_;
  fs::path state_dir_ = directory_.path() / "lib" / "state";
  asio::io_context context_;
  FileCatalogue catalogue_{state_dir_.string()};
};

TEST_F(FileCatalogueTest, WhatIsStoredIsLoadedByTheNextDaemon) {
  core::SetRecord record = test::sample_record();
  ASSERT_TRUE(awaited(context_, catalogue_.store(record)));
  record.state = core::SetState::Created;
  ASSERT_TRUE(awaited(context_, catalogue_.store(record)));
  EXPECT_EQ(names(), std::set<std::string>{record.set_id.str() + ".json"});

  FileCatalogue next(state_dir_.string());
  const auto records = awaited(context_, next.load()).value();
  ASSERT_EQ(records.size(), 1U);
  test::expect_equal(records.front(), record);

  ASSERT_TRUE(awaited(context_, next.erase(record.set_id)));
  ASSERT_TRUE(awaited(context_, next.erase(record.set_id)));
  EXPECT_TRUE(loaded().empty());
}

TEST_F(FileCatalogueTest, OnlyRootReadsIt) {
  fs::create_directories(state_dir_);
  fs::permissions(state_dir_, fs::perms::all);
  ASSERT_TRUE(awaited(context_, catalogue_.store(test::sample_record())));
  for (const fs::path& path : {state_dir_, sets()}) {
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all) << path;
  }
  for (const auto& entry : fs::directory_iterator(sets())) {
    EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write);
  }
}

TEST_F(FileCatalogueTest, WhatCannotBeReadIsSetAsideAndTheRestIsLoaded) {
  const core::SetRecord good = test::sample_record();
  ASSERT_TRUE(awaited(context_, catalogue_.store(good)));
  const std::string text = to_json(good).value();
  std::string newer = text;
  newer.replace(newer.find("\"version\": 1"), 12, "\"version\": 9");
  const std::string other = core::Guid::random().str() + ".json";
  put("empty.json", "");
  put("notes.txt", "remember the milk");
  put(other, text);  // the record of another set
  put("newer.json", newer);
  put("newer.json.bad", "an older one");
  fs::create_directory(sets() / "directory.json");
  fs::create_symlink("/etc/hostname", sets() / "link.json");
  put("torn.json.tmp", "{\"version\"");

  EXPECT_EQ(loaded().size(), 1U);
  EXPECT_THAT(names(), testing::UnorderedElementsAre(
                           good.set_id.str() + ".json", "empty.json.bad", "notes.txt.bad", other + ".bad",
                           "newer.json.bad", "newer.json.1.bad", "directory.json.bad", "link.json.bad"));
  EXPECT_EQ(loaded().size(), 1U);
}

TEST_F(FileCatalogueTest, ARecordThatCannotBeWrittenLeavesTheOldOne) {
  core::SetRecord record = test::sample_record();
  ASSERT_TRUE(awaited(context_, catalogue_.store(record)));
  // The temporary file cannot be made: a directory is in its place.
  fs::create_directory(sets() / (record.set_id.str() + ".json.tmp"));
  record.state = core::SetState::Created;
  const auto failed = awaited(context_, catalogue_.store(record));
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find(record.set_id.str()), std::string::npos);
  EXPECT_EQ(loaded().front().state, core::SetState::Deleting);
}

TEST_F(FileCatalogueTest, AStateDirectoryThatIsALinkIsRefused) {
  fs::create_directories(state_dir_.parent_path());
  fs::create_directory(directory_.path() / "elsewhere");
  fs::create_directory_symlink(directory_.path() / "elsewhere", state_dir_);
  EXPECT_FALSE(awaited(context_, catalogue_.store(test::sample_record())));
  EXPECT_FALSE(awaited(context_, catalogue_.load()));
}

}  // namespace
}  // namespace vss::system
