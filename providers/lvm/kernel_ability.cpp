// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/kernel_ability.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <vector>

namespace vss::lvm {

namespace {

std::vector<std::string> swap_files() {
  std::vector<std::string> files;
  std::ifstream swaps("/proc/swaps");
  std::string line;
  std::getline(swaps, line);  // headings
  while (std::getline(swaps, line)) files.push_back(line.substr(0, line.find(' ')));
  return files;
}

}  // namespace

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
  const auto lies_on_it = [&](const std::string& place) {
    struct stat facts {};
    return ::stat(place.c_str(), &facts) == 0 && facts.st_dev == volume.st_dev;
  };
  return std::ranges::any_of(places, lies_on_it) || std::ranges::any_of(swap_files(), lies_on_it);
}

}  // namespace vss::lvm
