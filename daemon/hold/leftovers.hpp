// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What is done when vssd and vssd-hold are both gone: by vssd at its start, before anything else, and by
// `vssd-hold --release-leftovers` after the service has ended.

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/error.hpp"

namespace vss::hold {

struct LeftoverLimits {
  // For a vssd-hold that still lives to do its work; then it is killed if it still holds anything.
  std::chrono::milliseconds helper{2000};
  // For a system call that a dead vssd-hold is stuck in.
  std::chrono::milliseconds stuck{5000};
};

struct ReleasedSummary {
  std::size_t records = 0;             // found, of any age
  std::size_t in_use = 0;              // of them: of another vssd that lives; left to it
  std::vector<std::string> released;   // mount points, in this order
  std::vector<std::string> not_held;   // begun, but turned out not to be held
  std::vector<std::string> remaining;  // could not be released yet, with the reason; their record stays
};

// Releases what the records in `runtime_dir` say is held, each exactly once, and removes the records. `log`
// gets a line for everything that is done or found. A record of another process that still lives is in use:
// nothing of it is touched. Blocks, at most for the limits and a little. Any thread. Errors: the directory or
// a record cannot be read. A directory that does not exist has no records.
[[nodiscard]] core::Result<ReleasedSummary> release_leftovers(
    const std::filesystem::path& runtime_dir, const std::function<void(std::string_view)>& log,
    LeftoverLimits limits = {});

}  // namespace vss::hold
