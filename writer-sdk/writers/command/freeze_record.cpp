// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/command/freeze_record.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "writer-sdk/common/unique_fd.hpp"

namespace vss::command {
namespace {

// For one that is killed to be gone.
constexpr int kEndLimitMs = 1000;

// Since the boot, in ticks: with it the number of a process is its own. "" if there is no such process.
std::string start_time_of(pid_t pid) {
  std::string line;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return field;
}

bool has_ended(int process, int limit_ms) {
  pollfd end{process, POLLIN, 0};
  return ::poll(&end, 1, limit_ms) > 0;
}

}  // namespace

void FreezeRecord::add_command(pid_t leader) const {
  if (is_frozen()) lines_.add(std::to_string(leader) + " " + start_time_of(leader));
}

bool FreezeRecord::end_commands() const {
  bool all_ended = true;
  for (const std::string& line : lines_.read().value_or(std::vector<std::string>())) {
    pid_t leader = 0;
    std::string start_time;
    if (!(std::istringstream(line) >> leader >> start_time) || leader <= 1) continue;
    // glibc 2.36 declares pidfd_open() for C only.
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, leader, 0U)));
    if (process.get() < 0 || has_ended(process.get(), 0) || start_time_of(leader) != start_time) continue;
    ::kill(-leader, SIGKILL);
    all_ended = has_ended(process.get(), kEndLimitMs) && all_ended;
  }
  return all_ended;
}

}  // namespace vss::command
