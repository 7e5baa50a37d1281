// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A frozen filesystem has no timeout. Every test that freezes makes a guard first: a process of its own that
// has the filesystems open and thaws them if the test dies or takes too long.

#include <sys/types.h>
#include <chrono>
#include <vector>

namespace vss::test {

// A test may have nested holds; nobody else holds a test's own filesystem.
inline constexpr int kMostNestedHolds = 8;

class FreezeGuard {
 public:
  // `fds` are open on the filesystems; order: as created, the guard thaws in this order (outer before inner).
  // They may be closed afterwards. Throws std::system_error.
  explicit FreezeGuard(const std::vector<int>& fds, std::chrono::seconds limit = std::chrono::seconds(60));
  // Ends the guard without thawing.
  ~FreezeGuard();
  FreezeGuard(const FreezeGuard&) = delete;
  FreezeGuard& operator=(const FreezeGuard&) = delete;

 private:
  pid_t child_ = -1;
  int lifeline_ = -1;
};

}  // namespace vss::test
