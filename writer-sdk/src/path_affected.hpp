// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace vss {

// 1 if `path`, or its nearest existing parent, is on the filesystem of one of the volumes; 0 if not; -1:
// errno. The device number decides: each btrfs subvolume has its own.
[[nodiscard]] int is_path_affected(const std::string& path, const std::vector<std::string>& volumes);

}  // namespace vss
