// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Processes by identity: a pid alone may have been given to somebody else.

#include <sys/types.h>
#include <chrono>
#include <cstdint>

#include "daemon/hold/unique_fd.hpp"

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
  // Whether no thread of it is left; waits up to `limit` for that (negative: for ever).
  [[nodiscard]] bool gone(std::chrono::milliseconds limit = {}) const;
  void send(int signal) const;

 private:
  pid_t pid_;
  UniqueFd pidfd_;
};

}  // namespace vss::hold
