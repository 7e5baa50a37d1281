// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/kernel_ability.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace vss::lvm {
namespace {

TEST(KernelAbility, FreezesNestWhereBlockDevicesAskTheirHolder) {
  const test::TempDir directory;
  const std::string file = directory.path() / "kallsyms";
  std::ofstream(file) << "0000000000000000 t freeze_bdev\n0000000000000000 t fs_bdev_freeze\n";
  EXPECT_TRUE(kernel_nests_freezes(file));
  std::ofstream(file) << "0000000000000000 t freeze_bdev\n0000000000000000 t other_fs_bdev_freeze_x\n";
  EXPECT_FALSE(kernel_nests_freezes(file));
  EXPECT_FALSE(kernel_nests_freezes(directory.path() / "none"));
}

TEST(KernelAbility, TheRootFilesystemCarriesTheSystem) {
  EXPECT_TRUE(carries_the_system("/", "/usr/bin/env"));
  EXPECT_FALSE(carries_the_system("/proc", "/usr/bin/env"));
  EXPECT_TRUE(carries_the_system("/nonexistent", "/usr/bin/env"));  // in doubt it is never suspended
}

}  // namespace
}  // namespace vss::lvm
