// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "daemon/core/error.hpp"
#include "daemon/core/unique_fd.hpp"

namespace vss::system {

// Makes a directory (with the parents that are missing) or takes the one that is there, gives it exactly this
// mode, and opens it. Errors: what is there is a link or no directory, or belongs to somebody else.
[[nodiscard]] core::Result<core::UniqueFd> make_directory(const std::string& path, mode_t mode);

// The names in a directory; none if there is no such directory. What else fails is logged.
[[nodiscard]] std::vector<std::string> names_in(const std::string& path);

}  // namespace vss::system
