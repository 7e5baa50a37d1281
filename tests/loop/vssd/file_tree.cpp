// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/file_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

namespace vss::test {
namespace {

namespace fs = std::filesystem;

void check(int result, const fs::path& path) {
  if (result != 0) throw std::system_error(errno, std::generic_category(), path.string());
}

void set_time(const fs::path& path, time_t seconds, long nanoseconds) {
  const std::array<timespec, 2> times{{{seconds, 0}, {seconds, nanoseconds}}};
  check(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW), path);
}

// Each name with its value.
std::string attributes(const fs::path& path) {
  std::array<char, 4096> names{};
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  std::vector<std::string> all;
  for (ssize_t at = 0; at < size;) {
    const std::string name(names.data() + at);
    at += static_cast<ssize_t>(name.size()) + 1;
    std::array<char, 4096> value{};
    const ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    all.push_back(name + "=" +
                  std::string(value.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))));
  }
  std::sort(all.begin(), all.end());
  std::string text;
  for (const std::string& one : all) text += one + ",";
  return text;
}

std::string bytes(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return std::to_string(std::hash<std::string>{}(text.str()));
}

std::string describe_entry(const fs::path& path, const std::string& name,
                           std::map<ino_t, std::string>& first_names) {
  struct stat info {};
  check(::lstat(path.c_str(), &info), path);
  std::ostringstream line;
  line << name << " mode=" << std::oct << info.st_mode << std::dec << " owner=" << info.st_uid << ":"
       << info.st_gid << " time=" << info.st_mtim.tv_sec << "." << info.st_mtim.tv_nsec
       << " attributes=" << attributes(path);
  if (S_ISLNK(info.st_mode)) line << " to=" << fs::read_symlink(path).string();
  if (S_ISREG(info.st_mode)) {
    const bool has_holes = info.st_blocks * 512 < info.st_size;
    line << " size=" << info.st_size << " same=" << first_names.emplace(info.st_ino, name).first->second
         << " bytes=" << bytes(path) << (has_holes ? " holes" : "");
  }
  return line.str();
}

}  // namespace

void make_file_tree(const fs::path& root) {
  fs::create_directories(root / "deep" / "er" / "still");
  fs::create_directory(root / "empty-directory");
  std::ofstream(root / "top") << std::string(100'000, 't');
  std::ofstream(root / "deep" / "er" / "file with blanks") << "nested\n";
  std::ofstream(root / "deep" / "er" / "still" / "last") << std::string(70'000, 'l');
  std::ofstream(root / "empty");
  fs::create_symlink("deep/er/still/last", root / "link");
  fs::create_symlink("/nowhere/at/all", root / "dangling");
  fs::create_hard_link(root / "top", root / "deep" / "top-again");
  std::ofstream(root / "holes") << "begin";
  fs::resize_file(root / "holes", std::uintmax_t{8} << 20);
  std::ofstream(root / "holes", std::ios::app) << "end";
  check(::setxattr((root / "deep" / "er" / "still" / "last").c_str(), "user.vssd.test", "kept", 4, 0), root);
  check(::chmod((root / "empty").c_str(), 04711), root);
  check(::chmod((root / "deep" / "er").c_str(), 01770), root);
  check(::lchown((root / "top").c_str(), 12, 34), root);
  set_time(root / "link", 1'000'000'000, 5);
  set_time(root / "top", 1'111'111'111, 222'222'222);
  set_time(root / "deep" / "er" / "still", 1'234'567'890, 123'456'789);
  set_time(root / "deep", 1'300'000'000, 7);
}

std::vector<std::string> describe_tree(const fs::path& root) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(root)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());  // the same first name of an inode in every copy
  std::map<ino_t, std::string> first_names;
  std::vector<std::string> lines{describe_entry(root, ".", first_names)};
  for (const fs::path& path : paths)
    lines.push_back(describe_entry(path, path.lexically_relative(root).string(), first_names));
  return lines;
}

}  // namespace vss::test
