// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands that make a set: create keeps it for somebody else, run lends it to a command.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <system_error>

#include <fmt/format.h>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/progress.hpp"
#include "daemon/cli/run_command.hpp"
#include "daemon/cli/signals.hpp"
#include "daemon/cli/warnings.hpp"

namespace vss::cli {
namespace {

Json make_set(Requester& requester, const SignalFd& signals) {
  Json set;
  const auto cancel = [&] { requester.cancel(); };
  const int late = interruptible(signals, cancel, [&] { set = requester.make_set(); });
  if (late == 0) return set;
  requester.abort();  // it came when there was nothing left to cancel
  throw Interrupted(late);
}

[[noreturn]] void throw_lost(const char* what) {
  throw Failure(ExitCode::Unreachable, "DaemonGone", what, "vssd has gone away, and the snapshots with it");
}

// True at the end of standard input; what it holds otherwise is thrown away.
bool at_end_of_input() {
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  return got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
}

// Returns when the user ends it; throws when vssd goes away.
void keep_until_told(const SignalFd& signals, const EventFd& lost) {
  while (true) {
    std::array<pollfd, 3> polls{
        {{STDIN_FILENO, POLLIN, 0}, {signals.fd(), POLLIN, 0}, {lost.fd(), POLLIN, 0}}};
    if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "poll");
    }
    if (polls[2].revents != 0) throw_lost("keep the set");
    if (polls[1].revents != 0) return;
    if (polls[0].revents != 0 && at_end_of_input()) return;
  }
}

void print_set(const CommonOptions& common, const Json& set) {
  if (common.json) {
    std::cout << set.dump() << std::endl;
  } else if (common.quiet) {
    std::cout << text(set, "set_id") << std::endl;
  } else {
    std::cout << describe_set(set) << std::flush;
  }
}

}  // namespace

int create(const CommonOptions& common, const RequestOptions& request) {
  const SignalFd signals;
  Bus bus(common.host);
  Progress progress(Progress::style_for_stderr(common.json || common.quiet));
  Requester requester(bus, request, &progress);
  bus.start();
  const Json set = make_set(requester, signals);
  progress.finish();
  print_set(common, set);
  Warnings warnings;
  warnings.print(requester.warnings());
  if (!is_persistent(request.context)) keep_until_told(signals, bus.lost());
  requester.complete();
  warnings.print(requester.warnings());
  return static_cast<int>(ExitCode::Ok);
}

int run(const CommonOptions& common, const RequestOptions& request, const RunOptions& options) {
  const SignalFd signals;
  Bus bus(common.host);
  Progress progress(Progress::style_for_stderr(common.json || common.quiet));
  Requester requester(bus, request, &progress);
  bus.start();
  const Json set = make_set(requester, signals);
  progress.finish();
  // Standard output belongs to the command; with --json the set is its first line.
  if (common.json) {
    std::cout << set.dump() << std::endl;
  } else if (!common.quiet) {
    std::cerr << describe_set(set);
  }
  Warnings warnings;
  warnings.print(requester.warnings());

  CommandEnd end;
  try {
    const std::vector<InPlace> mounts = options.in_place ? snapshots_in_place(set) : std::vector<InPlace>();
    Command child(options.command, set_environment(set), signals.previous_mask(), mounts);
    end = child.wait(signals, bus.lost());
  } catch (const std::exception&) {
    requester.abort();
    throw;
  }
  if (end.lost) {
    throw Failure(ExitCode::SetLost, "DaemonGone", "run " + options.command.front(),
                  "vssd has gone away, and the snapshots with it; the command was ended");
  }
  if (end.status == 0) {
    requester.complete();
    warnings.print(requester.warnings());
  } else if (options.shutdown_on_error) {
    requester.release();
  } else {
    requester.abort();
  }
  return end.status;
}

}  // namespace vss::cli
