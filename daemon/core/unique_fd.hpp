// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// An owned file descriptor, and ways to get one that no child process inherits.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "daemon/core/error.hpp"

namespace vss::core {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  // Gives the descriptor away: the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// openat(2) with O_CLOEXEC. The error names the path.
[[nodiscard]] inline Result<UniqueFd> open_at(int directory, const std::string& path, int flags,
                                              mode_t mode = 0) {
  UniqueFd fd(::openat(directory, path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return fail(errno_error(errno, "open " + path));
  return fd;
}

[[nodiscard]] inline Result<UniqueFd> open_path(const std::string& path, int flags, mode_t mode = 0) {
  return open_at(AT_FDCWD, path, flags, mode);
}

}  // namespace vss::core
