// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/writer.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <optional>
#include <utility>

namespace {

// Signals are the application's: its handlers must not run on threads that it does not know.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

std::optional<vss::TimePoint> earliest(std::optional<vss::TimePoint> a, std::optional<vss::TimePoint> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

vss_writer::vss_writer(vss::WriterConfig config, const vss_writer_callbacks& callbacks, void* user)
    : engine_(std::move(config), callbacks, user, [this] { loop_.wake(); }), link_(engine_) {}

vss_writer::~vss_writer() { stop(); }

int vss_writer::start() {
  if (state_ != State::Created) return VSS_ERR_BAD_STATE;
  loop_.wake();
  if (!host_loop()) {
    const BlockedSignals blocked;
    engine_.queue().start_thread();
    thread_ = std::thread([this] { work(); });
  }
  state_ = State::Running;
  return VSS_OK;
}

int vss_writer::stop() {
  if (in_handler()) return VSS_ERR_BAD_STATE;
  stopping_ = true;
  engine_.announce_stop();
  if (thread_.joinable()) {
    loop_.wake();
    thread_.join();
  } else if (state_ == State::Running) {
    finish();
  }
  engine_.queue().stop_thread();
  state_ = State::Stopped;
  return VSS_OK;
}

int vss_writer::fd() const { return host_loop() ? loop_.fd() : static_cast<int>(VSS_ERR_BAD_STATE); }

int vss_writer::dispatch() {
  if (!host_loop() || state_ != State::Running || in_handler()) return VSS_ERR_BAD_STATE;
  turn();
  while (engine_.queue().run_one()) turn();
  arm();
  return VSS_OK;
}

void vss_writer::work() {
  while (!stopping_) {
    try {
      turn();
      arm();
      loop_.wait();
    } catch (const std::exception& error) {
      link_.give_up(error.what());
    }
  }
  try {
    finish();
  } catch (const std::exception&) {
    // Memory ran out while the writer ends: the bus tells vssd, and nothing else can be done.
    link_.close();
  }
}

// Timers first: what is late is late, whatever else has arrived meanwhile.
void vss_writer::turn() {
  loop_.acknowledge();
  const auto now = std::chrono::steady_clock::now();
  engine_.expire(now);
  engine_.deliver();
  link_.step(now);
}

void vss_writer::arm() {
  const auto request = link_.poll_request();
  auto next = earliest(engine_.next_deadline(), link_.next_retry());
  if (request.due) next = earliest(next, vss::TimePoint(*request.due));
  loop_.watch(request.fd, request.events);
  loop_.set_timer(next);
}

// The handlers of what is still open, their answers, and then off the bus.
void vss_writer::finish() {
  engine_.end_all("the writer stops");
  while (!engine_.queue().idle()) {
    engine_.deliver();
    if (host_loop()) {
      engine_.queue().run_one();
    } else if (!engine_.queue().idle()) {
      loop_.watch(-1, 0);
      loop_.set_timer(std::nullopt);
      loop_.wait();
      loop_.acknowledge();
    }
  }
  link_.close();
}
