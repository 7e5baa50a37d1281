// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What vssd and vssd-hold say to each other: messages of a fixed size over a SOCK_SEQPACKET pair. Both ends
// are of one build and on one machine: values go in the byte order of the machine.
//
//   vssd: Arm (descriptors: the record, then one per target in the order of the record)  -> Armed
//   vssd: Hold target                                                                     -> Held
//   vssd: Release target                                                                  -> Released
//   vssd: Finish, or the end of the connection    -> everything is released, the process ends
//   vssd-hold by itself: LetGo, when it begins to release everything (limit, SIGTERM)

#include <sys/socket.h>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "daemon/core/unique_fd.hpp"
#include "daemon/hold/record.hpp"

namespace vss::hold {

inline constexpr int kHelperSocket = 3;                      // where vssd-hold finds its end
inline constexpr std::uint32_t kProtocolMagic = 0x56534801;  // "VSH", version 1

enum class RequestKind : std::uint32_t { Arm = 1, Hold, Release, Finish };
struct Request {
  std::uint32_t magic = kProtocolMagic;
  RequestKind kind = RequestKind::Finish;
  std::uint32_t target = 0;
  std::uint32_t reserved = 0;
  std::int64_t limit_ns = 0;  // Arm: from the first hold to the last release
};

enum class ReplyKind : std::uint32_t { Armed = 1, Held, Released, LetGo };
enum class LetGoReason : std::uint32_t { None, Limit, Terminated, Finished };
struct Reply {
  std::uint32_t magic = kProtocolMagic;
  ReplyKind kind = ReplyKind::Armed;
  std::uint32_t target = 0;
  std::int32_t error = 0;      // errno of the system call
  std::uint32_t too_late = 0;  // Held, Released: everything had been let go before this
  LetGoReason reason = LetGoReason::None;
  std::int64_t held_ns = 0;
  std::int64_t released_ns = 0;
};

static_assert(sizeof(Request) == 24 && std::is_trivially_copyable_v<Request>);
static_assert(sizeof(Reply) == 40 && std::is_trivially_copyable_v<Reply>);

enum class Received : std::uint8_t { Message, Nothing, Closed, Malformed };

// Sends without blocking; false: the other end is gone (or has not read for very long).
template <typename Message>
bool send_message(int socket, const Message& message) noexcept {
  return ::send(socket, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(message);
}

// Receives without blocking. Descriptors that come with a message are closed.
template <typename Message>
Received receive_message(int socket, Message& message) noexcept {
  std::array<std::byte, sizeof(Message) + 1> buffer;
  const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Received::Nothing : Received::Closed;
  if (got == 0) return Received::Closed;
  if (got != sizeof(Message)) return Received::Malformed;
  std::memcpy(&message, buffer.data(), sizeof(message));
  return message.magic == kProtocolMagic ? Received::Message : Received::Malformed;
}

// The Arm request with its descriptors; at most kMostTargets + 1. `fds` stay with the caller.
bool send_arm(int socket, const Request& request, std::span<const int> fds) noexcept;
// Waits for it. The number of descriptors put into `fds`, or -1.
int receive_arm(int socket, Request& request, std::span<core::UniqueFd, kMostTargets + 1> fds) noexcept;

}  // namespace vss::hold
