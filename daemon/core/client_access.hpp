// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Under which names the snapshots of a client-accessible context are shown to a file server: those of Samba's
// vfs_shadow_copy2(8). Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/core/snapshot_record.hpp"

namespace vss::core {

// "srv-data" of "/srv/data", as `systemd-escape --path` writes it: one name in a directory.
[[nodiscard]] std::string escape_path(std::string_view path);

// "@GMT-2026.11.21-19.44.01" of Unix seconds.
[[nodiscard]] std::string gmt_name(std::uint64_t seconds);

// Errors: VolumeNotSupported if the volume's path is too long for a name in a directory.
[[nodiscard]] Status check_client_name(const Volume& volume);

// Where a snapshot of the set is shown; its set has a client_time.
[[nodiscard]] ClientName client_name(const SetRecord& set, const SnapshotRecord& snapshot);

}  // namespace vss::core
