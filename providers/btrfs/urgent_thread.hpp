// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The calls of one capture have to reach the kernel while a commit of a few milliseconds runs. On a busy
// machine a thread of ordinary priority waits longer than that for a processor.

#include <sched.h>

namespace vss::btrfs {

// This thread runs before all ordinary ones until the object is gone. Where that is not allowed, nothing
// changes.
class UrgentThread {
 public:
  UrgentThread() noexcept {
    sched_param lowest{};
    lowest.sched_priority = ::sched_get_priority_min(SCHED_RR);
    policy_ = ::sched_getscheduler(0);
    raised_ =
        policy_ >= 0 && ::sched_getparam(0, &before_) == 0 && ::sched_setscheduler(0, SCHED_RR, &lowest) == 0;
  }
  ~UrgentThread() {
    if (raised_) ::sched_setscheduler(0, policy_, &before_);
  }
  UrgentThread(const UrgentThread&) = delete;
  UrgentThread& operator=(const UrgentThread&) = delete;

 private:
  int policy_ = SCHED_OTHER;
  sched_param before_{};
  bool raised_ = false;
};

}  // namespace vss::btrfs
