// SPDX-License-Identifier: LGPL-2.1-or-later
// The command `restore`: writers make ready, somebody's command puts the files back, writers are told.
#include <filesystem>
#include <functional>
#include <iostream>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/document_file.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/plan_file.hpp"
#include "daemon/cli/progress.hpp"
#include "daemon/cli/run_command.hpp"
#include "daemon/cli/signals.hpp"
#include "daemon/cli/warnings.hpp"

namespace vss::cli {
namespace {

int interruptible_restore(RestoreRequester& requester, const SignalFd& signals,
                          const std::function<void()>& function) {
  const auto cancel = [&] { requester.cancel(); };
  return interruptible(signals, cancel, function,
                       "ended by a signal; the writers know that the restore is over");
}

void print_plan(const CommonOptions& common, const Json& plan, std::ostream& people) {
  if (common.json) {
    std::cout << plan.dump() << std::endl;
  } else if (!common.quiet) {
    people << describe_plan(plan) << std::flush;
  }
}

CommandEnd run_child(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                     const SignalFd& signals, const EventFd& lost) {
  Command child(command, environment, signals.previous_mask());
  return child.wait(signals, lost);
}

// Writers are told in any case; what has failed first is what counts.
void finish_after_failure(RestoreRequester& requester, const SignalFd& signals, const std::string& status) {
  try {
    (void)interruptible_restore(requester, signals, [&] { requester.finish(status); });
  } catch (const Failure& failure) {
    std::cerr << "vssctl: " << printable(failure.line()) << '\n';
  }
}

}  // namespace

int restore(const CommonOptions& common, RestoreArguments arguments) {
  const SignalFd signals;
  arguments.options.document = read_document(arguments.document);
  Bus bus(common.host);
  Progress progress(Progress::style_for_stderr(common.json || common.quiet));
  RestoreRequester requester(bus, arguments.options, &progress);
  Warnings warnings;
  bus.start();
  Json plan;
  if (arguments.plan_only) {
    (void)interruptible_restore(requester, signals, [&] { plan = requester.simulate(); });
    print_plan(common, plan, std::cout);
    warnings.print(requester.warnings());
    return static_cast<int>(ExitCode::Ok);
  }
  const int signal = interruptible_restore(requester, signals, [&] { plan = requester.begin(); });
  if (signal != 0) {
    requester.release();
    throw Interrupted(signal);
  }
  progress.finish();
  print_plan(common, plan, std::cerr);
  warnings.print(requester.warnings());

  CommandEnd end;
  try {
    const PlanFile file(plan);
    const std::string document = std::filesystem::absolute(arguments.document);
    end = run_child(arguments.command, restore_environment(file, document), signals, bus.lost());
  } catch (const std::exception&) {
    finish_after_failure(requester, signals, "none");
    throw;
  }
  if (end.lost) {
    throw Failure(ExitCode::SetLost, "DaemonGone", "run " + arguments.command.front(),
                  "vssd has gone away; the command was ended, and no writer knows that files were restored");
  }
  if (end.status != 0) {
    finish_after_failure(requester, signals, "failed");
    return end.status;
  }
  (void)interruptible_restore(requester, signals, [&] { requester.finish("all"); });
  warnings.print(requester.warnings());
  return end.status;
}

}  // namespace vss::cli
