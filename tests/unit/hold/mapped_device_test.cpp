// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/mapped_device.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>
#include <cerrno>

#include "daemon/hold/action.hpp"
#include "tests/unit/system/sysfs_fixture.hpp"

namespace vss::hold {
namespace {

TEST(MappedDevice, ItsNameComesFromItsNumberAndNotFromItsNode) {
  const test::SysfsFixture sysfs;
  sysfs.add_device("8:0", "sda");
  sysfs.add_mapped("253:3", "dm-3", "vg--one-lv--data", "sda");
  const auto name = mapped_device_name(253, 3, sysfs.root());
  ASSERT_TRUE(name) << name.error().message;
  EXPECT_EQ(*name, "vg--one-lv--data");
}

TEST(MappedDevice, WhatIsNoneOrIsNotThereCannotBeSuspended) {
  const test::SysfsFixture sysfs;
  sysfs.add_device("8:0", "sda");
  for (const unsigned minor : {0U, 1U}) {
    const auto name = mapped_device_name(8, minor, sysfs.root());
    ASSERT_FALSE(name);
    EXPECT_EQ(name.error().code, ErrorCode::NotSupported);
  }
}

TEST(MappedDevice, ANameThatTheIoctlCannotTakeIsAnError) {
  const test::SysfsFixture sysfs;
  sysfs.add_device("8:0", "sda");
  sysfs.add_mapped("253:0", "dm-0", std::string(128, 'x'), "sda");
  EXPECT_EQ(mapped_device_name(253, 0, sysfs.root()).error().code, ErrorCode::InvalidArgument);
}

TEST(MappedDevice, AnActionOnADescriptorThatIsNoDeviceMapperReportsTheErrno) {
  core::UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  HoldAction action(core::HoldAbility::Suspend, std::move(null), "vg-lv", makedev(253, 0));
  EXPECT_EQ(action.hold(), ENOTTY);
  EXPECT_EQ(action.release(), ENOTTY);
}

}  // namespace
}  // namespace vss::hold
