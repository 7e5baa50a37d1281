// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/worker.hpp"

#include <csignal>

#include <pthread.h>

#include <spdlog/spdlog.h>

namespace vss::system {
namespace {
constexpr std::chrono::seconds kGrace{1};

// Signals belong to the coordinator's thread; a thread inherits the mask of the one that starts it.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};
}  // namespace

Worker::Worker(std::string name, ErrorCode overrun)
    : name_(std::move(name)), overrun_(overrun), state_(std::make_shared<State>()) {
  const SignalsBlocked blocked;
  thread_ = std::thread([state = state_] { serve(state); });
  pthread_setname_np(thread_.native_handle(), name_.c_str());
}

Worker::~Worker() {
  std::unique_lock lock(state_->mutex);
  state_->closed = true;
  const auto dropped = std::exchange(state_->queue, {});
  state_->changed.notify_all();
  if (!overran()) state_->changed.wait_for(lock, kGrace, [this] { return state_->current == nullptr; });
  const auto running = state_->current;
  lock.unlock();

  for (const auto& task : dropped) task->drop();
  if (running) {
    spdlog::warn("{}: a call still hangs; its thread is left behind", name_);
    running->drop();
    thread_.detach();
  } else {
    thread_.join();
  }
}

void Worker::submit(std::shared_ptr<Task> task) {
  const std::lock_guard lock(state_->mutex);
  state_->queue.push_back(std::move(task));
  state_->changed.notify_all();
}

void Worker::serve(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    state->changed.wait(lock, [&] { return state->closed || !state->queue.empty(); });
    if (state->closed) return;
    state->current = std::move(state->queue.front());
    state->queue.pop_front();
    const auto task = state->current;
    lock.unlock();
    if (!task->answered) task->execute();
    lock.lock();
    // Once closed, the executor may be gone.
    if (!state->closed) task->post_result();
    state->current.reset();
    state->changed.notify_all();
  }
}

}  // namespace vss::system
