// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/kernel_ability.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace vss::lvm {

bool kernel_nests_freezes(const std::string& kallsyms) {
  std::ifstream symbols(kallsyms);
  std::string line;
  while (std::getline(symbols, line)) {
    if (line.ends_with(" fs_bdev_freeze")) return true;
  }
  return false;  // also if it cannot be read: the other way works on every kernel
}

bool carries_the_system(const std::string& path, const std::string& program) {
  struct stat volume {};
  if (::stat(path.c_str(), &volume) != 0) return true;
  const std::array places{std::string("/"),
                          std::string("/usr"),
                          std::string("/etc"),
                          std::string("/etc/lvm"),
                          std::string("/usr/lib/udev"),
                          program,
                          std::string("/proc/self/exe")};
  return std::ranges::any_of(places, [&](const std::string& place) {
    struct stat facts {};
    return ::stat(place.c_str(), &facts) == 0 && facts.st_dev == volume.st_dev;
  });
}

}  // namespace vss::lvm
