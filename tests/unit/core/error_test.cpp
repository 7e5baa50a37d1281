// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string_view>

namespace vss::core {
namespace {

TEST(Errors, EveryNameRoundTripsThroughTheBusName) {
  std::set<std::string_view> names;
#define VSS_ERROR(name, code, text)                                       \
  EXPECT_TRUE(names.insert(#name).second) << #name;                       \
  EXPECT_EQ(error_from_name(bus_name(ErrorCode::name)), ErrorCode::name); \
  EXPECT_EQ(error_from_name(#name), ErrorCode::name);                     \
  EXPECT_EQ(vss_code(ErrorCode::name), std::uint32_t{code});              \
  EXPECT_FALSE(description(ErrorCode::name).empty());
#include "dbus/error_names.def"
#undef VSS_ERROR
  EXPECT_FALSE(error_from_name("org.freedesktop.DBus.Error.NoReply"));
}

TEST(Errors, ContextComesFirstAndCleanUpNeverHidesTheCause) {
  const Error error = errno_error(ENOSPC, "write record")
                          .with_context("set 1")
                          .followed_by({ErrorCode::Unexpected, "unlink record: Input/output error"});
  EXPECT_EQ(error.code, ErrorCode::InsufficientStorage);
  EXPECT_EQ(error.message,
            "set 1: write record: No space left on device; then: unlink record: Input/output error");
}

}  // namespace
}  // namespace vss::core
