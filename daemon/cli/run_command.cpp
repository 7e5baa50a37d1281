// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/run_command.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc before 2.37 declares it without C linkage.
extern "C" {
#include <sys/pidfd.h>
}

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "daemon/cli/failure.hpp"

namespace vss::cli {
namespace {

constexpr int kCannotExecute = 126;
constexpr int kNotFound = 127;

// What posix_spawn wants: pointers to the strings, then nullptr. The strings must outlive it.
std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

bool is_ours(std::string_view variable) {
  return variable.starts_with("VSS_SET_ID=") || variable.starts_with("VSS_SNAPSHOT") ||
         variable.starts_with("VSS_VOLUME");
}

// Our environment with the set's variables; those of an outer vssctl are left out.
std::vector<std::string> merged(const std::vector<std::string>& set_variables) {
  std::vector<std::string> environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!is_ours(*variable)) environment.emplace_back(*variable);
  }
  environment.insert(environment.end(), set_variables.begin(), set_variables.end());
  return environment;
}

}  // namespace

std::vector<std::string> set_environment(const Json& set) {
  std::vector<std::string> environment{"VSS_SET_ID=" + text(set, "set_id"),
                                       "VSS_SNAPSHOT_SET=" + text(set, "set_id")};
  std::string volumes;
  std::string snapshots;
  int number = 0;
  for (const Json& snapshot : set.at("snapshots")) {
    ++number;
    const std::string volume = text(snapshot, "volume");
    const std::string path = text(snapshot, "path");
    environment.push_back(fmt::format("VSS_VOLUME_{}={}", number, volume));
    environment.push_back(fmt::format("VSS_SNAPSHOT_{}={}", number, path));
    volumes += (number == 1 ? "" : "\n") + volume;
    snapshots += (number == 1 ? "" : "\n") + path;
  }
  environment.push_back("VSS_VOLUMES=" + volumes);
  environment.push_back("VSS_SNAPSHOTS=" + snapshots);
  return environment;
}

Command::Command(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
                 const sigset_t& signal_mask) {
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setsigmask(&attributes, &signal_mask);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const std::vector<std::string> strings = merged(environment);
  const int error = ::posix_spawnp(&pid_, argv.front().c_str(), nullptr, &attributes, pointers(argv).data(),
                                   pointers(strings).data());
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    throw Failure(static_cast<ExitCode>(error == ENOENT ? kNotFound : kCannotExecute), "CommandNotStarted",
                  "run " + argv.front(), std::generic_category().message(error));
  }
  pid_fd_ = ::pidfd_open(pid_, 0);
  if (pid_fd_ < 0) {
    const int reason = errno;
    send(SIGTERM);
    (void)reap();
    throw std::system_error(reason, std::generic_category(), "pidfd_open");
  }
}

Command::~Command() {
  if (pid_fd_ >= 0) ::close(pid_fd_);
}

CommandEnd Command::wait(const SignalFd& signals, const EventFd& lost) {
  CommandEnd end;
  while (true) {
    // A negative descriptor is passed over: once lost, there is nothing more to learn from it.
    std::array<pollfd, 3> polls{
        {{pid_fd_, POLLIN, 0}, {signals.fd(), POLLIN, 0}, {end.lost ? -1 : lost.fd(), POLLIN, 0}}};
    if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "poll");
    }
    if (polls[2].revents != 0) {
      end.lost = true;
      send(SIGTERM);
    }
    while (const auto info = signals.next()) {
      // What a terminal sends goes to its whole foreground group, so the command has it already.
      if (info->ssi_code != SI_KERNEL) send(static_cast<int>(info->ssi_signo));
    }
    if (polls[0].revents != 0) {
      end.status = reap();
      return end;
    }
  }
}

void Command::send(int signal) const { ::kill(pid_, signal); }

int Command::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
  }
  return WIFSIGNALED(status) ? kSignalBase + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace vss::cli
