// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Processes by identity: a pid alone may have been given to somebody else.

#include <sys/types.h>
#include <chrono>
#include <cstdint>

#include "daemon/core/unique_fd.hpp"

namespace vss::hold {

// As it stands in the record.
struct ProcessIdentity {
  std::int32_t pid;
  std::uint32_t reserved;
  std::uint64_t start;  // field 22 of /proc/PID/stat
};

[[nodiscard]] ProcessIdentity this_process();

// Follows one process to its end.
class ProcessWatch {
 public:
  // Watches the process that `identity` names; it may be gone already.
  explicit ProcessWatch(const ProcessIdentity& identity);
  // Watches through a copy of `pidfd`.
  ProcessWatch(pid_t pid, int pidfd);

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Whether it is certain that no thread of it is left; waits up to `limit` for that (negative: for ever).
  [[nodiscard]] bool gone(std::chrono::milliseconds limit = {}) const;
  // Whether it is gone, or was told to end and only a thread that is stuck in the kernel is left.
  [[nodiscard]] bool ended() const;
  // Nothing is sent without a descriptor: the pid may be another's by now.
  void send(int signal) const;

 private:
  pid_t pid_;
  core::UniqueFd pidfd_;  // none: there was none to be had; the process may live all the same
  bool known_gone_ = false;
};

}  // namespace vss::hold
