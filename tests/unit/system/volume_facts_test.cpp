// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/volume_facts.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "daemon/core/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/system/awaited.hpp"

namespace vss::system {
namespace {
using namespace std::chrono_literals;

constexpr auto kOneRoot = "20 1 0:20 / / rw - tmpfs tmpfs rw\n";

// Opening a FIFO that nobody writes to hangs as a dead disk does, and can be ended.
TEST(SystemVolumes, OneThatHangsDoesNotBlockTheOthers) {
  const test::TempDir directory;
  const std::string mountinfo = (directory.path() / "mountinfo").string();
  const std::string stuck = (directory.path() / "stuck").string();
  asio::io_context context;
  SystemVolumes volumes({mountinfo, directory.path().string(), "/run/vssd"}, 200ms);

  ASSERT_EQ(::mkfifo(mountinfo.c_str(), 0600), 0);
  const auto late = test::awaited(context, volumes.list());
  std::filesystem::rename(mountinfo, stuck);
  std::ofstream(mountinfo) << kOneRoot;
  const auto next = test::awaited(context, volumes.list());
  const core::UniqueFd writer(::open(stuck.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));

  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::Unexpected);
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_TRUE(next->empty());
  EXPECT_TRUE(writer) << "the first call does not hang any more";
}

// The network may be dead: nothing below such a mount is looked at.
TEST(SystemVolumes, PathsOnNetworkFilesystemsAreRefusedUnseen) {
  const test::TempDir directory;
  const std::string mountinfo = (directory.path() / "mountinfo").string();
  std::ofstream(mountinfo) << kOneRoot << "21 20 0:21 / /net rw - nfs4 host:/ rw\n"
                           << "22 20 0:22 / /user rw - fuse.sshfs host:/ rw\n";
  asio::io_context context;
  SystemVolumes volumes({mountinfo, directory.path().string(), "/run/vssd"});
  for (const std::string path : {"/net/does/not/exist", "/user/does/not/exist"}) {
    const auto volume = test::awaited(context, volumes.resolve(path));
    ASSERT_FALSE(volume);
    EXPECT_EQ(volume.error().code, ErrorCode::VolumeNotSupported) << volume.error().message;
  }
}

}  // namespace
}  // namespace vss::system
