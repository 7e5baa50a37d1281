// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Which threads of a process run before ordinary ones.

#include <sched.h>
#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>

namespace vss::test {

// Whether this process, and what it starts, may do that at all.
[[nodiscard]] inline bool may_be_urgent() {
  const sched_param urgent{::sched_get_priority_min(SCHED_RR)};
  const sched_param usual{0};
  return ::sched_setscheduler(0, SCHED_RR, &urgent) == 0 && ::sched_setscheduler(0, SCHED_OTHER, &usual) == 0;
}

// 0 is the thread that asks.
[[nodiscard]] inline bool is_urgent(pid_t thread) {
  return (::sched_getscheduler(thread) & ~SCHED_RESET_ON_FORK) == SCHED_RR;
}

struct ThreadCount {
  std::size_t urgent = 0;
  std::size_t ordinary = 0;
};
[[nodiscard]] inline ThreadCount count_threads(pid_t process) {
  ThreadCount count;
  std::error_code error;  // a thread ends meanwhile
  for (std::filesystem::directory_iterator at("/proc/" + std::to_string(process) + "/task", error), end;
       !error && at != end; at.increment(error)) {
    ++(is_urgent(std::stoi(at->path().filename())) ? count.urgent : count.ordinary);
  }
  return count;
}

}  // namespace vss::test
