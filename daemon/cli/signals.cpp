// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/signals.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <thread>

#include "daemon/cli/event_fd.hpp"
#include "daemon/cli/exit_codes.hpp"

namespace vss::cli {
namespace {

constexpr int kCancelAgainMs = 100;

class CancelOnSignal {
 public:
  CancelOnSignal(const SignalFd& signals, const std::function<void()>& cancel)
      : signals_(signals), cancel_(cancel), thread_([this] { watch(); }) {}
  ~CancelOnSignal() { (void)stop(); }
  CancelOnSignal(const CancelOnSignal&) = delete;
  CancelOnSignal& operator=(const CancelOnSignal&) = delete;

  // Ends the watch. Returns the signal that came, 0 if none.
  [[nodiscard]] int stop() {
    stop_.set();
    if (thread_.joinable()) thread_.join();
    return signal_;
  }

 private:
  void watch() noexcept {
    while (true) {
      std::array<pollfd, 2> polls{{{stop_.fd(), POLLIN, 0}, {signals_.fd(), POLLIN, 0}}};
      ::poll(polls.data(), polls.size(), signal_ == 0 ? -1 : kCancelAgainMs);
      if (polls[0].revents != 0) return;
      if (const auto info = signals_.next()) {
        if (signal_ != 0) ::_exit(kSignalBase + static_cast<int>(info->ssi_signo));
        signal_ = static_cast<int>(info->ssi_signo);
      }
      if (signal_ != 0) cancel_();
    }
  }

  const SignalFd& signals_;
  const std::function<void()>& cancel_;
  EventFd stop_;
  std::atomic<int> signal_ = 0;
  std::jthread thread_;
};

}  // namespace

SignalFd::SignalFd() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&wanted, signal);
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &wanted, &previous_); error != 0) {
    throw std::system_error(error, std::generic_category(), "pthread_sigmask");
  }
  fd_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
}

SignalFd::~SignalFd() { ::close(fd_); }

std::optional<signalfd_siginfo> SignalFd::next() const {
  signalfd_siginfo info{};
  if (::read(fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return info;
}

int interruptible(const SignalFd& signals, const std::function<void()>& cancel,
                  const std::function<void()>& function, const std::string& message) {
  CancelOnSignal watch(signals, cancel);
  try {
    function();
    return watch.stop();
  } catch (const Failure&) {
    if (const int signal = watch.stop(); signal != 0) throw Interrupted(signal, message);
    throw;
  }
}

}  // namespace vss::cli
