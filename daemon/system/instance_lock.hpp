// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One vssd per runtime directory: a second one would clear away what the first is working on.

#include <string>

#include "daemon/core/error.hpp"
#include "daemon/core/unique_fd.hpp"

namespace vss::system {

// Takes <runtime_dir>/lock; it is free again when the descriptor is closed, also by the end of the process.
// Errors: ObjectAlreadyExists if another process has it, or what opening says.
[[nodiscard]] core::Result<core::UniqueFd> take_instance_lock(const std::string& runtime_dir);

}  // namespace vss::system
