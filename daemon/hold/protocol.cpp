// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/protocol.hpp"

#include <sys/uio.h>

namespace vss::hold {

namespace {
constexpr std::size_t kMostFds = kMostTargets + 1;

struct ArmMessage {
  explicit ArmMessage(Request& request) : part{&request, sizeof(request)} {
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
  }
  iovec part;
  msghdr header{};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMostFds * sizeof(int))> control{};
};

int take_fds(msghdr& header, std::span<core::UniqueFd, kMostFds> fds) noexcept {
  std::size_t count = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t in_part = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < in_part && count < fds.size(); ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
      fds[count++] = core::UniqueFd(fd);
    }
  }
  return static_cast<int>(count);
}
}  // namespace

bool send_arm(int socket, const Request& request, std::span<const int> fds) noexcept {
  if (fds.empty() || fds.size() > kMostFds) return false;
  Request copy = request;
  ArmMessage message(copy);
  message.header.msg_controllen = CMSG_SPACE(fds.size_bytes());
  cmsghdr* part = CMSG_FIRSTHDR(&message.header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(part), fds.data(), fds.size_bytes());
  return sendmsg(socket, &message.header, MSG_NOSIGNAL) == sizeof(request);
}

int receive_arm(int socket, Request& request, std::span<core::UniqueFd, kMostFds> fds) noexcept {
  ArmMessage message(request);
  message.header.msg_controllen = message.control.size();
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return -1;
  const int count = take_fds(message.header, fds);
  const bool whole = got == sizeof(request) && (message.header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
  return whole && request.magic == kProtocolMagic && request.kind == RequestKind::Arm ? count : -1;
}

}  // namespace vss::hold
