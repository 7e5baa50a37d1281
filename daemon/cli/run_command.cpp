// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/run_command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc before 2.37 declares it without C linkage.
extern "C" {
#include <sys/pidfd.h>
}

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
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
  constexpr std::array<std::string_view, 6> kOurs = {"VSS_SET_ID=", "VSS_SNAPSHOT", "VSS_VOLUME",
                                                     "VSS_SHADOW_", "VSS_RESTORE_", "VSS_DOCUMENT="};
  return std::any_of(kOurs.begin(), kOurs.end(), [&](auto ours) { return variable.starts_with(ours); });
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

// What went wrong between fork and exec, and where.
struct Trouble {
  static constexpr int kNamespace = -1;
  static constexpr int kExec = -2;
  static constexpr int kDirectory = -3;
  int at = kNamespace;  // or the index of a mount
  int error = 0;
};

// In the child of a fork: system calls only.
Trouble stand_in_place(const std::vector<InPlace>& mounts, const std::string& directory) noexcept {
  // What is unmounted outside goes from here as well: a copy of each mount would keep other snapshots busy.
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return {Trouble::kNamespace, errno};
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    if (::mount(mounts[i].from.c_str(), mounts[i].at.c_str(), nullptr, MS_BIND, nullptr) != 0)
      return {static_cast<int>(i), errno};
  }
  // Where we are is still the volume itself.
  if (::chdir(directory.c_str()) != 0) return {Trouble::kDirectory, errno};
  return {};
}

[[noreturn]] void throw_not_started(const std::string& program, int error) {
  throw Failure(static_cast<ExitCode>(error == ENOENT ? kNotFound : kCannotExecute), "CommandNotStarted",
                "run " + program, std::generic_category().message(error));
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

std::vector<InPlace> snapshots_in_place(const Json& set) {
  std::vector<InPlace> mounts;
  for (const Json& snapshot : set.at("snapshots")) {
    const std::string volume = text(snapshot, "volume");
    if (volume == "/") {
      throw Failure(ErrorCode::NotSupported, "run --in-place",
                    "the root filesystem is in the set; its snapshot cannot stand at /");
    }
    mounts.push_back({text(snapshot, "path"), volume});
  }
  std::sort(mounts.begin(), mounts.end(), [](const InPlace& a, const InPlace& b) { return a.at < b.at; });
  return mounts;
}

Command::Command(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
                 const sigset_t& signal_mask, const std::vector<InPlace>& mounts) {
  const std::vector<std::string> strings = merged(environment);
  const std::vector<char*> words = pointers(argv);
  const std::vector<char*> variables = pointers(strings);
  if (mounts.empty()) {
    spawn(words.data(), variables.data(), signal_mask);
  } else {
    spawn_in_place(words.data(), variables.data(), signal_mask, mounts);
  }
  pid_fd_ = ::pidfd_open(pid_, 0);
  if (pid_fd_ < 0) {
    const int reason = errno;
    send(SIGTERM);
    (void)reap();
    throw std::system_error(reason, std::generic_category(), "pidfd_open");
  }
}

void Command::spawn(char* const* argv, char* const* environment, const sigset_t& signal_mask) {
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setsigmask(&attributes, &signal_mask);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int error = ::posix_spawnp(&pid_, argv[0], nullptr, &attributes, argv, environment);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) throw_not_started(argv[0], error);
}

void Command::spawn_in_place(char* const* argv, char* const* environment, const sigset_t& signal_mask,
                             const std::vector<InPlace>& mounts) {
  const std::string directory = std::filesystem::current_path();
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  pid_ = ::fork();
  if (pid_ == 0) {
    // Other threads may have held any lock: system calls only. The pipe ends with exec.
    Trouble trouble = stand_in_place(mounts, directory);
    if (trouble.error == 0) {
      ::sigprocmask(SIG_SETMASK, &signal_mask, nullptr);
      ::execvpe(argv[0], argv, environment);
      trouble = {Trouble::kExec, errno};
    }
    (void)!::write(pipe[1], &trouble, sizeof trouble);
    ::_exit(kCannotExecute);
  }
  const int fork_error = errno;
  ::close(pipe[1]);
  Trouble trouble{Trouble::kExec, 0};
  ssize_t got = 0;
  if (pid_ > 0) {
    while ((got = ::read(pipe[0], &trouble, sizeof trouble)) < 0 && errno == EINTR) continue;
  }
  ::close(pipe[0]);
  if (pid_ < 0) throw std::system_error(fork_error, std::generic_category(), "fork");
  if (got == 0) return;
  (void)reap();
  if (trouble.at == Trouble::kExec) throw_not_started(argv[0], trouble.error);
  std::string what = "make a mount namespace";
  if (trouble.at == Trouble::kDirectory) what = "go to " + directory + " in the snapshots";
  if (trouble.at >= 0) what = "mount at " + mounts.at(static_cast<std::size_t>(trouble.at)).at;
  const std::string message = std::generic_category().message(trouble.error);
  if (trouble.error == EPERM) throw Failure(ErrorCode::AccessDenied, what, message);
  throw Failure(ExitCode::General, "SystemError", what, message);
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
