// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/creation_lock.hpp"

#include <fmt/format.h>

namespace vss::core {

struct CreationLock::Lease::State {
  struct Waiter {
    Holder who;
    Signal granted;
  };
  std::optional<Holder> holder;
  std::list<std::shared_ptr<Waiter>> queue;

  void take(Holder who) {
    who.since = std::chrono::steady_clock::now();
    holder = std::move(who);
  }
  void pass_on() {
    holder.reset();
    if (queue.empty()) return;
    const auto next = queue.front();
    queue.pop_front();
    take(next->who);
    next->granted.set();
  }
};

std::string CreationLock::Holder::describe() const {
  const auto age = std::chrono::duration<double>(std::chrono::steady_clock::now() - since);
  return fmt::format("{} (pid {}{}{}), set {}, since {:.1f} s", client.empty() ? "a requester" : client, pid,
                     unit.empty() ? "" : ", unit ", unit, set.str(), age.count());
}

CreationLock::Lease& CreationLock::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    lock_ = std::exchange(other.lock_, {});
  }
  return *this;
}

void CreationLock::Lease::release() noexcept {
  if (const auto state = std::exchange(lock_, {}).lock()) state->pass_on();
}

CreationLock::CreationLock() : state_(std::make_shared<Lease::State>()) {}

asio::awaitable<Result<CreationLock::Lease>> CreationLock::acquire(Holder who, Milliseconds patience,
                                                                   Signal cancel) {
  const auto state = state_;
  if (!state->holder) {
    state->take(std::move(who));
    co_return Lease(state);
  }
  const auto waiter = std::make_shared<Lease::State::Waiter>(Lease::State::Waiter{std::move(who), {}});
  state->queue.push_back(waiter);
  Signal wake;
  const auto on_grant = waiter->granted.subscribe([wake]() mutable { wake.set(); });
  const auto on_cancel = cancel.subscribe([wake]() mutable { wake.set(); });
  co_await wait_for(wake, std::chrono::steady_clock::now() + patience);
  if (waiter->granted.is_set()) {
    Lease lease(state);
    if (!cancel.is_set()) co_return lease;
  } else {
    state->queue.remove(waiter);
  }
  if (cancel.is_set()) co_return fail(ErrorCode::Cancelled, "StartSnapshotSet was cancelled");
  co_return fail(ErrorCode::SnapshotSetInProgress,
                 "another snapshot set is being created by " + state->holder->describe());
}

std::optional<CreationLock::Holder> CreationLock::holder() const { return state_->holder; }
std::size_t CreationLock::waiters() const { return state_->queue.size(); }

}  // namespace vss::core
