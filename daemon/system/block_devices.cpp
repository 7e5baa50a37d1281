// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/block_devices.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <sys/sysmacros.h>

namespace vss::system {
namespace {
namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

bool is_partition(const fs::path& device) {
  std::error_code ignored;
  return fs::exists(device / "partition", ignored);
}

// The entries of a directory with all links resolved, sorted by name; none if it does not exist.
std::vector<fs::path> entries(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    found.push_back(at->path());
  }
  std::sort(found.begin(), found.end());
  for (fs::path& path : found) {
    std::error_code unresolved;
    const fs::path real = fs::canonical(path, unresolved);
    if (!unresolved) path = real;
  }
  return found;
}

// This device and all that it stands on, each once.
void collect_chain(const fs::path& device, std::vector<fs::path>& chain) {
  if (std::find(chain.begin(), chain.end(), device) != chain.end()) return;
  chain.push_back(device);
  if (is_partition(device)) collect_chain(device.parent_path(), chain);
  for (const fs::path& slave : entries(device / "slaves")) collect_chain(slave, chain);
}

std::vector<fs::path> chain_of(const std::vector<std::string>& directories) {
  std::vector<fs::path> chain;
  for (const std::string& directory : directories) collect_chain(directory, chain);
  return chain;
}
}  // namespace

std::vector<std::string> BlockDevices::of_number(dev_t number) const {
  const fs::path link =
      fs::path(sysfs_) / "dev/block" / (std::to_string(major(number)) + ":" + std::to_string(minor(number)));
  std::error_code error;
  const fs::path directory = fs::canonical(link, error);
  if (error) return {};
  return {directory.string()};
}

std::vector<std::string> BlockDevices::of_btrfs(const std::string& fsid) const {
  std::vector<std::string> directories;
  for (const fs::path& device : entries(fs::path(sysfs_) / "fs/btrfs" / fsid / "devices")) {
    directories.push_back(device.string());
  }
  return directories;
}

std::string BlockDevices::node(const std::string& directory) {
  const std::string mapped = first_line(fs::path(directory) / "dm/name");
  if (!mapped.empty()) return "/dev/mapper/" + mapped;
  std::string name = fs::path(directory).filename().string();
  std::replace(name.begin(), name.end(), '!', '/');  // as sysfs writes a slash
  return "/dev/" + name;
}

std::vector<std::string> BlockDevices::backing_files(const std::vector<std::string>& directories) {
  std::vector<std::string> files;
  for (const fs::path& device : chain_of(directories)) {
    std::string file = first_line(device / "loop/backing_file");
    if (!file.empty()) files.push_back(std::move(file));
  }
  return files;
}

bool BlockDevices::is_suspended(const std::vector<std::string>& directories) {
  const auto chain = chain_of(directories);
  return std::any_of(chain.begin(), chain.end(),
                     [](const fs::path& device) { return first_line(device / "dm/suspended") == "1"; });
}

}  // namespace vss::system
