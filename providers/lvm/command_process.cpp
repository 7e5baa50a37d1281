// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/command_process.hpp"

#include <lvm2cmd.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "providers/lvm/command_protocol.hpp"
#include "vss/provider_module.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): not in every libc's unistd.h

namespace vss::lvm {

namespace {

using namespace std::chrono_literals;

constexpr int kEndLimitMs = 3000;
constexpr auto kLookAround = 100ms;  // how soon a cancelled command is seen

// lvm splits a line into words again, by blanks and quotes.
std::string command_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (word.find_first_of("'\\\n") != std::string::npos) {
      throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT, "not a word for lvm: " + word);
    }
    const bool quoted = word.empty() || word.find_first_of(" \"") != std::string::npos;
    line += (line.empty() ? "" : " ") + (quoted ? "'" + word + "'" : word);
  }
  if (line.size() >= kLongestPacket)
    throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT, "an lvm command is too long");
  return line;
}

std::string name_of(const std::vector<std::string>& words) { return "lvm " + words.front(); }

bool send_command(int socket, std::string line, int keep) {
  iovec text{line.data(), line.size()};
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (keep >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &keep, sizeof keep);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0;
}

// Those that the kernel has kept when they were killed; they are reaped when it lets them go.
struct Kept {
  std::mutex mutex;
  std::vector<pid_t> pids;
};

Kept& kept() {
  static Kept all;
  return all;
}

void add_words(std::string& text, const std::string& line) { text += (text.empty() ? "" : " ") + line; }

[[noreturn]] void cannot_start(const std::string& what, int error) {
  throw ProviderError(VSS_PROVIDER_E_VETO,
                      "cannot start " + what + ": " + std::generic_category().message(error));
}

}  // namespace

bool CommandResult::succeeded() const { return status == LVM2_COMMAND_SUCCEEDED; }

std::string CommandResult::message() const {
  std::string text;
  for (const std::string& line : failures.empty() ? printed : failures) add_words(text, line);
  return text.empty() ? "lvm ended with status " + std::to_string(status) : text;
}

bool CommandResult::mentions(std::string_view text, std::string_view other) const {
  return std::ranges::any_of(failures, [&](const std::string& line) {
    return line.find(text) != std::string::npos && line.find(other) != std::string::npos;
  });
}

void CommandProcess::start(const Patience& patience) {
  if (is_running()) return;
  if (pid_ != 0) (void)how_it_ended();  // somebody has killed it while it was idle
  (void)one_outlives_its_end();
  spawn();
  wait_until_ready(patience);
}

void CommandProcess::spawn() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) throw_errno("socketpair");
  socket_.reset(ends[0]);
  const UniqueFd theirs(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), kCommandSocket);
  std::array<char*, 2> arguments{program_.data(), nullptr};
  const int error = ::posix_spawn(&pid_, program_.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    pid_ = 0;
    cannot_start(program_, error);
  }
}

// lvm may warn of its configuration before it is ready; if it never is, that is the reason.
// Where the locks are is remembered then: what has been left suspended is looked at with them.
void CommandProcess::wait_until_ready(const Patience& patience) {
  std::string said;
  for (;;) {
    Packet packet = [&] {
      try {
        return receive(patience);
      } catch (const ProviderError& error) {
        throw ProviderError(error.status(), "cannot start lvm: " + std::string(error.what()) +
                                                (said.empty() ? "" : ": " + said));
      }
    }();
    if (packet.kind == kLocks) {
      locking_dir_ = std::move(packet.text);
    } else if (packet.kind != kDone) {
      add_words(said, packet.text);
    } else if (const int failure = std::atoi(packet.text.c_str()); failure != 0) {
      (void)how_it_ended();
      cannot_start(program_ + " with its memory locked", failure);
    } else {
      return;
    }
  }
}

CommandResult CommandProcess::run(const std::vector<std::string>& words, const Patience& patience, int keep) {
  const std::string line = command_line(words);
  const auto check_time = [&] {
    if (patience.is_over())
      throw ProviderError(VSS_PROVIDER_E_VETO, name_of(words) + ": its time was over before it began");
  };
  check_time();
  start({std::min(patience.deadline, std::chrono::steady_clock::now() + kStartLimit), patience.cancelled});
  check_time();
  if (!send_command(socket_.get(), line, keep)) {
    throw ProviderError(VSS_PROVIDER_E_VETO, name_of(words) + ": " + how_it_ended());
  }
  CommandResult result;
  for (;;) {
    Packet packet = [&] {
      try {
        return receive(patience);
      } catch (const ProviderError& error) {
        if (lost_) lost_(locking_dir_);
        throw ProviderError(error.status(), name_of(words) + ": " + error.what());
      }
    }();
    if (packet.kind == kDone) {
      result.status = std::atoi(packet.text.c_str());
      return result;
    }
    (packet.kind == kFailure ? result.failures : result.printed).push_back(std::move(packet.text));
  }
}

CommandProcess::Packet CommandProcess::receive(const Patience& patience) {
  for (;;) {
    if (patience.is_over()) {
      kill();
      throw ProviderError(VSS_PROVIDER_E_VETO, "it did not end in time and was killed");
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(patience.deadline - std::chrono::steady_clock::now());
    pollfd readable{socket_.get(), POLLIN, 0};
    if (::poll(&readable, 1,
               static_cast<int>(std::min<std::chrono::milliseconds>(left, kLookAround).count())) <= 0)
      continue;
    std::array<char, kLongestPacket> buffer{};
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) return {buffer[0], std::string(buffer.data() + 1, static_cast<std::size_t>(got) - 1)};
    // The process is gone before what it left is put right: until then it may go on.
    throw ProviderError(VSS_PROVIDER_E_VETO, how_it_ended());
  }
}

void CommandProcess::kill() noexcept {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  (void)how_it_ended();
}

bool CommandProcess::is_running() const noexcept {
  if (pid_ == 0) return false;
  pollfd connection{socket_.get(), POLLIN, 0};
  return ::poll(&connection, 1, 0) == 0;
}

std::string CommandProcess::how_it_ended() noexcept {
  socket_.reset();  // an idle one ends now
  const pid_t pid = std::exchange(pid_, 0);
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{process.get(), POLLIN, 0};
  int how = 0;
  (void)::poll(&ended, 1, kEndLimitMs);
  const pid_t reaped = ::waitpid(pid, &how, WNOHANG);
  if (reaped == 0) {
    const std::lock_guard lock(kept().mutex);
    kept().pids.push_back(pid);
    return program_ + " does not end";
  }
  if (reaped != pid) return program_ + " is gone";
  if (WIFSIGNALED(how)) return program_ + " was killed by signal " + std::to_string(WTERMSIG(how));
  return program_ + " ended with status " + std::to_string(WEXITSTATUS(how));
}

void CommandProcess::set_urgent(bool urgent) noexcept {
  if (pid_ == 0) return;
  sched_param priority{};
  priority.sched_priority = urgent ? ::sched_get_priority_min(SCHED_RR) : 0;
  // Without the capability it only takes longer.
  (void)::sched_setscheduler(pid_, urgent ? SCHED_RR | SCHED_RESET_ON_FORK : SCHED_OTHER, &priority);
}

void CommandProcess::stop() noexcept {
  if (pid_ != 0) (void)how_it_ended();
  (void)one_outlives_its_end();
}

bool one_outlives_its_end() noexcept {
  const std::lock_guard lock(kept().mutex);
  std::erase_if(kept().pids, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
  return !kept().pids.empty();
}

}  // namespace vss::lvm
