// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace vss::unit {
namespace {

[[noreturn]] void raise(const char* what, int error) {
  throw std::system_error(error, std::generic_category(), what);
}

pid_t spawn_self(const std::vector<std::string>& arguments, int input) {
  std::vector<char*> words;
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) raise("the guard cannot be started", error);
  return pid;
}

}  // namespace

Guard::Guard(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) raise("socketpair", errno);
  socket_ = UniqueFd(ends[0]);
  const UniqueFd other(ends[1]);
  pid_ = spawn_self(arguments, other.get());
}

Guard::~Guard() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Guard::arm() const {
  if (::send(socket_.get(), "f", 1, MSG_NOSIGNAL) != 1) throw std::runtime_error("the guard has ended");
}

// It sees the end of the socket, as when this process has ended.
void Guard::take_over() const { ::shutdown(socket_.get(), SHUT_WR); }

// Not reaped before the destructor, so the number stays its own.
bool Guard::has_ended() const {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid == pid_;
}

void wait_as_guard(std::chrono::milliseconds limit) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point end = Clock::time_point::max();
  for (;;) {
    const bool armed = end != Clock::time_point::max();
    const auto left = armed ? std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count() : -1;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&input, 1, static_cast<int>(armed ? std::max<std::int64_t>(left, 0) : -1));
    if (ready == 0) return;
    if (ready < 0 && errno != EINTR) raise("poll", errno);
    if (ready < 0) continue;
    char word = 0;
    if (::read(STDIN_FILENO, &word, 1) != 1) return;
    end = Clock::now() + limit;
  }
}

}  // namespace vss::unit
