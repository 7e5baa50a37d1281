// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/temp_dir.hpp"

#include <sys/mount.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

namespace vss::test {
namespace {

std::string mount_below(const std::string& directory) {
  std::ifstream table("/proc/self/mountinfo");
  std::string last;
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string skipped, path;
    words >> skipped >> skipped >> skipped >> skipped >> path;
    if (path == directory || path.starts_with(directory + "/")) last = path;
  }
  return last;
}

// What is mounted below may be anything, and must not be deleted with the directory.
bool detach_mounts(const std::string& directory) {
  for (std::string path = mount_below(directory); !path.empty(); path = mount_below(directory)) {
    if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0) return false;
  }
  return true;
}

}  // namespace

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "vss-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
  path_ = name;
}

TempDir::TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TempDir::~TempDir() {
  if (path_.empty()) return;
  if (!detach_mounts(path_)) {
    std::fprintf(stderr, "%s stays behind: something is mounted in it\n", path_.c_str());
    return;
  }
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  if (error) std::fprintf(stderr, "%s stays behind: %s\n", path_.c_str(), error.message().c_str());
}

}  // namespace vss::test
