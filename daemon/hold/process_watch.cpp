// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/process_watch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

namespace vss::hold {

namespace {
using Clock = std::chrono::steady_clock;

constexpr int kLookAgainMs = 20;  // for a process that has no descriptor to wait on

struct ProcessStat {
  char state = 0;
  std::uint64_t start = 0;
};

// Nothing if it cannot be read, for whatever reason.
std::optional<ProcessStat> stat_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const std::size_t end_of_name = line.rfind(')');  // the name may contain spaces and brackets
  if (end_of_name == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(end_of_name + 1));
  ProcessStat stat;
  fields >> stat.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  if (!(fields >> stat.start)) return std::nullopt;
  return stat;
}

int pidfd_open(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

bool no_such_process(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

// For poll(2), rounded up.
int left_until(Clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}
}  // namespace

ProcessIdentity this_process() {
  const auto stat = stat_of(getpid());
  return {getpid(), 0, stat ? stat->start : 0};
}

ProcessWatch::ProcessWatch(const ProcessIdentity& identity)
    : pid_(identity.pid), known_gone_(identity.pid <= 0) {
  if (known_gone_) return;
  core::UniqueFd pidfd(pidfd_open(pid_));
  // In this order: the descriptor stays with the process whose start time is read.
  const auto stat = stat_of(pid_);
  const bool another = stat && identity.start != 0 && stat->start != identity.start;
  known_gone_ = another || (!pidfd && no_such_process(pid_));
  if (!known_gone_) pidfd_ = std::move(pidfd);
}

ProcessWatch::ProcessWatch(pid_t pid, int pidfd) : pid_(pid), pidfd_(fcntl(pidfd, F_DUPFD_CLOEXEC, 3)) {}

bool ProcessWatch::gone(std::chrono::milliseconds limit) const {
  if (known_gone_) return true;
  const bool for_ever = limit.count() < 0;
  const auto end = Clock::now() + limit;
  pollfd wait{pidfd_.get(), POLLIN, 0};  // poll(2) ignores a descriptor that is negative
  for (;;) {
    const int left = for_ever ? -1 : left_until(end);
    const bool look_again = !pidfd_ && (for_ever || left > kLookAgainMs);
    const int ready = poll(&wait, 1, look_again ? kLookAgainMs : left);
    if (ready == 1) return (wait.revents & POLLIN) != 0;
    if (!pidfd_ && no_such_process(pid_)) return true;
    if (ready < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (!for_ever && left == 0) return false;
  }
}

bool ProcessWatch::ended() const {
  if (gone()) return true;
  const auto stat = stat_of(pid_);
  return stat && (stat->state == 'Z' || stat->state == 'X');
}

void ProcessWatch::send(int signal) const {
  if (pidfd_) syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}

}  // namespace vss::hold
