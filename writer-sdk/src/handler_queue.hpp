// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Runs the handlers one after another in the order of arrival: on a thread of its own, or on the host's in
// run_one(). What they answer is collected for the loop thread. push, take_done, idle: loop thread.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "writer-sdk/src/event.hpp"

namespace vss {

struct Job {
  std::function<Answer()> run;                   // handler thread; must not throw
  std::function<void(const Answer&)> on_answer;  // loop thread
};

class HandlerQueue {
 public:
  struct Done {
    Answer answer;
    std::function<void(const Answer&)> on_answer;
  };

  // `wake` is called, on the handler thread, when there is something to take.
  explicit HandlerQueue(std::function<void()> wake) : wake_(std::move(wake)) {}
  ~HandlerQueue() { stop_thread(); }
  HandlerQueue(const HandlerQueue&) = delete;
  HandlerQueue& operator=(const HandlerQueue&) = delete;

  void start_thread();
  // Runs what is still queued, then ends the thread.
  void stop_thread();

  void push(Job job);
  // Runs the next job on this thread; false if there is none.
  bool run_one();
  [[nodiscard]] std::vector<Done> take_done();
  // Nothing queued, running or to be taken.
  [[nodiscard]] bool idle() const;
  // True inside a handler.
  [[nodiscard]] bool on_handler_thread() const;

 private:
  void work();

  std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_;
  std::vector<Done> done_;
  std::thread::id running_on_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vss
