// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// How much of a btrfs the snapshots of a volume hold, from the quota tree: only with quotas does the
// filesystem know.

#include <string>

#include "vss/provider_module.hpp"

namespace vss::btrfs {

// Through add_storage, if the volume has snapshots of ours. `root`: the root of the volume. Throws
// std::system_error.
void report_storage(const ProviderHost& host, const std::string& path, int root);

// Throws ProviderError NOT_SUPPORTED with the reason why there is no limit.
[[noreturn]] void refuse_limit(int root);

}  // namespace vss::btrfs
