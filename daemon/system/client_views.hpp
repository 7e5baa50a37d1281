// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What a file server finds: <runtime-dir>/client-accessible/<volume>/@GMT-..., read-only. Everybody may enter
// these directories: who may read what in a snapshot is up to the permissions in it. All of it may block on a
// disk.

#include <string>

#include "daemon/core/error.hpp"
#include "daemon/core/snapshot_record.hpp"

namespace vss::system {

// Shows `source`, a mounted snapshot; returns where. What a former run has mounted there is replaced.
[[nodiscard]] core::Result<std::string> mount_client_view(const std::string& runtime_dir,
                                                          const std::string& source,
                                                          const core::ClientName& name);
// Not there is success. A busy one is detached lazily. The volume's directory goes with its last view.
[[nodiscard]] core::Status remove_client_view(const std::string& runtime_dir, const core::ClientName& name);
// All that there are; what cannot be removed is logged.
void remove_client_views(const std::string& runtime_dir);

}  // namespace vss::system
