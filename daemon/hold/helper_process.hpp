// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Starting vssd-hold, as vssd sees it.

#include <sys/types.h>
#include <chrono>
#include <filesystem>
#include <span>

#include "daemon/core/error.hpp"
#include "daemon/core/unique_fd.hpp"

namespace vss::hold {

// A started helper. Until it is given away it is killed and reaped by the destructor; nothing is held then.
class HelperProcess {
 public:
  // Starts `program` in a session of its own, with one end of a socket pair.
  [[nodiscard]] static core::Result<HelperProcess> start(const std::filesystem::path& program);
  HelperProcess(HelperProcess&& other) noexcept;
  HelperProcess& operator=(HelperProcess&&) = delete;
  ~HelperProcess();

  // Hands over the record and the targets' descriptors and waits until the helper is armed. Blocks.
  [[nodiscard]] core::Status arm(std::span<const int> fds, std::chrono::nanoseconds limit,
                                 std::chrono::milliseconds patience);

  [[nodiscard]] pid_t pid() const { return pid_; }
  // The caller's from now on; after both the helper ends only by itself, when `socket` is closed.
  [[nodiscard]] core::UniqueFd take_socket() { return std::move(socket_); }
  [[nodiscard]] core::UniqueFd take_pidfd() { return std::move(pidfd_); }

 private:
  HelperProcess() = default;

  pid_t pid_ = -1;
  core::UniqueFd socket_;
  core::UniqueFd pidfd_;
};

}  // namespace vss::hold
