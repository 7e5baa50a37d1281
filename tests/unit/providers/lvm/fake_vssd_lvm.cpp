// SPDX-License-Identifier: LGPL-2.1-or-later
// Speaks the protocol of vssd-lvm and knows no lvm: "say TEXT" prints, "fail TEXT" fails, "hang" never
// answers, "die" ends at once, "linger" is not gone when it is killed, as long as somebody has the other end
// of the pipe open that comes with the command. FAKE_LVM_AT_START: what it does before it is ready.
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "providers/lvm/command_protocol.hpp"

namespace {

using namespace vss::lvm;

void send_line(char kind, const std::string& text) {
  const std::string packet = kind + text;
  [[maybe_unused]] const ssize_t sent = ::send(kCommandSocket, packet.data(), packet.size(), MSG_NOSIGNAL);
}

struct Command {
  std::string text;
  int keep = -1;
};

bool receive(Command& command) {
  std::array<char, kLongestPacket> buffer{};
  iovec text{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(kCommandSocket, &message, 0);
  if (got <= 0) return false;
  command.text.assign(buffer.data(), static_cast<std::size_t>(got));
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr)
    std::memcpy(&command.keep, CMSG_DATA(header), sizeof command.keep);
  return true;
}

void hang() {
  Command more;
  while (receive(more)) {
  }
}

// Who is traced is not gone for its parent before it is for the tracer.
void outlive_the_kill(int pipe) {
  ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  const pid_t self = ::getpid();
  if (::fork() == 0) {
    const bool traces = ::ptrace(PTRACE_SEIZE, self, nullptr, nullptr) == 0;
    if (!traces) send_line(kFailure, "may not trace");
    if (!traces) send_line(kDone, "5");
    ::close(kCommandSocket);
    char end = 0;
    if (traces) [[maybe_unused]]
      const ssize_t got = ::read(pipe, &end, 1);
    ::_exit(0);
  }
  ::close(pipe);
  hang();
}

}  // namespace

int main() {
  const char* const at_start = std::getenv("FAKE_LVM_AT_START");
  const std::string_view what = at_start != nullptr ? at_start : "";
  if (!what.empty()) {
    send_line(kPrinted, "system_id_source set to lvmlocal without a system_id");
    send_line(kFailure, "the configuration is odd");
  }
  if (what == "fail") return 1;
  if (what == "hang") hang();
  send_line(kLocks, "/run/locks of lvm");
  send_line(kDone, "0");
  for (Command command; receive(command);) {
    if (command.text == "die") return 7;
    if (command.text == "hang") {
      hang();
      return 0;
    }
    if (command.text == "linger") {
      outlive_the_kill(command.keep);
      return 0;
    }
    const bool fails = command.text.starts_with("fail ");
    send_line(fails ? kFailure : kPrinted, command.text.substr(5 - (fails ? 0 : 1)));
    send_line(kDone, fails ? "5" : "1");
  }
  return 0;
}
