// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A mounted snapshot shown once more at another directory, without the mode in between that a bind mount has
// before it is mounted again read-only, and at the very directory that was looked at.

#include <string>

#include <sys/types.h>

#include "daemon/core/error.hpp"
#include "daemon/core/unique_fd.hpp"

namespace vss::system {

// Which directory a file descriptor or a mount shows.
struct DirectoryIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const DirectoryIdentity&) const = default;
};

// A copy of a mount that is not mounted anywhere yet: read-only, nosuid, nodev, its own propagation.
struct DetachedMount {
  core::UniqueFd fd;
  DirectoryIdentity identity;
};
[[nodiscard]] core::Result<DetachedMount> copy_mount(const std::string& source);

// Mounts it at an open directory; `target` names that in errors.
[[nodiscard]] core::Status attach_mount(const DetachedMount& mount, const core::UniqueFd& directory,
                                        const std::string& target);

}  // namespace vss::system
