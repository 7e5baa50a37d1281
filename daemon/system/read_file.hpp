// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <string>

#include <unistd.h>

#include "daemon/core/error.hpp"

namespace vss::system {

// Reads to the end of the file, or until `most` bytes are exceeded.
[[nodiscard]] inline core::Result<std::string> read_to_end(
    int fd, std::size_t most = std::numeric_limits<std::size_t>::max()) {
  std::string text;
  std::array<char, 16384> buffer{};
  while (text.size() <= most) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return core::fail(core::errno_error(errno, "read"));
    if (got == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace vss::system
