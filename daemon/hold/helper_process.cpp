// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/helper_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include "daemon/hold/protocol.hpp"

namespace vss::hold {

using core::errno_error;
using core::fail;

namespace {
// A helper must not inherit what vssd ignores or blocks, nor its terminal's job control.
class SpawnSettings {
 public:
  explicit SpawnSettings(int socket) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, socket, kHelperSocket);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    sigset_t set;
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes_, &set);
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attributes_, &set);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

core::Status wait_for_armed(int socket, std::chrono::milliseconds patience) {
  pollfd wait{socket, POLLIN, 0};
  const int ready = poll(&wait, 1, static_cast<int>(patience.count()));
  if (ready < 0) return fail(errno_error(errno, "waiting for vssd-hold"));
  if (ready == 0)
    return fail(ErrorCode::Unexpected,
                "vssd-hold was not ready within " + std::to_string(patience.count()) + " ms");
  Reply reply;
  if (receive_message(socket, reply) != Received::Message || reply.kind != ReplyKind::Armed)
    return fail(ErrorCode::Unexpected, "vssd-hold ended before it was ready");
  if (reply.error != 0) return fail(errno_error(reply.error, "vssd-hold could not prepare itself"));
  return {};
}
}  // namespace

core::Result<HelperProcess> HelperProcess::start(const std::filesystem::path& program) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(errno_error(errno, "socketpair"));
  HelperProcess helper;
  helper.socket_ = core::UniqueFd(ends[0]);
  const core::UniqueFd theirs(ends[1]);

  const SpawnSettings settings(theirs.get());
  std::string name = program.string();
  std::string serve = "--serve";
  std::array<char*, 3> arguments{name.data(), serve.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, name.c_str(), settings.actions(), settings.attributes(),
                                arguments.data(), environment.data());
  if (error != 0) return fail(errno_error(error, "starting " + name));
  helper.pid_ = pid;
  helper.pidfd_ = core::UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!helper.pidfd_) return fail(errno_error(errno, "pidfd_open"));
  return helper;
}

HelperProcess::HelperProcess(HelperProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      socket_(std::move(other.socket_)),
      pidfd_(std::move(other.pidfd_)) {}

HelperProcess::~HelperProcess() {
  if (pid_ <= 0 || !socket_) return;  // moved from or given away
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

core::Status HelperProcess::arm(std::span<const int> fds, std::chrono::nanoseconds limit,
                                std::chrono::milliseconds patience) {
  Request request;
  request.kind = RequestKind::Arm;
  request.limit_ns = limit.count();
  if (!send_arm(socket_.get(), request, fds)) return fail(errno_error(errno, "handing over to vssd-hold"));
  return wait_for_armed(socket_.get(), patience);
}

}  // namespace vss::hold
