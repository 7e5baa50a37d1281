// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Checks of which each is made, whatever another one finds.

#include <stdexcept>
#include <string>
#include <vector>

namespace vss::test {

// `step` answers what is wrong, "" if nothing, or throws std::runtime_error.
template <typename Step>
void collect_wrong(std::vector<std::string>& wrong, const Step& step) {
  try {
    if (const std::string text = step(); !text.empty()) wrong.push_back(text);
  } catch (const std::runtime_error& error) {
    wrong.emplace_back(error.what());
  }
}

}  // namespace vss::test
