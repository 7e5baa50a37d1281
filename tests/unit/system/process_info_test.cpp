// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/process_info.hpp"

#include <gtest/gtest.h>

#include <sys/prctl.h>
#include <unistd.h>

#include "tests/unit/system/awaited.hpp"

namespace vss::system {
namespace {

TEST(ProcessInfo, AProcessIsNamedWithoutControlCharacters) {
  ASSERT_EQ(::prctl(PR_SET_NAME, "a\nb\x1b[1m\xc3\xa4", 0, 0, 0), 0);
  asio::io_context context;
  ProcessFacts facts;
  const auto info = test::awaited(context, facts.query(::getpid()));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->command, "a?b?[1m??");
}

TEST(ProcessInfo, AProcessThatIsGoneIsNotFound) {
  asio::io_context context;
  ProcessFacts facts;
  const auto info = test::awaited(context, facts.query(0x7ffffffe));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code, ErrorCode::ObjectNotFound);
}

}  // namespace
}  // namespace vss::system
