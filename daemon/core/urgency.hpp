// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// While volumes stand still, who works at ending that does not wait for a processor. sched(7).

#include <sched.h>
#include <sys/types.h>

namespace vss::core {

[[nodiscard]] inline bool is_real_time(int policy) noexcept {
  policy &= ~SCHED_RESET_ON_FORK;
  return policy == SCHED_FIFO || policy == SCHED_RR;
}

// One thread runs before all ordinary ones, with the lowest real-time priority; threads and processes that it
// starts meanwhile are ordinary ones. One that has such a priority already keeps it. Where it is not allowed
// (CAP_SYS_NICE), nothing changes. Thread rule: not thread-safe.
class Urgency {
 public:
  // As of gettid(); it must live while it is urgent.
  explicit Urgency(pid_t thread) noexcept : thread_(thread) {}

  void begin() noexcept {
    if (raised_) return;
    policy_ = ::sched_getscheduler(thread_);
    if (policy_ < 0 || is_real_time(policy_) || ::sched_getparam(thread_, &before_) != 0) return;
    sched_param lowest{};
    lowest.sched_priority = ::sched_get_priority_min(SCHED_RR);
    raised_ = ::sched_setscheduler(thread_, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) == 0;
  }
  // As it was before.
  void end() noexcept {
    // With RLIMIT_RTPRIO alone the flag cannot be taken away again, the priority can.
    if (raised_ && ::sched_setscheduler(thread_, policy_, &before_) != 0)
      ::sched_setscheduler(thread_, policy_ | SCHED_RESET_ON_FORK, &before_);
    raised_ = false;
  }

 private:
  pid_t thread_;
  int policy_ = SCHED_OTHER;
  sched_param before_{};
  bool raised_ = false;
};

}  // namespace vss::core
