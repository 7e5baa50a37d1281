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

std::ptrdiff_t volume_of(const std::string& path, const std::vector<std::string>& volumes) {
  struct stat facts {};
  if (stat_nearest(path, facts) != 0) return -1;
  int error = 0;
  for (const std::string& volume : volumes) {
    struct stat root {};
    if (::stat(volume.c_str(), &root) != 0) {
      error = errno;
    } else if (root.st_dev == facts.st_dev) {
      return &volume - volumes.data();
    }
  }
  errno = error;
  return error == 0 ? static_cast<std::ptrdiff_t>(volumes.size()) : -1;
}

}  // namespace vss
