// SPDX-License-Identifier: LGPL-2.1-or-later
// vssd-lvm: runs lvm commands for the lvm provider, one after another. It is there before anything is held,
// so that nothing is executed or loaded while volumes stand still; and it is a process of its own, because
// lvm's library keeps global state, may exit, and may have to be killed.
#include <fcntl.h>
#include <lvm2cmd.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "providers/lvm/command_protocol.hpp"

namespace {

using namespace vss::lvm;

void send_line(char kind, const std::string& text) {
  std::string packet(1, kind);
  packet.append(text, 0, kLongestPacket - 1);
  // Nobody listens any more: the command goes on, its result shows in the metadata.
  [[maybe_unused]] const ssize_t sent = ::send(kCommandSocket, packet.data(), packet.size(), MSG_NOSIGNAL);
}

// Called by lvm for every message.
void take_message(int level, const char* /*file*/, int /*line*/, int /*dm_errno*/, const char* message) {
  if (level <= LVM2_LOG_ERROR) {
    send_line(kFailure, message);
  } else if (level == LVM2_LOG_PRINT) {
    send_line(kPrinted, message);
  }
}

// With each command the heap would grow by megabytes, which are made and locked at once, and shrink again. It
// stays as large as it has become before the window.
void keep_heap() {
  constexpr int kMore = 16 << 20;
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, -1);
  ::mallopt(M_TOP_PAD, kMore);
}

// A command that is under way is finished, whatever ends vssd: half of one can leave a device suspended. The
// end of the connection is the only sign to go.
void ignore_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
}

// lvm warns of descriptors that it does not know, and looks for files in the home directory.
void make_surroundings() {
  ::close_range(kCommandSocket + 1, ~0U, 0);
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < kCommandSocket; ++fd) ::dup2(null, fd);
  if (null >= kCommandSocket) ::close(null);
  ::setenv("LVM_SUPPRESS_FD_WARNINGS", "1", 1);
  ::setenv("HOME", "/nonexistent", 1);
  ::setenv("LC_ALL", "C.UTF-8", 1);
}

// What lvmconfig says of global/locking_dir, "" if it fails. It prints past the log function, so it writes
// into a file: locking_dir="/run/lock/lvm"
std::string locking_dir(void* lvm, const char* type) {
  const int file = ::memfd_create("locking_dir", MFD_CLOEXEC);
  if (file < 0) return "";
  const std::string command = std::string("lvmconfig --typeconfig ") + type + " --file /proc/self/fd/" +
                              std::to_string(file) + " global/locking_dir";
  std::array<char, PATH_MAX> text{};
  ssize_t length = 0;
  if (lvm2_run(lvm, command.c_str()) == LVM2_COMMAND_SUCCEEDED)
    length = ::pread(file, text.data(), text.size(), 0);
  ::close(file);
  const std::string_view line(text.data(), static_cast<std::size_t>(length > 0 ? length : 0));
  const std::size_t begin = line.find("=\"/");
  const std::size_t end = line.rfind('"');
  if (begin == std::string_view::npos || end <= begin + 2) return "";
  return std::string(line.substr(begin + 2, end - begin - 2));
}

// Nothing if lvm does not know: what depends on it is refused then.
void tell_locking_dir(void* lvm) {
  lvm2_log_fn(nullptr);
  std::string directory = locking_dir(lvm, "full");
  if (directory.empty()) directory = locking_dir(lvm, "default");  // "full" fails where nothing is configured
  lvm2_log_fn(&take_message);
  if (!directory.empty()) send_line(kLocks, directory);
}

struct Command {
  std::array<char, kLongestPacket + 1> line{};
  int keep = -1;  // what stays open until it has ended
};

bool receive(Command& command) {
  iovec text{command.line.data(), kLongestPacket};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(kCommandSocket, &message, MSG_CMSG_CLOEXEC);
  if (got <= 0) return false;
  command.line[static_cast<std::size_t>(got)] = '\0';
  command.keep = -1;
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS)
    std::memcpy(&command.keep, CMSG_DATA(header), sizeof command.keep);
  return true;
}

}  // namespace

int main() {
  ignore_signals();
  ::fcntl(kCommandSocket, F_SETFD, FD_CLOEXEC);
  make_surroundings();
  keep_heap();
  lvm2_log_fn(&take_message);
  void* const lvm = lvm2_init();
  if (lvm == nullptr) return 1;
  lvm2_disable_dmeventd_monitoring(lvm);
  tell_locking_dir(lvm);
  // While lvm suspends a device, no page may have to come from it. lvm locks its memory as well, for each
  // command; with all of it there already, that takes no time.
  const int locked = ::mlockall(MCL_CURRENT | MCL_FUTURE) == 0 ? 0 : errno;
  send_line(kDone, std::to_string(locked));
  if (locked != 0) return 1;

  Command command;
  while (receive(command)) {
    ::mlockall(MCL_CURRENT | MCL_FUTURE);  // has worked before
    const int status = lvm2_run(lvm, command.line.data());
    if (command.keep >= 0) ::close(command.keep);
    send_line(kDone, std::to_string(status));
  }
  lvm2_exit(lvm);
  return 0;
}
