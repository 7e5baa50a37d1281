// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The filesystem that a backing file lies on. Thread rule: no shared state.

#include <optional>
#include <string>

namespace vss::image {

struct HostFilesystem {
  std::string mount_point;
  std::string type;
  std::string uuid;  // "" if it has none
};

// Of the mount that this path is reached through. Throws ProviderError VETO if there is none, or
// std::system_error.
[[nodiscard]] HostFilesystem host_of(const std::string& path);

// Whether files of the filesystem can share blocks: tried out with two files without names.
// Throws std::system_error when that cannot be told (read-only, no space).
[[nodiscard]] bool can_share_blocks(const std::string& mount_point);

}  // namespace vss::image
