// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A flag that another thread can poll(2) for.

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include <poll.h>

namespace vss::cli {

// Thread rule: set() and is_set() from any thread. Once set it stays set.
class EventFd {
 public:
  EventFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  ~EventFd() { ::close(fd_); }
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;

  // Cannot fail but by a counter at its limit, and then the flag is set.
  void set() const noexcept { (void)::eventfd_write(fd_, 1); }
  [[nodiscard]] bool is_set() const noexcept {
    pollfd poll{fd_, POLLIN, 0};
    return ::poll(&poll, 1, 0) > 0;
  }
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace vss::cli
