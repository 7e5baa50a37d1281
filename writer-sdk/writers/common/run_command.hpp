// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace vss::writers {

inline constexpr std::size_t kOutputLimit = 4096;
// Between SIGTERM and SIGKILL.
inline constexpr std::chrono::milliseconds kGrace{1000};

// Runs a program in a process group of its own, without a shell, standard input empty, and waits for it. When
// `limit` has passed, the whole group gets SIGTERM and, after kGrace, SIGKILL. Nothing if it exited with 0;
// else what went wrong, with the last kOutputLimit bytes of its output.
[[nodiscard]] std::optional<std::string> run_command(const std::vector<std::string>& argv,
                                                     const std::vector<std::string>& environment,
                                                     std::chrono::milliseconds limit);

}  // namespace vss::writers
