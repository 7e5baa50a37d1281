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
  // Whether a failure contains this text.
  [[nodiscard]] bool mentions(std::string_view text) const;
};

// How a command may end before it is done: its time passes, or nobody waits for it any longer.
struct Patience {
  std::chrono::steady_clock::time_point deadline;
  std::function<bool()> cancelled;

  [[nodiscard]] static Patience of(std::chrono::milliseconds time) {
    return {std::chrono::steady_clock::now() + time, {}};
  }
};

// Thread rule: one thread at a time.
class CommandProcess {
 public:
  // Nothing runs yet.
  explicit CommandProcess(std::string program) : program_(std::move(program)) {}
  CommandProcess(const CommandProcess&) = delete;
  CommandProcess& operator=(const CommandProcess&) = delete;
  ~CommandProcess() { stop(); }

  // Starts it unless it runs and is well. ProviderError if it cannot start.
  void start();
  // Runs "lvm <words>", starting the process if need be; what lvm says about the command is in the result.
  // ProviderError if there is no result: the process ended (UNEXPECTED), or `patience` did and it was killed
  // (VETO).
  CommandResult run(const std::vector<std::string>& words, const Patience& patience);
  // Lets it end: at once if it is idle, else it finishes its command by itself.
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
  UniqueFd socket_;
  pid_t pid_ = 0;
  bool busy_ = false;
};

}  // namespace vss::lvm
