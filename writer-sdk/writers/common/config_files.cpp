// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/config_files.hpp"

#include <algorithm>
#include <map>

namespace vss::writers {

std::vector<std::filesystem::path> config_files(const ConfigDirectories& directories) {
  std::map<std::string, std::filesystem::path> by_name;
  for (const std::filesystem::path& directory : directories) {
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(directory, missing)) {
      if (entry.path().extension() == ".toml") by_name[entry.path().filename()] = entry.path();
    }
  }
  std::vector<std::filesystem::path> files;
  for (const auto& [name, path] : by_name) {
    if (!std::filesystem::is_empty(path)) files.push_back(path);
  }
  return files;
}

std::optional<std::filesystem::path> config_file(const ConfigDirectories& directories,
                                                 const std::string& name) {
  const auto files = config_files(directories);
  const auto found =
      std::ranges::find(files, name + ".toml", [](const auto& file) { return file.filename().string(); });
  if (found == files.end()) return std::nullopt;
  return *found;
}

}  // namespace vss::writers
