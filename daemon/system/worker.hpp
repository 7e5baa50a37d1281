// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One thread with a queue, for what may block on a disk. run() is awaited on the coordinator's thread, the
// function runs on the worker's thread, and the coroutine goes on where it was.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "daemon/core/error.hpp"

namespace vss::system {

// Thread rule: made, used and destroyed on the thread of the executor that awaits run(), and destroyed before
// that executor's context.
class Worker {
 public:
  // `name`: at most 15 characters. `overrun`: the code of the error that a call gets which exceeds its limit.
  explicit Worker(std::string name, ErrorCode overrun = ErrorCode::Unexpected);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // Calls that have not come back are dropped without an answer. A thread that is busy gets a second to end,
  // then it is left behind: one in D state must not keep the daemon from exiting.
  ~Worker();

  // Runs `function` (it returns core::Result<...> and owns all it needs: it may outlive the caller) after
  // those that were queued before. An exception becomes Unexpected. If `limit` is not zero and passes, the
  // answer is the overrun error while the function still runs; from then on every call fails at once until
  // it returns.
  template <typename F>
  asio::awaitable<std::invoke_result_t<F&>> run(F function, std::chrono::milliseconds limit = kWithoutLimit);

  // A call that was answered with the overrun error still runs.
  [[nodiscard]] bool overran() const { return state_->late > 0; }

 private:
  static constexpr std::chrono::milliseconds kWithoutLimit{0};

  // What the thread sees of a call.
  struct Task {
    virtual ~Task() = default;
    virtual void execute() = 0;      // on the worker's thread; does not throw
    virtual void post_result() = 0;  // on the worker's thread, while the executor is known to exist
    virtual void drop() = 0;         // on the executor's thread
    std::atomic<bool> answered = false;
  };
  template <typename F, typename Handler>
  struct Call;

  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::shared_ptr<Task>> queue;
    std::shared_ptr<Task> current;
    bool closed = false;
    int late = 0;  // calls answered by their limit that have not returned; executor's thread only
  };

  static void serve(const std::shared_ptr<State>& state);
  void submit(std::shared_ptr<Task> task);

  std::string name_;
  ErrorCode overrun_;
  std::shared_ptr<State> state_;
  std::thread thread_;
};

template <typename F, typename Handler>
struct Worker::Call final : Task, std::enable_shared_from_this<Call<F, Handler>> {
  using Value = std::invoke_result_t<F&>;

  Call(F function_in, Handler handler_in, std::shared_ptr<State> state_in)
      : function(std::move(function_in)),
        executor(asio::get_associated_executor(handler_in)),
        handler(std::move(handler_in)),
        timer(std::in_place, executor),
        state(std::move(state_in)) {}

  void execute() override {
    try {
      result.emplace(function());
    } catch (const std::exception& error) {
      result.emplace(core::fail(ErrorCode::Unexpected, error.what()));
    } catch (...) {
      result.emplace(core::fail(ErrorCode::Unexpected, "unknown exception"));
    }
  }

  void post_result() override {
    asio::post(executor, [self = this->shared_from_this()] { self->returned(); });
  }

  void drop() override {
    timer.reset();  // now: the context may be gone when the thread lets go of this
    handler.reset();
  }

  void start_timer(std::chrono::milliseconds limit, core::Error error) {
    timer->expires_after(limit);
    timer->async_wait([self = this->shared_from_this(), error = std::move(error)](std::error_code cancelled) {
      if (cancelled || !self->handler) return;
      ++self->state->late;
      self->answer(core::fail(error));
    });
  }

  void returned() {
    if (answered) {
      --state->late;
    } else if (handler) {
      timer->cancel();
      answer(result ? std::move(*result) : Value(core::fail(ErrorCode::Unexpected, "no result")));
    }
  }

  void answer(Value value) {
    answered = true;
    auto taken = std::move(*handler);
    handler.reset();
    std::move(taken)(std::move(value));
  }

  F function;
  asio::any_io_executor executor;
  std::optional<Handler> handler;           // executor's thread only
  std::optional<asio::steady_timer> timer;  // executor's thread only
  std::optional<Value> result;
  std::shared_ptr<State> state;
};

template <typename F>
asio::awaitable<std::invoke_result_t<F&>> Worker::run(F function, std::chrono::milliseconds limit) {
  using Value = std::invoke_result_t<F&>;
  return asio::async_initiate<const asio::use_awaitable_t<>, void(Value)>(
      [this, limit](auto&& handler, F work) {
        using Handler = std::decay_t<decltype(handler)>;
        auto call = std::make_shared<Call<F, Handler>>(std::move(work), std::move(handler), state_);
        if (overran()) {
          call->result.emplace(core::fail(overrun_, name_ + ": an earlier call still hangs"));
          call->post_result();
          return;
        }
        if (limit > kWithoutLimit) {
          call->start_timer(
              limit, {overrun_, name_ + ": no result within " + std::to_string(limit.count()) + " ms"});
        }
        submit(std::move(call));
      },
      asio::use_awaitable, std::move(function));
}

}  // namespace vss::system
