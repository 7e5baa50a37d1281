// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/directories.hpp"

#include <filesystem>

#include <sys/stat.h>

#include <spdlog/spdlog.h>

namespace vss::system {

core::Result<core::UniqueFd> make_directory(const std::string& path, mode_t mode) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return core::fail(core::errno_error(error.value(), "make the parents of " + path));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return core::fail(core::errno_error(errno, "mkdir " + path));
  }
  auto fd = core::open_path(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return fd;
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return core::fail(core::errno_error(errno, "stat " + path));
  if (status.st_uid != ::geteuid()) {
    return core::fail(ErrorCode::AccessDenied, path + " belongs to user " + std::to_string(status.st_uid));
  }
  if ((status.st_mode & 07777) != mode && ::fchmod(fd->get(), mode) != 0) {
    return core::fail(core::errno_error(errno, "chmod " + path));
  }
  return fd;
}

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    spdlog::warn("read {}: {}", path, error.message());
  return names;
}

}  // namespace vss::system
