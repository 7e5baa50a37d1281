// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The command of `vssctl run`: started from its argv, no shell; told of the snapshots by its environment.

#include <sys/types.h>

#include <string>
#include <vector>

#include "daemon/cli/event_fd.hpp"
#include "daemon/cli/json.hpp"
#include "daemon/cli/signals.hpp"

namespace vss::cli {

// "NAME=value" for each variable of the set: VSS_SET_ID, VSS_SNAPSHOT_SET, VSS_VOLUME_n, VSS_SNAPSHOT_n (from
// 1), VSS_VOLUMES and VSS_SNAPSHOTS (newline-separated).
[[nodiscard]] std::vector<std::string> set_environment(const Json& set);

// A directory that the command sees at another place.
struct InPlace {
  std::string from;
  std::string at;
};
// Each snapshot at the path of its volume, outer volumes first. Throws Failure (NotSupported): the root
// filesystem.
[[nodiscard]] std::vector<InPlace> snapshots_in_place(const Json& set);

struct CommandEnd {
  int status = 0;     // its exit status; 128 + n if signal n ended it
  bool lost = false;  // vssd went away while it ran
};

class Command {
 public:
  // Starts it. Throws Failure: exit code 127 if there is no such program, 126 if it cannot be executed.
  // With `mounts` it has a mount namespace of its own, which needs root: AccessDenied, or that of the
  // machine.
  Command(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
          const sigset_t& signal_mask, const std::vector<InPlace>& mounts = {});
  // A command that still runs is left alone.
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  // Waits for its end. Signals that the command has not got already from the terminal are passed on; when
  // `lost` is set it gets SIGTERM, for the snapshots are gone.
  [[nodiscard]] CommandEnd wait(const SignalFd& signals, const EventFd& lost);

 private:
  void spawn(char* const* argv, char* const* environment, const sigset_t& signal_mask);
  void spawn_in_place(char* const* argv, char* const* environment, const sigset_t& signal_mask,
                      const std::vector<InPlace>& mounts);
  void send(int signal) const;
  [[nodiscard]] int reap();

  pid_t pid_ = -1;
  int pid_fd_ = -1;
};

}  // namespace vss::cli
