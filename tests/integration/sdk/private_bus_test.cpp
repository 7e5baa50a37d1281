// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/private_bus.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/support/sdbus_compat.hpp"

namespace vss::test {
namespace {

TEST(PrivateBus, TheServiceNameIsToBeHadAndOtherNamesAreNot) {
  PrivateBus bus;
  setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address().c_str(), 1);
  auto connection = sdbus::createSystemBusConnection();
  connection->requestName(ServiceName("org.vssd.Vss1"));
  EXPECT_THROW(connection->requestName(ServiceName("org.vssd.Other")), sdbus::Error);
}

TEST(PrivateBus, ComesBackAtTheSameAddress) {
  PrivateBus bus;
  setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address().c_str(), 1);
  bus.stop();
  EXPECT_THROW((void)sdbus::createSystemBusConnection(), sdbus::Error);
  bus.start();
  EXPECT_NO_THROW((void)sdbus::createSystemBusConnection());
}

}  // namespace
}  // namespace vss::test
