// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/path_affected.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

namespace vss {
namespace {

int stat_nearest(std::filesystem::path path, struct stat& facts) {
  while (::stat(path.c_str(), &facts) != 0) {
    if ((errno != ENOENT && errno != ENOTDIR) || path == path.root_path()) return -1;
    path = path.parent_path();
  }
  return 0;
}

}  // namespace

std::ptrdiff_t seen_volume_of(const std::string& path, const std::vector<std::string>& volumes, int& unseen) {
  unseen = 0;
  struct stat facts {};
  if (stat_nearest(path, facts) != 0) return -1;
  for (const std::string& volume : volumes) {
    struct stat root {};
    if (::stat(volume.c_str(), &root) != 0) {
      unseen = errno;
    } else if (root.st_dev == facts.st_dev) {
      return &volume - volumes.data();
    }
  }
  return std::ssize(volumes);
}

std::ptrdiff_t volume_of(const std::string& path, const std::vector<std::string>& volumes) {
  int unseen = 0;
  const std::ptrdiff_t volume = seen_volume_of(path, volumes, unseen);
  if (volume < std::ssize(volumes) || unseen == 0) return volume;
  errno = unseen;
  return -1;
}

}  // namespace vss
