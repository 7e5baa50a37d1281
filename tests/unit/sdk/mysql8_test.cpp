// SPDX-License-Identifier: LGPL-2.1-or-later
// What the writer knows of MySQL, as its manual has it.
#include "writer-sdk/writers/mariadb/mysql8.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_dir.hpp"
#include "writer-sdk/writers/mariadb/server_layout.hpp"

namespace vss::mariadb::mysql8 {
namespace {

TEST(Mysql8, ThePositionIsInTheStatusOfTheLogs) {
  const auto position = position_of(
      R"({"gtid_executed": "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5", "binary_log_file": "binlog.000004",)"
      R"( "binary_log_position": 5000000000})");
  ASSERT_TRUE(position);
  EXPECT_EQ(position->file, "binlog.000004");
  EXPECT_EQ(position->offset, 5'000'000'000U);
  EXPECT_EQ(position->gtid, "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5");
  for (const char* none : {"{}", R"({"gtid_executed": "", "binary_log_file": "", "binary_log_position": 0})"})
    EXPECT_FALSE(position_of(none)) << none;
  for (const char* wrong : {"", "x", "[]", R"({"binary_log_file": 1})"})
    EXPECT_THROW((void)position_of(wrong), ServerError) << wrong;
}

TEST(Mysql8, AllIsAtRestForTablesWithoutTransactionsAndForAPositionWithoutGtids) {
  struct Row {
    const char* log_bin;
    const char* gtid_mode;
    const char* tables;
    bool needed;
  };
  constexpr Row kRows[] = {
      {"0", "OFF", "0", false}, {"0", "ON", "0", false},           {"1", "ON", "0", false},
      {"1", "OFF", "0", true},  {"1", "ON_PERMISSIVE", "0", true}, {"1", "OFF_PERMISSIVE", "0", true},
      {"0", "OFF", "1", true},  {"1", "ON", "17", true},
  };
  for (const Row& row : kRows)
    EXPECT_EQ(needs_all_at_rest(row.log_bin, row.gtid_mode, row.tables), row.needed)
        << row.log_bin << ' ' << row.gtid_mode << ' ' << row.tables;
}

TEST(Mysql8, DataFilesOutsideOfTheDataDirectoryArePlaces) {
  const test::TempDir directory;
  const std::filesystem::path root = std::filesystem::canonical(directory.path());
  std::filesystem::create_directories(root / "data");
  ServerLayout layout = layout_on_disk(root / "data");
  layout.logs = {root / "undo"};
  const std::string far = root / "far/shop";
  add_data_files(layout, {"./ibdata1", "./shop/item.ibd", far + "/a.ibd", far + "/b.ibd",
                          root / "undo/undo_003.ibu", "../beside/c.ibd"});
  EXPECT_THAT(layout.elsewhere, testing::ElementsAre(root / "beside", far, root / "undo"));
  EXPECT_THAT(layout.logs, testing::IsEmpty()) << "each place is named once";
}

}  // namespace
}  // namespace vss::mariadb::mysql8
