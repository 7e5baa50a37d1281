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
  // anything else happens: what the command had suspended is still suspended. Gets locking_dir(). May not
  // throw.
  using Lost = std::function<void(const std::string& locking_dir)>;
  explicit CommandProcess(std::string program, Lost lost = {})
      : program_(std::move(program)), lost_(std::move(lost)) {}
  CommandProcess(const CommandProcess&) = delete;
  CommandProcess& operator=(const CommandProcess&) = delete;
  ~CommandProcess() { stop(); }

  // Starts it unless it runs and is well. ProviderError if it cannot start, with what lvm said.
  void start() { start(Patience::of(kStartLimit)); }
  // Where lvm has its locks, as it said at the last start; "" before that, and if it did not say.
  [[nodiscard]] const std::string& locking_dir() const noexcept { return locking_dir_; }
  // Runs "lvm <words>", starting the process if need be; what lvm says about the command is in the result.
  // ProviderError VETO if there is no result: the process did not start or ended, or `patience` did and it
  // was killed. Nothing is run if `patience` is over before. `keep`: a descriptor that stays open until the
  // command has ended, whatever becomes of this process.
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
  static constexpr std::chrono::seconds kStartLimit{10};
  void start(const Patience& patience);
  void spawn();
  void wait_until_ready(const Patience& patience);
  Packet receive(const Patience& patience);
  void kill() noexcept;
  [[nodiscard]] std::string how_it_ended() noexcept;

  std::string program_;
  Lost lost_;
  std::string locking_dir_;
  UniqueFd socket_;
  pid_t pid_ = 0;
};

// Whether one of these processes that was killed is still there: the kernel keeps it, and what it has locked.
[[nodiscard]] bool one_outlives_its_end() noexcept;

}  // namespace vss::lvm
