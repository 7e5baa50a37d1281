// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Files by their descriptors, and what goes wrong with them as a Failure.

#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "daemon/cli/failure.hpp"

namespace vss::cli {

[[noreturn]] inline void throw_errno(const std::string& what, int error) {
  const std::string message = std::generic_category().message(error);
  if (error == ENOENT) throw Failure(ErrorCode::ObjectNotFound, what, message);
  if (error == EACCES || error == EPERM) throw Failure(ErrorCode::AccessDenied, what, message);
  throw Failure(ExitCode::General, "SystemError", what, message);
}

// Closes it at its end; a negative one is none.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// Throws Failure; what of `text` is there then is not said.
inline void write_all(int fd, const std::string& text, const std::string& what) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(fd, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_errno(what, errno);
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace vss::cli
