// SPDX-License-Identifier: LGPL-2.1-or-later
// vssctl: the command line, and the one place where errors become output and an exit status.
#include <algorithm>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/output.hpp"

namespace vss::cli {
namespace {

struct Arguments {
  CommonOptions common;
  RequestOptions request;
  DeleteOptions removal;
  std::string host;
  std::string what;
  std::string id;
  bool persistent = false;
  double lock_timeout_seconds = 0;
  bool shutdown_on_error = false;
  std::vector<std::string> command;  // what stands after "--"
};

void add_common(CLI::App& app, Arguments& arguments) {
  app.add_flag("--json", arguments.common.json, "Print JSON, one value on one line");
  app.add_flag("-q,--quiet", arguments.common.quiet, "No progress and no summary");
  app.add_option("-H,--host", arguments.host, "Talk to vssd on HOST, over ssh")->type_name("HOST");
}

void add_request(CLI::App& app, Arguments& arguments) {
  RequestOptions& request = arguments.request;
  // One value for one option: "-v a -v b", never "-v a b".
  const auto list = [&](const char* name, std::vector<std::string>& values, const char* help) {
    return app.add_option(name, values, help)->allow_extra_args(false);
  };
  list("-v,--volume", request.paths, "A path on a volume that is to be in the set")
      ->type_name("PATH")
      ->required();
  auto* context =
      app.add_option("--context", request.context, "backup, file-share-backup, nas-rollback or app-rollback")
          ->type_name("CONTEXT")
          ->check(CLI::IsMember({"backup", "file-share-backup", "nas-rollback", "app-rollback"}));
  app.add_flag("--persistent", arguments.persistent, "Keep the snapshots: --context app-rollback")
      ->excludes(context);
  list("--writer", request.writers.required, "This writer must take part")->type_name("WRITER");
  list("--exclude-writer", request.writers.excluded, "This writer takes no part")->type_name("WRITER");
  app.add_option("--require", request.require, "Fail rather than give less: cut or per-volume")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"cut", "per-volume"}));
  app.add_option("--provider", request.provider, "The provider to use")->type_name("NAME");
  app.add_flag("--lenient", request.lenient, "Report failures of writers and go on");
  app.add_option("--lock-timeout", arguments.lock_timeout_seconds,
                 "How long to wait while another set is being created")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 4'000'000.0));
}

void add_delete(CLI::App& app, Arguments& arguments) {
  auto* target = app.add_option_group("What to delete")->require_option(1);
  const auto add = [&](const std::string& kind, const char* value, const char* help) {
    const auto choose = [&arguments, kind](const std::string& id) {
      arguments.removal.kind = kind;
      arguments.removal.id = id;
    };
    target->add_option_function<std::string>("--" + kind, choose, help)->type_name(value);
  };
  add("set", "ID", "All snapshots of a set");
  add("snapshot", "ID", "One snapshot");
  add("oldest", "PATH", "The oldest snapshot of the volume that PATH is on");
  target->add_flag_callback(
      "--all", [&arguments] { arguments.removal.kind = "all"; }, "All snapshots");
  app.add_flag("--force", arguments.removal.force, "Also what a session still uses");
  app.add_flag("-y,--yes", arguments.removal.yes, "Do not ask");
}

void finish(Arguments& arguments) {
  if (!arguments.host.empty()) arguments.common.host = arguments.host;
  arguments.request.remote = arguments.common.host.has_value();
  if (arguments.persistent) arguments.request.context = "app-rollback";
  arguments.request.lock_timeout_ms = static_cast<std::uint32_t>(arguments.lock_timeout_seconds * 1000);
}

int report(const Arguments& arguments, const Failure& failure) {
  if (arguments.common.json) std::cout << failure.json().dump() << std::endl;
  std::cerr << "vssctl: " << printable(failure.line()) << '\n';
  return failure.exit_status();
}

int execute(const CLI::App& app, const Arguments& arguments) {
  const std::string name = app.get_subcommands().front()->get_name();
  if (name == "create") return create(arguments.common, arguments.request);
  if (name == "run") {
    return run(arguments.common, arguments.request, arguments.shutdown_on_error, arguments.command);
  }
  if (name == "list") return list(arguments.common, arguments.what);
  if (name == "show") return show(arguments.common, arguments.id);
  if (name == "delete") return delete_snapshots(arguments.common, arguments.removal);
  if (name == "monitor") return monitor(arguments.common);
  if (name == "gc") return collect_garbage(arguments.common);
  return status(arguments.common);
}

void declare(CLI::App& app, Arguments& arguments) {
  app.set_version_flag("--version", "vssctl " VSSD_VERSION);
  app.require_subcommand(1);
  auto* create = app.add_subcommand("create", "Make a snapshot set and keep it");
  auto* run = app.add_subcommand("run", "Make a snapshot set, run a command, remove the set")
                  ->footer("The command stands after \"--\".");
  auto* list = app.add_subcommand("list", "List writers, providers, volumes or snapshots");
  auto* show = app.add_subcommand("show", "Show a set or a snapshot");
  auto* remove = app.add_subcommand("delete", "Delete snapshots");
  app.add_subcommand("monitor", "Show events as they happen");
  app.add_subcommand("status", "Show what vssd is doing");
  app.add_subcommand("gc", "Remove what the catalogue says should be gone");
  add_common(app, arguments);
  for (CLI::App* command : app.get_subcommands({})) add_common(*command, arguments);
  for (CLI::App* command : {create, run}) add_request(*command, arguments);
  run->add_flag("--shutdown-on-error", arguments.shutdown_on_error,
                "If the command fails, tell writers by BackupShutdown only");
  list->add_option("what", arguments.what, "writers, providers, volumes or snapshots")
      ->required()
      ->check(CLI::IsMember({"writers", "providers", "volumes", "snapshots"}));
  show->add_option("id", arguments.id, "Id of a set or a snapshot")->required();
  add_delete(*remove, arguments);
}

// Splits off what stands after the first "--": it is not ours to interpret.
std::vector<std::string> split_command(std::span<char*> argv, std::vector<std::string>& command) {
  const auto dashes = std::find(argv.begin(), argv.end(), std::string_view("--"));
  if (dashes != argv.end()) command.assign(dashes + 1, argv.end());
  return {argv.begin(), dashes};
}

void parse(CLI::App& app, Arguments& arguments, std::span<char*> argv) {
  std::vector<std::string> ours = split_command(argv, arguments.command);
  std::reverse(ours.begin(), ours.end());  // CLI11 takes a vector from its end
  app.parse(ours);
  const bool is_run = app.got_subcommand("run");
  if (is_run == arguments.command.empty()) {
    throw CLI::ValidationError("--",
                               is_run ? "run needs a command after \"--\"" : "only run takes a command");
  }
  finish(arguments);
}

int vssctl_main(std::span<char*> argv) {
  CLI::App app("Application-consistent snapshots of volumes", "vssctl");
  Arguments arguments;
  declare(app, arguments);
  try {
    parse(app, arguments, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::Usage);
  }
  try {
    return execute(app, arguments);
  } catch (const Failure& failure) {
    return report(arguments, failure);
  } catch (const sdbus::Error& error) {
    return report(arguments, failure_from_bus(error.getName(), error.getMessage(), "bus"));
  }
}

}  // namespace
}  // namespace vss::cli

int main(int argc, char** argv) {
  try {
    return vss::cli::vssctl_main({argv + 1, static_cast<std::size_t>(argc - 1)});
  } catch (const std::exception& error) {
    std::cerr << "vssctl: " << error.what() << '\n';
    return static_cast<int>(vss::cli::ExitCode::General);
  }
}
