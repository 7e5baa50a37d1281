// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What a filesystem says about itself through an open directory of it. May block on its disk.

#include <cstdint>
#include <string>

#include "daemon/core/error.hpp"
#include "daemon/system/mount_table.hpp"

namespace vss::system {

// The id of a btrfs in text form.
[[nodiscard]] core::Result<std::string> btrfs_fsid(int directory);
[[nodiscard]] core::Result<std::uint64_t> btrfs_subvolume_id(int directory);

// Topology::FsidReader of the running system: asks through any mount of the filesystem that can be reached.
[[nodiscard]] std::string read_fsid(const MountTable& table, const Mount& mount);

// The filesystem's UUID: from the kernel, or from the superblock on `device` ("" = do not read the device).
// "" if it has none.
[[nodiscard]] std::string filesystem_uuid(int directory, const std::string& device);

}  // namespace vss::system
