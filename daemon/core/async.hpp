// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What coroutines of the coordinator wait with. Everything here belongs to the one thread of the coordinator.

#include <chrono>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include <spdlog/spdlog.h>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

namespace vss::core {

using TimePoint = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

// Set once; wakes everybody who waits. Copies share the state.
class Signal {
 public:
  Signal() : state_(std::make_shared<State>()) {}

  void set() {
    if (std::exchange(state_->is_set, true)) return;
    for (auto& wake : std::exchange(state_->waiting, {})) wake();
  }
  [[nodiscard]] bool is_set() const { return state_->is_set; }

  // Calls `wake` when set() happens, at once if it has. The result undoes it when destroyed.
  [[nodiscard]] std::shared_ptr<void> subscribe(std::function<void()> wake) {
    if (is_set()) {
      wake();
      return nullptr;
    }
    state_->waiting.push_back(std::move(wake));
    const auto at = std::prev(state_->waiting.end());
    return {nullptr, [state = state_, at](void*) {
              if (!state->is_set) state->waiting.erase(at);
            }};
  }

 private:
  struct State {
    bool is_set = false;
    std::list<std::function<void()>> waiting;
  };
  std::shared_ptr<State> state_;
};

// An exception that leaves a coroutine which nobody waits for is a bug: it is logged.
inline void log_escaped(const std::exception_ptr& error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    spdlog::critical("a coroutine ended with an exception: {}", e.what());
  } catch (...) {
    spdlog::critical("a coroutine ended with a foreign exception");
  }
}

// Starts a coroutine that nobody waits for.
inline void spawn(const asio::any_io_executor& executor, asio::awaitable<void> task) {
  asio::co_spawn(executor, std::move(task), log_escaped);
}

// Waits until `signal` is set or the deadline passes; true if it was set.
inline asio::awaitable<bool> wait_for(Signal signal, TimePoint deadline) {
  if (signal.is_set()) co_return true;
  const auto executor = co_await asio::this_coro::executor;
  const auto timer = std::make_shared<asio::steady_timer>(executor, deadline);
  const auto subscription = signal.subscribe([timer] { timer->cancel(); });
  asio::error_code ignored;
  co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  co_return signal.is_set();
}

namespace detail {
template <typename T>
struct Race {
  std::optional<T> result;
  Signal done;
  bool left = false;  // nobody waits any longer
  asio::cancellation_signal cancellation;
};

template <typename T>
asio::awaitable<void> run_race(std::shared_ptr<Race<T>> race, asio::awaitable<T> operation) {
  try {
    race->result.emplace(co_await std::move(operation));
  } catch (const std::exception& e) {
    // What asio throws into an operation that was told to stop is of no interest.
    if (!race->left) throw;
    spdlog::debug("an operation that nobody waits for ended: {}", e.what());
  }
  race->done.set();
}
}  // namespace detail

// The result of `operation`, or nothing if `cancel` is set or the deadline passes first: then the operation
// is told so (asio's cancellation) but may go on by itself; its result is dropped.
template <typename T>
asio::awaitable<std::optional<T>> race(asio::awaitable<T> operation, TimePoint deadline, Signal cancel) {
  const auto executor = co_await asio::this_coro::executor;
  const auto state = std::make_shared<detail::Race<T>>();
  auto task = detail::run_race<T>(state, std::move(operation));
  auto on_end = asio::bind_cancellation_slot(
      state->cancellation.slot(), [state](const std::exception_ptr& error) { log_escaped(error); });
  asio::co_spawn(executor, std::move(task), std::move(on_end));
  const auto subscription = cancel.subscribe([state] { state->done.set(); });
  const Signal done = state->done;
  co_await wait_for(done, deadline);
  if (!state->result) {
    state->left = true;
    state->cancellation.emit(asio::cancellation_type::terminal);
  }
  co_return std::move(state->result);
}

}  // namespace vss::core
