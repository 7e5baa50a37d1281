// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "writer-sdk/common/unique_fd.hpp"

namespace vss::writers {

inline constexpr std::size_t kOutputLimit = 4096;
// Between SIGTERM and SIGKILL.
inline constexpr std::chrono::milliseconds kGrace{1000};

// Told which process has been started, the leader of the group. Does not throw.
using OnStart = std::function<void(pid_t)>;

// Runs a program in a process group of its own, without a shell, standard input empty, and waits for it. When
// `limit` has passed, the whole group gets SIGTERM and, after kGrace, SIGKILL. Nothing if it exited with 0;
// else what went wrong, with the last kOutputLimit bytes of its output. `left_open` takes the reading end of
// that output if something in the background still has it: it may write there as long as that is kept, and
// dies of it otherwise.
[[nodiscard]] std::optional<std::string> run_command(const std::vector<std::string>& argv,
                                                     const std::vector<std::string>& environment,
                                                     std::chrono::milliseconds limit,
                                                     UniqueFd* left_open = nullptr,
                                                     const OnStart& on_start = {});

}  // namespace vss::writers
