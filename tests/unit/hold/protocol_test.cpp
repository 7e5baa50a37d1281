// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <array>
#include <vector>

#include "daemon/hold/protocol.hpp"

namespace vss::hold {
namespace {

class ProtocolTest : public testing::Test {
 protected:
  ProtocolTest() {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
      throw std::runtime_error("socketpair");
    here_ = core::UniqueFd(ends[0]);
    there_ = core::UniqueFd(ends[1]);
  }
  core::UniqueFd here_;
  core::UniqueFd there_;
};

Request arm() {
  Request request;
  request.kind = RequestKind::Arm;
  request.limit_ns = 5;
  return request;
}

TEST_F(ProtocolTest, MessagesArriveAsTheyWereSent) {
  Reply sent;
  sent.kind = ReplyKind::Released;
  sent.target = 7;
  sent.error = EINVAL;
  sent.too_late = 1;
  sent.held_ns = 1;
  sent.released_ns = INT64_MAX;
  ASSERT_TRUE(send_message(here_.get(), sent));
  Reply got;
  ASSERT_EQ(receive_message(there_.get(), got), Received::Message);
  EXPECT_EQ(got.kind, ReplyKind::Released);
  EXPECT_EQ(got.target, 7U);
  EXPECT_EQ(got.error, EINVAL);
  EXPECT_EQ(got.too_late, 1U);
  EXPECT_EQ(got.released_ns, INT64_MAX);
  EXPECT_EQ(receive_message(there_.get(), got), Received::Nothing);
}

TEST_F(ProtocolTest, WhatIsNoMessageIsMalformed) {
  Request got;
  for (const std::size_t size : {1UL, sizeof(Request) - 1, sizeof(Request) + 1, 4096UL}) {
    const std::vector<char> noise(size, 'x');
    ASSERT_EQ(send(here_.get(), noise.data(), noise.size(), 0), static_cast<ssize_t>(size));
    EXPECT_EQ(receive_message(there_.get(), got), Received::Malformed) << size;
  }
  Request wrong;
  wrong.magic = 1;
  ASSERT_TRUE(send_message(here_.get(), wrong));
  EXPECT_EQ(receive_message(there_.get(), got), Received::Malformed);
}

TEST_F(ProtocolTest, TheEndOfTheOtherSideIsSeenByBoth) {
  there_.reset();
  Request request;
  EXPECT_EQ(receive_message(here_.get(), request), Received::Closed);
  EXPECT_FALSE(send_message(here_.get(), request));
}

TEST_F(ProtocolTest, DescriptorsArriveInOrder) {
  const core::UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  const core::UniqueFd zero(open("/dev/zero", O_RDWR | O_CLOEXEC));
  const std::array fds{null.get(), zero.get()};
  ASSERT_TRUE(send_arm(here_.get(), arm(), fds));
  Request got;
  std::array<core::UniqueFd, kMostTargets + 1> received;
  ASSERT_EQ(receive_arm(there_.get(), got, received), 2);
  EXPECT_EQ(got.limit_ns, 5);
  for (std::size_t i = 0; i < fds.size(); ++i) {
    struct stat mine {};
    struct stat theirs {};
    ASSERT_EQ(fstat(fds[i], &mine), 0);
    ASSERT_EQ(fstat(received[i].get(), &theirs), 0);
    EXPECT_EQ(mine.st_rdev, theirs.st_rdev);
    EXPECT_NE(fcntl(received[i].get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(ProtocolTest, AsManyDescriptorsAsAWindowMayHaveFit) {
  const std::vector<int> all(kMostTargets + 1, here_.get());
  const std::vector<int> more(kMostTargets + 2, here_.get());
  EXPECT_FALSE(send_arm(here_.get(), arm(), more));
  EXPECT_FALSE(send_arm(here_.get(), arm(), {}));
  ASSERT_TRUE(send_arm(here_.get(), arm(), all));
  Request got;
  std::array<core::UniqueFd, kMostTargets + 1> received;
  EXPECT_EQ(receive_arm(there_.get(), got, received), static_cast<int>(kMostTargets + 1));
}

TEST_F(ProtocolTest, OnlyArmIsTakenAsTheFirstRequest) {
  Request finish;
  Request got;
  std::array<core::UniqueFd, kMostTargets + 1> received;
  ASSERT_TRUE(send_message(here_.get(), finish));
  EXPECT_EQ(receive_arm(there_.get(), got, received), -1);
  here_.reset();
  EXPECT_EQ(receive_arm(there_.get(), got, received), -1);
}

}  // namespace
}  // namespace vss::hold
