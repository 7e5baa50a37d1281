// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Block devices and what they stand on, as sysfs shows them. Nothing here touches a device.

#include <string>
#include <vector>

#include <sys/types.h>

namespace vss::system {

class BlockDevices {
 public:
  // `sysfs`: "/sys", or a directory with the same layout.
  explicit BlockDevices(std::string sysfs) : sysfs_(std::move(sysfs)) {}

  // The directories in sysfs of the device with this number, or of all devices of a btrfs. Empty if unknown.
  [[nodiscard]] std::vector<std::string> of_number(dev_t number) const;
  [[nodiscard]] std::vector<std::string> of_btrfs(const std::string& fsid) const;

  // The node of a device: /dev/mapper/<name> for device-mapper, /dev/<name> otherwise.
  [[nodiscard]] static std::string node(const std::string& directory);
  // The files behind the loop devices that these devices are or stand on, through partitions, device-mapper
  // and md.
  [[nodiscard]] static std::vector<std::string> backing_files(const std::vector<std::string>& directories);
  // One of these devices, or of those they stand on, is suspended: whoever reads from it waits.
  [[nodiscard]] static bool is_suspended(const std::vector<std::string>& directories);

 private:
  std::string sysfs_;
};

}  // namespace vss::system
