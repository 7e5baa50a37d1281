// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/mapped_device.hpp"

#include <linux/dm-ioctl.h>
#include <fstream>

namespace vss::hold {

core::Result<std::string> mapped_device_name(unsigned major, unsigned minor,
                                             const std::filesystem::path& sysfs) {
  const std::string number = std::to_string(major) + ":" + std::to_string(minor);
  std::ifstream file(sysfs / "dev/block" / number / "dm/name");
  std::string name;
  if (!std::getline(file, name) || name.empty())
    return core::fail(ErrorCode::NotSupported,
                      "block device " + number + " cannot be suspended: it is not a mapped device");
  if (name.size() >= DM_NAME_LEN)
    return core::fail(ErrorCode::InvalidArgument, "the name of mapped device " + number + " is too long");
  return name;
}

}  // namespace vss::hold
