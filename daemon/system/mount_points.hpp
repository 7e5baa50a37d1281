// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What is mounted at a directory, and taking it away again. Nothing inside of it is ever deleted.

#include <optional>
#include <string>

#include "daemon/core/error.hpp"

namespace vss::system {

// Whether the directory itself is the root of a mount; nothing if it does not exist.
[[nodiscard]] core::Result<std::optional<bool>> is_mount_root(const std::string& path);

// rmdir; one that is not there is success.
[[nodiscard]] core::Status remove_directory(const std::string& path);

// Unmounts whatever is mounted there; a busy mount is detached lazily.
[[nodiscard]] core::Status unmount_all(const std::string& path);

}  // namespace vss::system
