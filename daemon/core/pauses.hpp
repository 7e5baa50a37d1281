// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>

#include "daemon/core/async.hpp"

namespace vss::core {

// Longer and longer ones, for what is tried until it works.
class Pauses {
 public:
  explicit Pauses(Milliseconds longest) : longest_(longest) {}
  asio::awaitable<void> next() {
    const TimePoint end = std::chrono::steady_clock::now() + pause_;
    pause_ = std::min(2 * pause_, longest_);
    co_await wait_for(Signal(), end);
  }

 private:
  Milliseconds longest_;
  Milliseconds pause_{500};
};

}  // namespace vss::core
