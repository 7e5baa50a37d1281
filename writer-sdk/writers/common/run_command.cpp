// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/run_command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace vss::writers {
namespace {

using Clock = std::chrono::steady_clock;

// The end of what a program writes.
class Tail {
 public:
  // Takes what there is now; false at the end of the stream.
  bool read_from(int fd) {
    std::array<char, 4096> buffer{};
    for (;;) {
      const ssize_t bytes = ::read(fd, buffer.data(), buffer.size());
      if (bytes == 0) return false;
      if (bytes < 0) return errno == EAGAIN || errno == EINTR;
      text_.append(buffer.data(), static_cast<std::size_t>(bytes));
      if (text_.size() > kOutputLimit) text_.erase(0, text_.size() - kOutputLimit);
      // A program that writes without end must not keep us from looking at the clock.
      if (static_cast<std::size_t>(bytes) < buffer.size() || ++rounds_ % 16 == 0) return true;
    }
  }
  [[nodiscard]] std::string text() const {
    const auto end = text_.find_last_not_of(" \n\r\t");
    return end == std::string::npos ? std::string() : text_.substr(0, end + 1);
  }

 private:
  std::string text_;
  unsigned rounds_ = 0;
};

class SpawnSetup {
 public:
  explicit SpawnSetup(int output) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  // 0 or the error number.
  int spawn(pid_t& pid, const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
    return ::posix_spawn(&pid, argv.front().c_str(), &actions_, &attributes_, pointers(argv).data(),
                         pointers(environment).data());
  }

 private:
  static std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
  }

  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

// True when the process has ended, false when the time is up. It is not yet reaped, so its group keeps its
// number.
bool wait_until_ended(int pidfd, int output, Tail& tail, Clock::time_point end) {
  bool open = true;
  for (;;) {
    std::array<pollfd, 2> fds = {{{pidfd, POLLIN, 0}, {open ? output : -1, POLLIN, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (fds[1].revents != 0) open = tail.read_from(output);
    if (ready > 0 && fds[0].revents != 0) {
      // What it left behind may keep the pipe open: take what is there and do not wait for the end.
      if (open) tail.read_from(output);
      return true;
    }
    if (Clock::now() >= end) return false;
  }
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
  return "exited with " + std::to_string(WEXITSTATUS(status));
}

std::string with_output(std::string what, const Tail& tail) {
  const std::string output = tail.text();
  return output.empty() ? what : what + ": " + output;
}

std::string system_text(int error) { return std::generic_category().message(error); }

}  // namespace

std::optional<std::string> run_command(const std::vector<std::string>& argv,
                                       const std::vector<std::string>& environment,
                                       std::chrono::milliseconds limit, UniqueFd* left_open,
                                       const OnStart& on_start) {
  const std::string& program = argv.front();
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return program + ": pipe: " + system_text(errno);
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  // Only our end must not block; the program's must.
  ::fcntl(writer.get(), F_SETFL, 0);
  pid_t pid = -1;
  const int error = SpawnSetup(writer.get()).spawn(pid, argv, environment);
  if (error != 0) return program + ": " + system_text(error);
  writer.reset();
  if (on_start) on_start(pid);

  Tail tail;
  // glibc 2.36 declares pidfd_open() for C only.
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  bool timed_out = false;
  if (pidfd.get() < 0 || !wait_until_ended(pidfd.get(), reader.get(), tail, Clock::now() + limit)) {
    timed_out = true;
    ::kill(-pid, SIGTERM);
    if (pidfd.get() >= 0) wait_until_ended(pidfd.get(), reader.get(), tail, Clock::now() + kGrace);
    ::kill(-pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (timed_out) {
    return with_output(program + " was killed after its limit of " + std::to_string(limit.count()) + " ms",
                       tail);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    if (left_open != nullptr && tail.read_from(reader.get())) *left_open = std::move(reader);
    return std::nullopt;
  }
  return with_output(program + " " + describe(status), tail);
}

}  // namespace vss::writers
