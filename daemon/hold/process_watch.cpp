// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/process_watch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>

namespace vss::hold {

namespace {
// 0 if there is no such process.
std::uint64_t start_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return 0;
  const std::size_t end_of_name = line.rfind(')');  // the name may contain spaces and brackets
  if (end_of_name == std::string::npos) return 0;
  std::istringstream fields(line.substr(end_of_name + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  std::uint64_t start = 0;
  fields >> start;
  return start;
}

int pidfd_open(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }
}  // namespace

ProcessIdentity this_process() { return {getpid(), 0, start_of(getpid())}; }

ProcessWatch::ProcessWatch(const ProcessIdentity& identity) : pid_(identity.pid) {
  if (identity.pid <= 0) return;
  UniqueFd pidfd(pidfd_open(identity.pid));
  // In this order: the descriptor stays with the process whose start time is read.
  if (start_of(identity.pid) == identity.start) pidfd_ = std::move(pidfd);
}

ProcessWatch::ProcessWatch(pid_t pid, int pidfd) : pid_(pid), pidfd_(fcntl(pidfd, F_DUPFD_CLOEXEC, 3)) {}

bool ProcessWatch::gone(std::chrono::milliseconds limit) const {
  if (!pidfd_) return true;
  const auto end = std::chrono::steady_clock::now() + limit;
  pollfd wait{pidfd_.get(), POLLIN, 0};
  for (auto left = limit;;) {
    const int ready =
        poll(&wait, 1, left.count() < 0 && limit.count() < 0 ? -1 : static_cast<int>(left.count()));
    if (ready >= 0 || errno != EINTR) return ready == 1;
    if (limit.count() >= 0) {
      left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      if (left.count() < 0) left = std::chrono::milliseconds(0);
    }
  }
}

void ProcessWatch::send(int signal) const {
  if (pidfd_) syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}

}  // namespace vss::hold
