// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Releasing in place of a vssd-hold that died or does not answer. Used by vssd, with its own descriptors, and
// by the recovery, which finds the filesystems again. Never in a hurry at the cost of "once": what the record
// shows as begun by a process that may still live is left to it.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/hold/action.hpp"
#include "daemon/hold/process_watch.hpp"
#include "daemon/hold/record.hpp"

namespace vss::hold {

struct ReleaseReport {
  std::vector<std::string> released;   // by this call, in this order
  std::vector<std::string> not_held;   // begun by the dead process, but not held any more or not yet
  std::vector<std::string> remaining;  // could not be released, each with the reason
};

// Shared with the threads that make the system calls: one of them may outlive the call.
struct ReleaseJob {
  std::shared_ptr<Record> record;
  // The action for a target. Called in a thread of its own: may block.
  std::function<core::Result<std::shared_ptr<HoldAction>>(std::size_t index)> action;
  // Whether the process that began a step has ended for good.
  std::function<bool(pid_t by)> is_gone;
};

// Releases in reverse order of holding what is held. Then, when `helper` has ended (waited for up to
// `patience`, negative: for ever), what it had begun to hold or to release. A release that is slow does not
// keep the next one waiting; at the end all that are not done are waited for, up to `patience` but at most 5
// s. Blocks; does not throw.
[[nodiscard]] ReleaseReport release_in_place(const std::shared_ptr<ReleaseJob>& job,
                                             const ProcessWatch& helper, std::chrono::milliseconds patience);

}  // namespace vss::hold
