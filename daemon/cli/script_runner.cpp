// SPDX-License-Identifier: LGPL-2.1-or-later
// The loop, what a command means, and how a script ends.
#include "daemon/cli/script_runner.hpp"

#include <iostream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "daemon/cli/output.hpp"
#include "daemon/cli/run_command.hpp"

namespace vss::cli {

ScriptRunner::ScriptRunner(const CommonOptions& common, Bus& bus, const SignalFd& signals)
    : common_(common),
      bus_(bus),
      signals_(signals),
      progress_(Progress::style_for_stderr(common.json || common.quiet)),
      manager_(bus) {
  request_.remote = common.host.has_value();
}

ScriptRunner::~ScriptRunner() { give_up(); }

void ScriptRunner::run(const std::vector<ScriptCommand>& commands, const std::string& file) {
  for (const ScriptCommand& command : commands) {
    const std::string place = fmt::format("{}:{}: {}", file, command.line, command.name);
    if (verbose_) std::cerr << "vssctl: " << printable(place) << '\n';
    try {
      run_one(command);
    } catch (const Interrupted&) {
      throw;
    } catch (const Failure& failure) {
      throw failure.at(place);
    }
    if (exit_) break;
  }
  end_of_script();
}

ScriptCommand ScriptRunner::expand(Command command) const {
  try {
    for (std::string& argument : command.arguments) argument = expand_variables(argument, variables_);
    for (auto& [key, value] : command.options) value = expand_variables(value, variables_);
  } catch (const std::out_of_range& unknown) {
    throw Failure(ErrorCode::InvalidArgument, "variables", fmt::format("there is no %{}%", unknown.what()));
  }
  return command;
}

void ScriptRunner::run_one(const Command& as_written) {
  const Command command = expand(as_written);
  if (command.verb == Verb::Exec) return exec(command);  // signals are the program's then
  const auto act = [&] {
    if (!control(command) && !set_backup(command) && !set_restore(command) && !use_session(command) &&
        !manage(command))
      throw Failure(ErrorCode::Unexpected, command.name, "no action belongs to this verb");
  };
  const auto stop = [this] { cancel(); };
  const int late = interruptible(signals_, stop, act);
  if (late != 0) throw Interrupted(late);
}

void ScriptRunner::cancel() noexcept {
  const std::lock_guard lock(mutex_);
  if (requester_) requester_->cancel();
  if (restore_) restore_->cancel();
}

bool ScriptRunner::control(const Command& command) {
  switch (command.verb) {
    case Verb::SetVerbose:
      verbose_ = command.arguments.at(0) == "on";
      break;
    case Verb::AddAlias:
      variables_[command.arguments.at(0)] = command.arguments.at(1);
      break;
    case Verb::Exit:
      exit_ = true;
      break;
    case Verb::Reset:
      reset();
      break;
    case Verb::Unsupported:
      throw Failure(ErrorCode::NotSupported, command.name,
                    "is for disk arrays and transported snapshots, which no provider of vssd has");
    default:
      return false;
  }
  return true;
}

bool ScriptRunner::use_session(const Command& command) {
  const auto argument = [&](std::size_t index) { return command.arguments.at(index); };
  switch (command.verb) {
    case Verb::Create:
      create(command);
      break;
    case Verb::EndBackup:
      end_backup();
      break;
    case Verb::AbortBackup:
      abort_backup();
      break;
    case Verb::SetSucceeded:
      backup("set succeeded").set_succeeded(argument(0), argument(1) == "yes");
      break;
    case Verb::BeginRestore:
      begin_restore(command);
      break;
    case Verb::EndRestore:
      end_restore();
      break;
    case Verb::SimulateRestore:
      simulate_restore(command);
      break;
    case Verb::RestoreStatus:
      restore("restore status").report(argument(0), argument(1));
      break;
    case Verb::RestoreLocation:
      restore_location(command);
      break;
    case Verb::RestoreRanges:
      restore_ranges(command);
      break;
    case Verb::SaveMetadata:
      save_metadata(command);
      break;
    case Verb::ShowSession:
      show_session(command);
      break;
    case Verb::ShowComponents:
      show_components(command);
      break;
    case Verb::ShowSnapshot:
      show_snapshot(command);
      break;
    case Verb::DeleteOwnShadows:
      delete_own(command);
      break;
    default:
      return false;
  }
  return true;
}

void ScriptRunner::exec(const Command& command) {
  std::vector<std::string> environment;
  if (!set_.is_null()) environment = set_environment(set_);
  if (plan_) {
    for (std::string& variable : restore_environment(*plan_, document_path_))
      environment.push_back(std::move(variable));
  }
  for (const auto& [name, value] : variables_) environment.push_back(name + "=" + value);
  std::cout << std::flush;
  cli::Command child(command.arguments, environment, signals_.previous_mask());
  const CommandEnd end = child.wait(signals_, bus_.lost());
  const std::string what = "run " + command.arguments.front();
  if (end.lost)
    throw Failure(ExitCode::SetLost, "DaemonGone", what, "vssd has gone away; the program was ended");
  if (end.status != 0) {
    throw Failure(static_cast<ExitCode>(end.status), "CommandFailed", what,
                  fmt::format("exit status {}", end.status));
  }
}

// A set that was made outside of `begin backup` and `end backup` is a copy for somebody else, complete by
// now.
void ScriptRunner::end_of_script() {
  if (restore_ || (requester_ && backup_begun_)) {
    const char* const end = restore_ ? "end restore" : "end backup";
    give_up();
    throw Failure(ErrorCode::BadState, "the end of the script",
                  fmt::format("it comes before \"{}\"; writers know that it is over", end));
  }
  if (requester_) end_backup();
  give_up();
}

void ScriptRunner::give_up() noexcept {
  std::unique_ptr<Requester> requester;
  std::unique_ptr<RestoreRequester> restore;
  {
    const std::lock_guard lock(mutex_);
    requester = std::move(requester_);
    restore = std::move(restore_);
  }
  if (bus_.lost().is_set()) return;
  if (requester) requester->abort();
  if (restore) quietly("Release", [&] { restore->release(); });
}

void ScriptRunner::reset() {
  if (requester_) requester_->release();
  if (restore_) restore_->release();
  forget_session();
  plan_.reset();
  set_ = Json();
  request_ = {};
  request_.remote = common_.host.has_value();
  restore_options_ = {};
  document_path_.clear();
  variables_.clear();
  alias_of_volume_.clear();
  backup_begun_ = false;
}

void ScriptRunner::emit(const Command& command, const Json& result, const std::string& for_people) const {
  if (common_.json) {
    const Json line{{"line", command.line}, {"command", command.name}, {"result", result}};
    std::cout << line.dump() << std::endl;
  } else {
    std::cout << for_people << std::flush;
  }
}

}  // namespace vss::cli
