// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A process that does with the hold what vssd does, to be killed.

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <csignal>
#include <functional>
#include <stdexcept>

#include "daemon/core/unique_fd.hpp"
#include "tests/support/wait_until.hpp"

namespace vss::hold {

class Driver {
 public:
  // Runs `work` in a child, which gets a function to call when it has come to the point.
  explicit Driver(const std::function<void(const std::function<void()>& ready)>& work) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    pid_ = fork();
    if (pid_ == 0) {
      const int end = ends[1];
      work([end] { [[maybe_unused]] const ssize_t written = write(end, "r", 1); });
      _exit(0);
    }
    ready_ = core::UniqueFd(ends[0]);
    close(ends[1]);
  }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  ~Driver() { kill_now(); }

  [[nodiscard]] bool ready(std::chrono::milliseconds limit = std::chrono::seconds(20)) const {
    char byte = 0;
    pollfd wait{ready_.get(), POLLIN, 0};
    return poll(&wait, 1, static_cast<int>(limit.count())) == 1 && read(ready_.get(), &byte, 1) == 1;
  }
  void kill_now() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  core::UniqueFd ready_;
};

}  // namespace vss::hold
