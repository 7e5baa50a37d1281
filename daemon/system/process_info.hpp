// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Who a process is, to be named in lists and errors. Nothing is decided by it: a process id may be used
// again.

#include <string>

#include <sys/types.h>
#include <asio/awaitable.hpp>

#include "daemon/core/error.hpp"
#include "daemon/system/worker.hpp"

namespace vss::system {

struct ProcessInfo {
  std::string command;  // at most 15 bytes, control characters and bytes beyond ASCII replaced by '?'
  std::string unit;     // systemd unit, of the system or of the user's manager; "" if none
};

class ProcessFacts {
 public:
  ProcessFacts();
  // Errors: ObjectNotFound if there is no such process.
  asio::awaitable<core::Result<ProcessInfo>> query(pid_t pid);

 private:
  Worker worker_;
};

}  // namespace vss::system
