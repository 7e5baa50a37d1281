// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/event_loop.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace vss {
namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

// What is left in the counter does not matter: both descriptors do not block.
void drain(int fd) {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto bytes = ::read(fd, &count, sizeof count);
}

// poll(2) and epoll(7) use the same bits on Linux.
static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLPRI == EPOLLPRI);

}  // namespace

EventLoop::EventLoop()
    : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
      timer_(checked(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create")) {
  add(wake_.get());
  add(timer_.get());
}

void EventLoop::add(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

void EventLoop::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto bytes = ::write(wake_.get(), &one, sizeof one);
}

void EventLoop::watch(int fd, short events) {
  const auto wanted = static_cast<std::uint32_t>(static_cast<unsigned short>(events));
  if (fd == watched_ && wanted == watched_events_) return;
  // A descriptor that was closed has left the set by itself.
  if (watched_ >= 0 && fd != watched_) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watched_, nullptr);
  const int operation = fd == watched_ ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  watched_ = -1;
  if (fd < 0) return;
  epoll_event event{};
  event.events = wanted;
  event.data.fd = fd;
  checked(::epoll_ctl(epoll_.get(), operation, fd, &event), "epoll_ctl");
  watched_ = fd;
  watched_events_ = wanted;
}

void EventLoop::set_timer(std::optional<std::chrono::steady_clock::time_point> when) {
  itimerspec timer{};
  if (when) {
    // Zero would disarm it.
    const auto nanoseconds = std::max<std::int64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(when->time_since_epoch()).count(), 1);
    timer.it_value.tv_sec = nanoseconds / 1'000'000'000;
    timer.it_value.tv_nsec = nanoseconds % 1'000'000'000;
  }
  checked(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &timer, nullptr), "timerfd_settime");
}

void EventLoop::wait() const {
  epoll_event event{};
  if (::epoll_wait(epoll_.get(), &event, 1, -1) < 0 && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), "epoll_wait");
  }
}

void EventLoop::acknowledge() {
  drain(wake_.get());
  drain(timer_.get());
}

}  // namespace vss
