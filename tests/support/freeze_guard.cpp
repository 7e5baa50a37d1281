// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/freeze_guard.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace vss::test {

namespace {
void close_all_but(std::vector<int>& keep) {
  std::sort(keep.begin(), keep.end());
  unsigned int next = 3;
  for (const int fd : keep) {
    const auto number = static_cast<unsigned int>(fd);
    if (number > next) close_range(next, number - 1, 0);
    next = std::max(next, number + 1);
  }
  close_range(next, ~0U, 0);
}

[[noreturn]] void guard(const std::vector<int>& fds, std::vector<int>& keep, int lifeline, int limit_ms) {
  setsid();
  close_all_but(keep);
  pollfd wait{lifeline, POLLIN, 0};
  while (poll(&wait, 1, limit_ms) < 0 && errno == EINTR) {
  }
  char byte = 0;
  const bool told_to_end = (wait.revents & POLLIN) != 0 && read(lifeline, &byte, 1) == 1;
  if (!told_to_end) {
    for (const int fd : fds)
      for (int i = 0; i < kMostNestedHolds && ioctl(fd, FITHAW, 0) == 0; ++i) {
      }
  }
  _exit(0);
}
}  // namespace

FreezeGuard::FreezeGuard(const std::vector<int>& fds, std::chrono::seconds limit) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  std::vector<int> keep = fds;  // allocated here: the child of a threaded process must not
  keep.push_back(ends[0]);
  const auto limit_ms = static_cast<int>(std::chrono::milliseconds(limit).count());
  child_ = fork();
  if (child_ == 0) guard(fds, keep, ends[0], limit_ms);
  const int error = errno;
  close(ends[0]);
  lifeline_ = ends[1];
  if (child_ < 0) throw std::system_error(error, std::generic_category(), "fork");
}

FreezeGuard::~FreezeGuard() {
  const char byte = 'e';
  [[maybe_unused]] const ssize_t written = write(lifeline_, &byte, 1);
  close(lifeline_);
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace vss::test
