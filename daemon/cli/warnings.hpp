// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The warnings of a session, on standard error.

#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include "daemon/cli/output.hpp"

namespace vss::cli {

// Prints each warning of a list that grows once.
class Warnings {
 public:
  void print(const std::vector<std::string>& warnings) {
    for (; shown_ < warnings.size(); ++shown_)
      std::cerr << "vssctl: warning: " << printable(warnings[shown_]) << '\n';
  }

 private:
  std::size_t shown_ = 0;
};

}  // namespace vss::cli
