// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One piece of work after the other on each of many things, such as sets. All on the coordinator's thread.

#include <memory>
#include <set>
#include <utility>

#include "daemon/core/async.hpp"
#include "daemon/core/guid.hpp"

namespace vss::core {

class Turns {
  struct State {
    std::set<Guid> taken;
    Signal given_back;
  };

 public:
  // While it lives, nobody else has a turn at the same thing.
  class Turn {
   public:
    Turn(std::shared_ptr<State> state, Guid of) : state_(std::move(state)), of_(of) {
      state_->taken.insert(of_);
    }
    Turn(Turn&&) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (!state_) return;
      state_->taken.erase(of_);
      std::exchange(state_->given_back, Signal()).set();
    }

   private:
    std::shared_ptr<State> state_;
    Guid of_;
  };

  asio::awaitable<Turn> take(Guid of) {
    while (state_->taken.contains(of)) {
      const Signal given_back = state_->given_back;
      co_await wait_for(given_back, TimePoint::max());
    }
    co_return Turn(state_, of);
  }

 private:
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace vss::core
