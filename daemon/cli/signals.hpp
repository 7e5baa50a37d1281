// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// SIGINT, SIGTERM and SIGHUP as a file descriptor, and what they do while a set is being made.

#include <signal.h>
#include <sys/signalfd.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "daemon/cli/event_fd.hpp"

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

// While it lives, a first signal calls `cancel`, again and again, for the call that is to be stopped may only
// just begin; a second one ends the process at once (vssd cleans up when the connection is gone).
class CancelOnSignal {
 public:
  CancelOnSignal(const SignalFd& signals, std::function<void()> cancel);
  ~CancelOnSignal();
  CancelOnSignal(const CancelOnSignal&) = delete;
  CancelOnSignal& operator=(const CancelOnSignal&) = delete;

  // Ends the watch. Returns the signal that came, 0 if none; one that comes later stays pending.
  [[nodiscard]] int stop();

 private:
  void watch() noexcept;

  const SignalFd& signals_;
  std::function<void()> cancel_;
  EventFd stop_;
  std::atomic<int> signal_ = 0;
  std::jthread thread_;
};

}  // namespace vss::cli
