// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/provider_host/lane.hpp"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include "daemon/core/urgency.hpp"

namespace vss::provider_host {

// The thread and its one slot. Shared with the thread, so that a stuck one can be left behind.
class Lane::Worker : public std::enable_shared_from_this<Worker> {
 public:
  using Done = std::function<void(std::shared_ptr<Operation>)>;

  explicit Worker(Done done) : done_(std::move(done)) {}

  void start(const std::string& thread_name) {
    // Signals belong to the daemon's loop.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread([self = shared_from_this()] { self->loop(); });
    } catch (...) {
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread_.native_handle(), thread_name.substr(0, 15).c_str());
  }

  void submit(std::shared_ptr<Operation> operation) {
    const std::lock_guard lock(mutex_);
    slot_ = std::move(operation);
    hurry(*slot_);
    wake_.notify_one();
  }

  // A commit has ended, or nobody waits for it any more: it may never end. Not in its own thread: with the
  // lock and without its turn it would stop the loop.
  void calm_down() {
    const std::lock_guard lock(mutex_);
    if (urgency_) urgency_->end();
  }

  // Nothing is posted to the executor afterwards. An idle thread ends, a busy one is left behind.
  void close() {
    bool busy = false;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      if (urgency_) urgency_->end();
      busy = busy_ || slot_ != nullptr;
      wake_.notify_one();
    }
    if (busy) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }

 private:
  void loop() noexcept {
    std::unique_lock lock(mutex_);
    urgency_.emplace(::gettid());
    while (true) {
      wake_.wait(lock, [this] { return closed_ || slot_; });
      if (closed_) return urgency_.reset();
      auto operation = std::move(slot_);
      slot_ = nullptr;
      busy_ = true;
      hurry(*operation);
      lock.unlock();
      operation->run();
      lock.lock();
      busy_ = false;
      if (closed_) return;
      done_(std::move(operation));
    }
  }

  // Volumes may be held.
  void hurry(const Operation& operation) {
    if (urgency_ && operation.kind() == OperationKind::Commit && !operation.cancelled()) urgency_->begin();
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<core::Urgency> urgency_;  // of the thread, from its start on
  std::shared_ptr<Operation> slot_;
  bool busy_ = false;
  bool closed_ = false;
  Done done_;
  std::thread thread_;
};

namespace {
constexpr std::chrono::milliseconds kGraceWhenLeft{500};

void wake(const Operation& operation) {
  if (const auto timer = operation.progress.waiter.lock()) timer->cancel();
}
}  // namespace

// Tells the module that nobody waits any longer, however the waiting ends. An abort is to be completed all
// the same.
class Lane::CancelWhenLeft {
 public:
  CancelWhenLeft(std::shared_ptr<Operation> operation, std::shared_ptr<Worker> worker)
      : operation_(std::move(operation)), worker_(std::move(worker)) {}
  CancelWhenLeft(const CancelWhenLeft&) = delete;
  CancelWhenLeft& operator=(const CancelWhenLeft&) = delete;
  ~CancelWhenLeft() {
    if (operation_->progress.finished) return;
    operation_->progress.abandoned = true;
    // It gets a moment to see that, then it counts as stuck whatever its limit was.
    operation_->progress.deadline =
        std::min(operation_->progress.deadline, std::chrono::steady_clock::now() + kGraceWhenLeft);
    if (operation_->kind() != OperationKind::Abort) operation_->cancel();
    if (operation_->kind() == OperationKind::Commit) worker_->calm_down();
  }

 private:
  std::shared_ptr<Operation> operation_;
  std::shared_ptr<Worker> worker_;
};

Lane::Lane(asio::any_io_executor executor, const std::string& thread_name)
    : executor_(std::move(executor)), self_(std::make_shared<Lane*>(this)) {
  const std::weak_ptr<Lane*> weak = self_;
  worker_ = std::make_shared<Worker>([weak, target = executor_](std::shared_ptr<Operation> operation) {
    asio::post(target, [weak, done = std::move(operation)] {
      if (const auto lane = weak.lock()) (*lane)->finished(done);
    });
  });
  worker_->start(thread_name);
}

Lane::~Lane() {
  self_.reset();
  worker_->close();
}

bool Lane::stuck() const {
  return running_ && std::chrono::steady_clock::now() >= running_->progress.deadline;
}

std::string Lane::stuck_in() const {
  return stuck() ? std::string(to_string(running_->kind())) : std::string();
}

core::Error Lane::stuck_error(const Operation& operation) const {
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - running_->progress.started).count();
  std::string message = fmt::format("provider {} still works on {} after {:.1f} s", operation.provider(),
                                    to_string(running_->kind()), elapsed);
  if (running_.get() == &operation) return {ErrorCode::UnexpectedProviderError, std::move(message)};
  if (operation.kind() == OperationKind::Abort) message += "; abort follows as soon as that returns";
  return {ErrorCode::ProviderInUse, std::move(message)};
}

void Lane::start_next() {
  while (!running_ && !queue_.empty()) {
    auto next = std::move(queue_.front());
    queue_.pop_front();
    if (next->progress.abandoned && next->kind() != OperationKind::Abort) continue;
    next->progress.started = std::chrono::steady_clock::now();
    next->progress.deadline = next->progress.started + next->progress.limit;
    running_ = std::move(next);
    worker_->submit(running_);
    wake(*running_);
    for (const auto& waiting : queue_) wake(*waiting);
  }
}

void Lane::finished(const std::shared_ptr<Operation>& operation) {
  running_.reset();
  worker_->calm_down();
  operation->progress.finished = true;
  if (operation->progress.abandoned) {
    const auto outcome = operation->outcome();
    spdlog::warn("provider {}: {} returned after the wait for it had ended: {}", operation->provider(),
                 to_string(operation->kind()), outcome ? "success" : outcome.error().message);
  }
  wake(*operation);
  start_next();
}

// Those who wait behind a stuck operation need not wait for their own limit too.
void Lane::refuse_waiting() {
  std::erase_if(queue_, [](const auto& waiting) {
    wake(*waiting);
    if (waiting->kind() == OperationKind::Abort) return false;
    waiting->progress.refused = true;
    return true;
  });
}

asio::awaitable<core::Status> Lane::run(std::shared_ptr<Operation> operation) {
  if (stuck() && operation->kind() != OperationKind::Abort) co_return core::fail(stuck_error(*operation));

  const auto timer = std::make_shared<asio::steady_timer>(executor_);
  operation->progress.waiter = timer;
  const CancelWhenLeft guard(operation, worker_);
  queue_.push_back(operation);
  start_next();
  while (!operation->progress.finished) {
    if (stuck()) {
      core::Error error = stuck_error(*operation);
      refuse_waiting();
      co_return core::fail(std::move(error));
    }
    if (operation->progress.refused) {
      co_return core::fail(ErrorCode::ProviderInUse,
                           fmt::format("provider {} was stuck when {} was to begin", operation->provider(),
                                       to_string(operation->kind())));
    }
    timer->expires_at(running_->progress.deadline);
    std::error_code woken;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, woken));
    const asio::cancellation_state cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none && !operation->progress.finished) {
      co_return core::fail(ErrorCode::Cancelled,
                           fmt::format("provider {}: {} was cancelled while it ran", operation->provider(),
                                       to_string(operation->kind())));
    }
  }
  co_return core::Status{};
}

}  // namespace vss::provider_host
