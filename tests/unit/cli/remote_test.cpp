// SPDX-License-Identifier: LGPL-2.1-or-later
// -H HOST: the bus comes through ssh (here a script of this name), and paths are those of the other machine.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/private_bus.hpp"
#include "tests/unit/cli/fake_vssd.hpp"
#include "tests/unit/cli/vssctl_process.hpp"

namespace vss::test {
namespace {

TEST(Remote, ComponentsAreSelectedByWhatTheOtherMachineSaysOfItsPaths) {
  const PrivateBus bus;
  ::setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address().c_str(), 1);
  const std::filesystem::path ssh = bus.directory() / "ssh";
  std::ofstream(ssh) << "#!/bin/sh\nexec " SYSTEMD_STDIO_BRIDGE " --bus-path=\"$DBUS_SYSTEM_BUS_ADDRESS\"\n";
  std::filesystem::permissions(ssh, std::filesystem::perms::owner_all);
  ::setenv("PATH", (bus.directory().string() + ":" + ::getenv("PATH")).c_str(), 1);

  Script script;
  script.volumes = {{"/far/srv", "/far/srv"}, {"/far/srv/data", "/far/srv"}};
  script.missing = {"/far/srv/data/not-yet"};
  script.writers = {writer_with_files("pg", {"/far/srv/data/not-yet"})};
  script.status = {writer_status("pg", "stable")};
  script.snapshots = {snapshot_of("/far/srv", "/run/vssd/snapshots/s/1")};
  CallLog log;
  const FakeVssd daemon(script, log);
  VssctlProcess process({"-H", "far.example", "create", "-v", "/far/srv", "-v", "/far/srv/data"});
  process.close_input();
  EXPECT_EQ(process.wait(), 0) << process.errors();
  EXPECT_THAT(log.all(), testing::IsSupersetOf({"IsVolumeSupported /far/srv/data/not-yet",
                                                "AddComponent pg-instance data", "Release"}));
  EXPECT_THAT(log.all(), testing::Contains("AddToSnapshotSet /far/srv").Times(1));
}

}  // namespace
}  // namespace vss::test
