// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/btrfs/users.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>

#include "vss/provider_support.hpp"

namespace vss::btrfs {

namespace {

namespace fs = std::filesystem;

// Without asking a server: one that is dead must not keep us.
std::optional<dev_t> device_at(const fs::path& path) {
  struct statx facts {};
  if (::statx(AT_FDCWD, path.c_str(), AT_STATX_DONT_SYNC, 0, &facts) != 0) return std::nullopt;
  return makedev(facts.stx_dev_major, facts.stx_dev_minor);
}

// The numbers and names of a directory of /proc; false if it may not be read. A process that has ended has
// none.
bool list(const fs::path& directory, std::vector<fs::path>& entries) {
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    entries.push_back(at->path());
  return error != std::errc::permission_denied && error != std::errc::operation_not_permitted;
}

std::string name_of(const fs::path& process) {
  std::string name;
  std::getline(std::ifstream(process / "comm"), name);
  return name + " (" + process.filename().string() + ")";
}

// What it has in the subvolume, "" if nothing.
std::string use_of(const fs::path& process, dev_t subvolume) {
  std::vector<fs::path> files;
  if (!list(process / "fd", files)) return "may not be looked at";
  const auto is_in_it = [&](const fs::path& path) { return device_at(path) == subvolume; };
  if (std::ranges::any_of(files, is_in_it)) return "open file";
  if (is_in_it(process / "cwd")) return "working directory";
  if (is_in_it(process / "root")) return "root directory";
  if (is_in_it(process / "exe")) return "program";
  std::vector<fs::path> mapped;
  (void)list(process / "map_files", mapped);  // of a kernel thread there is none
  return std::ranges::any_of(mapped, is_in_it) ? "mapped file" : "";
}

bool is_process(const fs::path& path) {
  const std::string name = path.filename().string();
  return std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; }) &&
         name != std::to_string(::getpid());
}

void add_block_users(dev_t subvolume, std::vector<std::string>& users) {
  std::vector<fs::path> blocks;
  (void)list("/sys/block", blocks);
  for (const fs::path& block : blocks) {
    std::string file;
    std::getline(std::ifstream(block / "loop/backing_file"), file);
    if (!file.empty() && device_at(file) == subvolume)
      users.push_back(block.filename().string() + ": attached to " + file);
  }
  std::ifstream swaps("/proc/swaps");
  for (std::string line; std::getline(swaps, line);) {
    const std::string file = line.substr(0, line.find_first_of(" \t"));
    if (file.starts_with('/') && device_at(file) == subvolume) users.push_back(file + ": used as swap space");
  }
}

}  // namespace

dev_t device_number(int fd) {
  struct stat facts {};
  if (::fstat(fd, &facts) != 0) throw_errno("fstat");
  return facts.st_dev;
}

std::vector<std::string> users_of(dev_t subvolume, std::size_t most) {
  std::vector<std::string> users;
  add_block_users(subvolume, users);
  std::vector<fs::path> entries;
  (void)list("/proc", entries);
  for (const fs::path& entry : entries) {
    if (users.size() >= most) break;
    if (!is_process(entry)) continue;
    const std::string use = use_of(entry, subvolume);
    if (!use.empty()) users.push_back(name_of(entry) + ": " + use);
  }
  if (users.size() > most) users.resize(most);
  return users;
}

}  // namespace vss::btrfs
