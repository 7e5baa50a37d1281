// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/volume_group_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/lvm/lvm.hpp"
#include "tests/support/wait_until.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class VolumeGroupLocks : public testing::Test {
 protected:
  VolumeGroupLocks() {
    std::string name = std::filesystem::temp_directory_path() / "vssd-locks-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    directory = name;
  }
  ~VolumeGroupLocks() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  std::string error_of_lock(const std::string& in) {
    try {
      const VolumeGroupLock lock(in, "data", Patience::of(0ms));
    } catch (const ProviderError& error) {
      EXPECT_EQ(error.status(), VSS_PROVIDER_E_VETO);
      return error.what();
    }
    return "";
  }

  std::string directory;
};

TEST_F(VolumeGroupLocks, OneIsWhereLvmHasIts) {
  {
    const VolumeGroupLock lock(directory, "data", Patience::of(0ms));
    EXPECT_TRUE(std::filesystem::exists(directory + "/V_data"));
    EXPECT_THAT(error_of_lock(directory), HasSubstr("data is locked"));
    EXPECT_EQ(lock_holder(directory, "data"), "") << "it is ours";
  }
  EXPECT_EQ(error_of_lock(directory), "");
}

TEST_F(VolumeGroupLocks, WithoutTheirDirectoryThereIsNone) {
  EXPECT_THAT(error_of_lock(""), HasSubstr("locking_dir"));
  EXPECT_EQ(lock_holder("", "data"), "");
}

// What a killed lvm has begun is not put right under it, and it is reaped when it has gone.
TEST_F(VolumeGroupLocks, OneThatAKilledLvmStillHasIsNotOurs) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  std::string holder;
  CommandProcess process(VSS_FAKE_VSSD_LVM,
                         [&](const std::string&) { holder = lock_holder(directory, "data"); });
  const VolumeGroupLock lock(directory, "data", Patience::of(0ms));
  try {
    const CommandResult result = process.run({"linger"}, Patience::of(500ms), read_end.get());
    FAIL() << result.message();
  } catch (const ProviderError& error) {
    EXPECT_THAT(error.what(), HasSubstr("was killed"));
  }
  EXPECT_THAT(holder, HasSubstr("does not end"));
  EXPECT_TRUE(one_outlives_its_end());
  write_end.reset();
  EXPECT_TRUE(test::wait_until([] { return !one_outlives_its_end(); }, 20s));
  EXPECT_EQ(lock_holder(directory, "data"), "");
}

TEST(CommandTerms, CommandsWithOneEndHaveItTogether) {
  const auto end = std::chrono::steady_clock::now() + 5s;
  Terms terms{8s, {}, end};
  EXPECT_EQ(terms.patience().deadline, end);
  terms.limit = 10ms;
  EXPECT_LT(terms.patience().deadline, end);
}

}  // namespace
}  // namespace vss::lvm
