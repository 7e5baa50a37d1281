// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Snapshots at mount points that somebody chose. Such a mount is known by a mark in <runtime-dir>/exposed, so
// that a later run of vssd knows it as well, and what somebody else has mounted there is never unmounted. All
// of it may block for as long as the mount point's filesystem does.

#include <string>

#include "daemon/core/error.hpp"
#include "daemon/core/guid.hpp"

namespace vss::system {

// The contract of these is that of core::Mounter: find_mount_point(), expose(), unexpose().
[[nodiscard]] core::Result<std::string> find_exposure(const std::string& runtime_dir,
                                                      const std::string& path);
[[nodiscard]] core::Status mount_exposure(const std::string& runtime_dir, const core::Guid& snapshot,
                                          const std::string& source, const std::string& target);
[[nodiscard]] core::Status unmount_exposure(const std::string& runtime_dir, const core::Guid& snapshot,
                                            const std::string& target, bool force);

}  // namespace vss::system
