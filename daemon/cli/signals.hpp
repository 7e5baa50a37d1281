// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// SIGINT, SIGTERM and SIGHUP as a file descriptor, and what they do while a set is being made.

#include <signal.h>
#include <sys/signalfd.h>

#include <functional>
#include <optional>
#include <string>

#include "daemon/cli/failure.hpp"

namespace vss::cli {

// Blocks the signals for the rest of the process, which must reach its end in order; made before any thread
// starts, for threads inherit the mask.
class SignalFd {
 public:
  SignalFd();
  ~SignalFd();
  SignalFd(const SignalFd&) = delete;
  SignalFd& operator=(const SignalFd&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  // The next pending signal, nothing if there is none.
  [[nodiscard]] std::optional<signalfd_siginfo> next() const;
  // The mask as it was, for child processes.
  [[nodiscard]] const sigset_t& previous_mask() const { return previous_; }

 private:
  int fd_ = -1;
  sigset_t previous_{};
};

// Calls `function`. Meanwhile a first signal calls `cancel`, again and again, for the call that is to be
// stopped may only just begin; a second one ends the process at once (vssd cleans up when the connection is
// gone). A Failure of `function` is Interrupted, with `message`, if a signal came. Returns the signal that
// came and did not make it fail, 0 if none; one that comes later stays pending.
[[nodiscard]] int interruptible(const SignalFd& signals, const std::function<void()>& cancel,
                                const std::function<void()>& function,
                                const std::string& message = kNothingIsLeft);

}  // namespace vss::cli
