// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A socket that takes connections and never answers.

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "writer-sdk/common/unique_fd.hpp"

namespace vss::test {

class UnixListener {
 public:
  explicit UnixListener(const std::filesystem::path& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd_.get(), 1) != 0)
      throw std::system_error(errno, std::generic_category(), path.string());
  }

 private:
  UniqueFd fd_;
};

}  // namespace vss::test
