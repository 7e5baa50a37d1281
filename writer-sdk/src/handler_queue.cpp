// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/handler_queue.hpp"

#include <utility>

namespace vss {

void HandlerQueue::start_thread() {
  thread_ = std::thread([this] { work(); });
}

void HandlerQueue::stop_thread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void HandlerQueue::push(Job job) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
  }
  changed_.notify_all();
}

bool HandlerQueue::run_one() {
  Job job;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return false;
    job = std::move(queue_.front());
    queue_.pop_front();
    running_on_ = std::this_thread::get_id();
  }
  Answer answer = job.run();
  {
    const std::lock_guard lock(mutex_);
    done_.push_back({std::move(answer), std::move(job.on_answer)});
    running_on_ = {};
  }
  wake_();
  return true;
}

std::vector<HandlerQueue::Done> HandlerQueue::take_done() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

bool HandlerQueue::idle() const {
  const std::lock_guard lock(mutex_);
  return queue_.empty() && done_.empty() && running_on_ == std::thread::id();
}

bool HandlerQueue::on_handler_thread() const {
  const std::lock_guard lock(mutex_);
  return running_on_ == std::this_thread::get_id();
}

void HandlerQueue::work() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
    }
    run_one();
  }
}

}  // namespace vss
