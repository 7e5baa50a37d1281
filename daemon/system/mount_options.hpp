// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

namespace vss::system {

// The options of a mount, as mount(2) takes them.
struct MountOptions {
  unsigned long flags = 0;  // MS_*
  std::string data;         // for the filesystem
  bool operator==(const MountOptions&) const = default;
};

// Splits "ro,noatime,nouuid" into flags and data. Which mode the mount gets is said apart: "ro" and "rw" are
// dropped.
[[nodiscard]] MountOptions split_mount_options(std::string_view options);

}  // namespace vss::system
