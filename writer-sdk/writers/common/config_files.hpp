// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Where the files of writers are: in directories of packages and of the administrator.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace vss::writers {

using ConfigDirectories = std::vector<std::filesystem::path>;

// *.toml by their names. A file of a later directory replaces one of the same name in an earlier one, and an
// empty one takes it away. Throws filesystem_error.
[[nodiscard]] std::vector<std::filesystem::path> config_files(const ConfigDirectories& directories);

// The one that is called `name`.toml; nothing if there is none, or an empty one.
[[nodiscard]] std::optional<std::filesystem::path> config_file(const ConfigDirectories& directories,
                                                               const std::string& name);

}  // namespace vss::writers
