// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The main thread of vssd-hold: takes requests, watches the clock and the connection, and lets everything go
// in reverse order when either says so.

#include <chrono>
#include <memory>
#include <vector>

#include "daemon/hold/helper_target.hpp"

namespace vss::hold {

class Helper {
 public:
  // Serves the connection `socket` to its end. Returns the exit status of the process.
  static int run(int socket);

 private:
  Helper(int socket, Record record, std::chrono::nanoseconds limit);

  int prepare(std::span<core::UniqueFd> fds);
  int loop() noexcept;
  int next_timeout() const noexcept;
  void take_request() noexcept;
  void obey(const Request& request) noexcept;
  void start_limit() noexcept;
  void let_everything_go(LetGoReason reason) noexcept;
  void release_next() noexcept;
  [[nodiscard]] HelperTarget* newest_held() noexcept;
  [[nodiscard]] bool idle() const noexcept;

  HelperShared shared_;
  Record record_;
  std::chrono::nanoseconds limit_;
  core::UniqueFd wake_;
  core::UniqueFd limit_timer_;
  core::UniqueFd signals_;
  std::vector<std::unique_ptr<HelperTarget>> targets_;
  HelperTarget* releasing_ = nullptr;     // the one whose release is awaited before the next one's begins
  std::int64_t release_patience_ns_ = 0;  // until when
  bool limit_started_ = false;
  bool connected_ = true;
  bool ending_ = false;
};

}  // namespace vss::hold
