// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>
#include <string>

#include "daemon/core/error.hpp"

namespace vss::hold {

// The device-mapper name of a block device, from <sysfs>/dev/block/<major>:<minor>/dm/name: what the suspend
// ioctl wants, and not always the last part of a node's path. Errors: NotSupported (no mapped device),
// InvalidArgument (a name longer than the ioctl takes).
[[nodiscard]] core::Result<std::string> mapped_device_name(unsigned major, unsigned minor,
                                                           const std::filesystem::path& sysfs = "/sys");

}  // namespace vss::hold
