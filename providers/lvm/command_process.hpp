// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A running vssd-lvm, and the commands that are given to it.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "vss/provider_support.hpp"

namespace vss::lvm {

struct CommandResult {
  int status = 0;  // as lvm2_run gives it
  std::vector<std::string> printed;
  std::vector<std::string> failures;

  [[nodiscard]] bool succeeded() const;
  // The failures in one line; what was printed if there are none.
  [[nodiscard]] std::string message() const;
  // Whether a failure contains this text, and the other one in the same line.
  [[nodiscard]] bool mentions(std::string_view text, std::string_view other = "") const;
};

// How a command may end before it is done: its time passes, or nobody waits for it any longer.
struct Patience {
  std::chrono::steady_clock::time_point deadline;
  std::function<bool()> cancelled;

  [[nodiscard]] bool is_over() const {
    return std::chrono::steady_clock::now() >= deadline || (cancelled && cancelled());
  }

  [[nodiscard]] static Patience of(std::chrono::milliseconds time) {
    return {std::chrono::steady_clock::now() + time, {}};
  }
};

// Thread rule: one thread at a time.
class CommandProcess {
 public:
  // Nothing runs yet. `lost`: called when the process ended or was killed in the middle of a command, before
  // anything else happens: what the command had suspended is still suspended. May not throw.
  explicit CommandProcess(std::string program, std::function<void()> lost = {})
      : program_(std::move(program)), lost_(std::move(lost)) {}
  CommandProcess(const CommandProcess&) = delete;
  CommandProcess& operator=(const CommandProcess&) = delete;
  ~CommandProcess() { stop(); }

  // Starts it unless it runs and is well. ProviderError if it cannot start.
  void start();
  // Runs "lvm <words>", starting the process if need be; what lvm says about the command is in the result.
  // ProviderError VETO if there is no result: the process ended, or `patience` did and it was killed.
  // `keep`: a descriptor that stays open until the command has ended, whatever becomes of this process.
  CommandResult run(const std::vector<std::string>& words, const Patience& patience, int keep = -1);
  // Whether it is there and well, so that run() does not have to start it.
  [[nodiscard]] bool is_running() const noexcept;
  // While volumes stand still: before all processes that are not real-time, or as others again. Among others
  // udev's workers would be in the way, which come with each device that lvm makes. Nothing if it does not
  // run.
  void set_urgent(bool urgent) noexcept;
  // Lets it end. No command is under way.
  void stop() noexcept;

 private:
  struct Packet {
    char kind;
    std::string text;
  };
  Packet receive(const Patience& patience);
  void kill() noexcept;
  [[nodiscard]] std::string how_it_ended() noexcept;

  std::string program_;
  std::function<void()> lost_;
  UniqueFd socket_;
  pid_t pid_ = 0;
};

}  // namespace vss::lvm
