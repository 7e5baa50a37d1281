// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/mount_options.hpp"

#include <gtest/gtest.h>

#include <vector>

#include <sys/mount.h>

namespace vss::system {
namespace {

TEST(MountOptions, FlagsGoToTheKernelAndTheRestToTheFilesystem) {
  struct Row {
    std::string text;
    MountOptions options;
  };
  const std::vector<Row> rows = {
      {"", {0, ""}},
      {"ro", {0, ""}},
      {"bind", {MS_BIND, ""}},
      {"ro,nouuid,norecovery", {0, "nouuid,norecovery"}},
      {"noatime,subvol=/a b,noexec", {MS_NOATIME | MS_NOEXEC, "subvol=/a b"}},
      {",,rw,,x=1,", {0, "x=1"}},
  };
  for (const Row& row : rows) EXPECT_EQ(split_mount_options(row.text), row.options) << row.text;
}

}  // namespace
}  // namespace vss::system
