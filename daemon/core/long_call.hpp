// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A long call of a session while it runs: others are refused, Cancel reaches it.

#include "daemon/core/async.hpp"

namespace vss::core {

class LongCall {
 public:
  // `slot` is where the session keeps what runs, nullptr if nothing does; it outlives the call.
  explicit LongCall(LongCall*& slot) : slot_(slot) { slot_ = this; }
  ~LongCall() {
    slot_ = nullptr;
    done.set();
  }
  LongCall(const LongCall&) = delete;
  LongCall& operator=(const LongCall&) = delete;

  Signal cancel;
  Signal done;

 private:
  LongCall*& slot_;
};

// Cancels what runs and waits for its end, again if something else has begun meanwhile.
inline asio::awaitable<void> stop_long_call(LongCall*& slot) {
  while (slot != nullptr) {
    slot->cancel.set();
    const Signal done = slot->done;
    co_await wait_for(done, TimePoint::max());
  }
}

}  // namespace vss::core
