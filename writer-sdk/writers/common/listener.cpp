// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/listener.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "writer-sdk/common/unique_fd.hpp"
#include "writer-sdk/writers/common/places.hpp"

namespace vss::writers {
namespace {

namespace fs = std::filesystem;

// __SO_ACCEPTCON of linux/net.h, which programs do not get.
constexpr unsigned long kTakesConnections = 0x10000;

[[noreturn]] void fail(int error, const fs::path& socket) {
  throw std::system_error(error, std::generic_category(), socket.string() + ": does a server run?");
}

// The kernel knows a socket by the name that it was given, for as long as somebody has it open:
// proc_pid_net(5).
bool is_known_to_kernel(const fs::path& socket) {
  std::ifstream sockets("/proc/self/net/unix");
  if (!sockets) fail(errno, socket);
  std::string line;
  std::getline(sockets, line);
  while (std::getline(sockets, line)) {
    std::istringstream words(line);
    std::string address, references, protocol, flags, type, state, inode, name;
    words >> address >> references >> protocol >> flags >> type >> state >> inode >> std::ws;
    std::getline(words, name);
    if (name.empty() || (std::stoul(flags, nullptr, 16) & kTakesConnections) == 0) continue;
    if (is_same_place(name, socket)) return true;
  }
  return false;
}

}  // namespace

bool is_listened_to(const fs::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.native().size() >= sizeof address.sun_path) fail(ENAMETOOLONG, socket);
  std::ranges::copy(socket.native(), address.sun_path);
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) fail(errno, socket);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  if (errno == EAGAIN) return true;
  if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED) return is_known_to_kernel(socket);
  fail(errno, socket);
}

}  // namespace vss::writers
