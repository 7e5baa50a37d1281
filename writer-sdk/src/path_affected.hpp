// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// On which volume a path lies.

#include <cstddef>
#include <string>
#include <vector>

namespace vss {

// Which of `volumes`, paths of mount points or subvolumes, carries a path; a path that does not exist yet
// counts as its nearest existing parent. Their number if none does, -1 and errno if that cannot be told.
[[nodiscard]] std::ptrdiff_t volume_of(const std::string& path, const std::vector<std::string>& volumes);

// The same where a volume that cannot be looked at carries nothing: -1 only if it is the path that cannot.
// `unseen`: why one could not, else 0.
[[nodiscard]] std::ptrdiff_t seen_volume_of(const std::string& path, const std::vector<std::string>& volumes,
                                            int& unseen);

}  // namespace vss
