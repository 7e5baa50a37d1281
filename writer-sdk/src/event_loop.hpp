// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One descriptor that is readable when a bus connection, a timer or a call of wake() wants attention.
// wake(): any thread, also from a handler. The rest: loop thread.

#include <sys/epoll.h>

#include <chrono>
#include <optional>

#include "writer-sdk/common/unique_fd.hpp"

namespace vss {

class EventLoop {
 public:
  EventLoop();  // throws std::system_error

  [[nodiscard]] int fd() const { return epoll_.get(); }
  void wake() noexcept;
  // Watches this descriptor, and no other, for `events` of poll(2); -1 watches none.
  void watch(int fd, short events);
  // Readable at that time; never without one.
  void set_timer(std::optional<std::chrono::steady_clock::time_point> when);
  // Sleeps until there is something.
  void wait() const;
  // Takes back wake() and an expired timer.
  void acknowledge();

 private:
  void add(int fd);

  UniqueFd epoll_;
  UniqueFd wake_;
  UniqueFd timer_;
  int watched_ = -1;
  std::uint32_t watched_events_ = 0;
};

}  // namespace vss
