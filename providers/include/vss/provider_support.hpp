// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Small things that providers in C++ need. Header-only. Thread rule: values, no shared state. Since 0.1.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace vss {

// Throws std::system_error for errno, or for the number given.
[[noreturn]] inline void throw_errno(const std::string& what, int error_number = errno) {
  throw std::system_error(error_number, std::generic_category(), what);
}

// A descriptor that is closed with its owner.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset(int fd = -1) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// Opens relative to a directory (AT_FDCWD for absolute paths), close-on-exec. Throws std::system_error.
[[nodiscard]] inline UniqueFd open_at(int directory, const std::string& path, int flags, mode_t mode = 0) {
  UniqueFd fd(::openat(directory, path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) throw_errno(path);
  return fd;
}

// The same, but no such file is an empty result.
[[nodiscard]] inline UniqueFd open_at_if_exists(int directory, const std::string& path, int flags) {
  UniqueFd fd(::openat(directory, path.c_str(), flags | O_CLOEXEC));
  if (!fd && errno != ENOENT && errno != ENOTDIR) throw_errno(path);
  return fd;
}

// A root-only directory of ours, made if it is not there. Refuses one that belongs to somebody else, or that
// others may enter. Throws std::system_error.
[[nodiscard]] inline UniqueFd make_private_directory(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) throw_errno(name);
  UniqueFd directory = open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  struct stat facts {};
  if (::fstat(directory.get(), &facts) != 0) throw_errno(name);
  if (facts.st_uid != ::geteuid() || (facts.st_mode & 0077) != 0) {
    throw_errno(name + ": not a private directory of this account", EPERM);
  }
  return directory;
}

// Removes a directory if it is empty; one that is not there or not empty is left alone.
inline void remove_if_empty(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return;
  if (errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST) throw_errno(name);
}

// A GUID in text form, lower case: safe as the name of a file.
[[nodiscard]] inline bool is_guid_text(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

}  // namespace vss
