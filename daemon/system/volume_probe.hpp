// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Finds volumes. These functions may block on a disk: SystemVolumes calls them on its worker.

#include <string>
#include <vector>

#include "daemon/core/error.hpp"
#include "daemon/core/volume.hpp"

namespace vss::system {

struct VolumeSources {
  std::string mountinfo = "/proc/self/mountinfo";
  std::string sysfs = "/sys";
  std::string runtime_dir = "/run/vssd";  // what is mounted below it is ours, and no volume
};

// InvalidArgument unless the path is absolute, at most 4095 bytes long and without control characters.
[[nodiscard]] core::Status check_path(const std::string& path);

[[nodiscard]] core::Result<core::Volume> resolve_volume(const VolumeSources& sources,
                                                        const std::string& path);
[[nodiscard]] core::Result<std::vector<core::Volume>> list_volumes(const VolumeSources& sources);

// Writes the dirty pages of the filesystem back, until a pass is quick, five times at most.
[[nodiscard]] core::Status flush_filesystem(const std::string& directory);

}  // namespace vss::system
