// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/notify.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/core/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

namespace vss::system {
namespace {

class NotifyTest : public testing::Test {
 protected:
  void SetUp() override {
    socket_ = core::UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const std::string path = (directory_.path() / "notify").string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  void TearDown() override { ::unsetenv("NOTIFY_SOCKET"); }
  [[nodiscard]] std::string received() const {
    std::array<char, 256> buffer{};
    const ssize_t length = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    return length < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(length));
  }

  test::TempDir directory_;
  core::UniqueFd socket_;
};

TEST_F(NotifyTest, SystemdIsTold) {
  notify_ready();
  EXPECT_EQ(received(), "READY=1");
  notify_status("1 set is being made\nREADY=1");
  EXPECT_EQ(received(), "STATUS=1 set is being made READY=1");
  notify_stopping();
  EXPECT_EQ(received(), "STOPPING=1");
}

TEST_F(NotifyTest, WithoutSystemdNothingHappens) {
  ::unsetenv("NOTIFY_SOCKET");
  notify_ready();
  EXPECT_EQ(received(), "nothing");
}

}  // namespace
}  // namespace vss::system
