// SPDX-License-Identifier: LGPL-2.1-or-later
// Speaks the protocol of vssd-lvm and knows no lvm: "say TEXT" prints, "fail TEXT" fails, "hang" never
// answers, "die" ends at once.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "providers/lvm/command_protocol.hpp"

namespace {

using namespace vss::lvm;

void send_line(char kind, const std::string& text) {
  const std::string packet = kind + text;
  [[maybe_unused]] const ssize_t sent = ::send(kCommandSocket, packet.data(), packet.size(), MSG_NOSIGNAL);
}

}  // namespace

int main() {
  send_line(kDone, "0");
  std::array<char, kLongestPacket> buffer{};
  for (;;) {
    const ssize_t got = ::recv(kCommandSocket, buffer.data(), buffer.size(), 0);
    if (got <= 0) return 0;
    const std::string command(buffer.data(), static_cast<std::size_t>(got));
    if (command == "die") return 7;
    if (command == "hang") {
      while (::recv(kCommandSocket, buffer.data(), buffer.size(), 0) > 0) {
      }
      return 0;
    }
    const bool fails = command.starts_with("fail ");
    send_line(fails ? kFailure : kPrinted, command.substr(5 - (fails ? 0 : 1)));
    send_line(kDone, fails ? "5" : "1");
  }
}
