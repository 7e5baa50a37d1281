// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A process that thaws what the record names when the writer dies, or does not do it in time.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "writer-sdk/common/unique_fd.hpp"

namespace vss::unit {

// The writer's side.
class Guard {
 public:
  // Starts this program again, with the arguments that make it call run_guard(). Throws std::system_error.
  explicit Guard(const std::vector<std::string>& arguments);
  // All go on, and it is not needed any more; or leave() was called.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // Its time runs from now on. Throws std::runtime_error if it has ended.
  void arm() const;
  // Its time is over: it thaws, and tries until it has done it.
  void take_over() const;
  // It outlives this object, and this process.
  void leave() { pid_ = -1; }
  // It has thawed everything, or died.
  [[nodiscard]] bool has_ended() const;

 private:
  pid_t pid_ = -1;
  UniqueFd socket_;
};

// The guard's side, with the socket as its standard input: returns when the writer has ended, or when `limit`
// has passed since arm(). Throws std::system_error.
void wait_as_guard(std::chrono::milliseconds limit);

}  // namespace vss::unit
