// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// How a test waits: for a condition, with a limit.

#include <poll.h>
#include <chrono>

namespace vss::test {

// Evaluates `condition` every millisecond until it is true; false if it is not within `limit`.
template <typename Condition>
[[nodiscard]] bool wait_until(Condition condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return condition();
    ::poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace vss::test
