// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace vss::test {

// Runs argv[0] (found in PATH) and returns what it wrote to standard output.
// Throws std::runtime_error with the whole output if it does not exit with 0.
std::string run_program(const std::vector<std::string>& argv);

}  // namespace vss::test
