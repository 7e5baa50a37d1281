// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>

#include "writer-sdk/common/unique_fd.hpp"

namespace vss::writers {

// Makes it, and has it for this process as long as the result is kept: two writers with one record would thaw
// what the other one has frozen. Throws std::system_error, also when another process has it.
[[nodiscard]] UniqueFd take_runtime_directory(const std::filesystem::path& directory);

}  // namespace vss::writers
