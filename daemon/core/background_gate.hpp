// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Keeps work in the background away from a set that is being held: what a provider does for another snapshot
// then may wait for a held filesystem while it has a lock that the capture needs.

#include <memory>
#include <utility>

#include "daemon/core/async.hpp"

namespace vss::core {

class BackgroundGate {
  struct State {
    int closed = 0;
    int inside = 0;
    Signal changed;
    void add(int& count, int by) {
      count += by;
      std::exchange(changed, Signal()).set();
    }
  };

  template <int State::*Count>
  class Counted {
   public:
    explicit Counted(std::shared_ptr<State> state) : state_(std::move(state)) {
      state_->add(*state_.*Count, 1);
    }
    Counted(Counted&&) noexcept = default;
    Counted& operator=(Counted&&) = delete;
    ~Counted() {
      if (state_) state_->add(*state_.*Count, -1);
    }

   private:
    std::shared_ptr<State> state_;
  };

 public:
  using Closed = Counted<&State::closed>;  // opens the gate again when destroyed
  using Pass = Counted<&State::inside>;    // while it lives, a piece of work is under way

  [[nodiscard]] bool is_closed() const { return state_->closed > 0; }
  [[nodiscard]] bool is_busy() const { return state_->inside > 0; }

  // Nobody enters any more; comes back when nobody is inside.
  asio::awaitable<Closed> close() {
    Closed closed(state_);
    while (state_->inside > 0) {
      const Signal changed = state_->changed;
      co_await wait_for(changed, TimePoint::max());
    }
    co_return closed;
  }

  // Waits until the gate is open.
  asio::awaitable<Pass> enter() {
    while (state_->closed > 0) {
      const Signal changed = state_->changed;
      co_await wait_for(changed, TimePoint::max());
    }
    co_return Pass(state_);
  }

 private:
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace vss::core
