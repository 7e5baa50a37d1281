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
#include "daemon/cli/size.hpp"

namespace vss::cli {
namespace {

struct Arguments {
  CommonOptions common;
  RequestOptions request;
  DeleteOptions removal;
  VolumeOptions volumes;
  RestoreArguments restore;
  ScriptArguments script;
  std::string host;
  std::string what;
  std::string id;
  std::string path;
  bool persistent = false;
  double lock_timeout_seconds = 0;
  RunOptions run;
  std::vector<std::string> command;  // what stands after "--"
};

void add_common(CLI::App& app, Arguments& arguments) {
  app.add_flag("--json", arguments.common.json, "Print JSON, one value on one line");
  app.add_flag("-q,--quiet", arguments.common.quiet, "No progress and no summary");
  app.add_option("-H,--host", arguments.host, "Talk to vssd on HOST, over ssh")->type_name("HOST");
}

// One value for one option: "-v a -v b", never "-v a b".
CLI::Option* add_list(CLI::App& app, const char* name, std::vector<std::string>& values, const char* help) {
  return app.add_option(name, values, help)->allow_extra_args(false);
}

// "NAME=TEXT" into two: a name with "=" in it can be given in a script.
template <typename Pair>
CLI::Option* add_pairs(CLI::App& app, const std::string& name, const char* type, std::vector<Pair>& pairs,
                       const char* help) {
  const auto add = [&pairs, name](const std::string& value) {
    const std::size_t at = value.find('=');
    if (at == std::string::npos || at == 0) throw CLI::ValidationError(name, "needs a \"=\" after a name");
    pairs.push_back({value.substr(0, at), value.substr(at + 1)});
  };
  return app.add_option_function<std::string>(name, add, help)->type_name(type)->trigger_on_parse();
}

void add_components(CLI::App& app, RequestOptions& request) {
  add_list(app, "--component", request.writers.only, "This component takes part, and only what is named so")
      ->type_name("WRITER[:PATH:NAME]");
  app.add_option("--backup-type", request.backup_type, "full, incremental, differential, log, copy or other")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"full", "incremental", "differential", "log", "copy", "other"}));
  add_pairs(app, "--backup-options", "COMPONENT=TEXT", request.backup_options, "A text for its writer");
  add_pairs(app, "--previous-stamp", "COMPONENT=STAMP", request.previous_stamps,
            "The stamp of the backup that this one is based on");
  app.add_flag("--partial-files", request.partial_files, "Writers may name parts of files");
  app.add_option("--document", request.document, "Leave the backup components document here")
      ->type_name("FILE");
}

void add_restore(CLI::App& app, Arguments& arguments) {
  RestoreOptions& options = arguments.restore.options;
  app.add_option("--document", arguments.restore.document, "The backup components document of the backup")
      ->type_name("FILE")
      ->required();
  add_list(app, "--component", options.rules.only, "Restore this component, and only what is named so")
      ->type_name("WRITER[:PATH:NAME]");
  add_list(app, "--writer", options.rules.required, "Restore this writer, and only what is named so")
      ->type_name("WRITER");
  add_list(app, "--exclude-writer", options.rules.excluded, "Do not restore this writer")
      ->type_name("WRITER");
  add_pairs(app, "--into", "COMPONENT=INSTANCE", options.instances, "Restore into another running instance");
  add_pairs(app, "--new-target", "FROM=TO", options.new_targets, "Files at or below FROM go to TO");
  add_pairs(app, "--option", "COMPONENT=TEXT", options.options, "A text for its writer");
  app.add_flag("--authoritative", options.all_authoritative, "What is restored wins over what replicas have");
  add_list(app, "--additional", options.additional, "Further restores of this component follow")
      ->type_name("COMPONENT");
  app.add_option("--type", options.type, "How files come back: by-copy, import or other")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"undefined", "by-copy", "import", "other"}));
  app.add_flag("--lenient", options.lenient, "Report failures of writers and go on");
  app.add_flag("--plan", arguments.restore.plan_only, "Only show what would go where; no writer is told");
}

void add_request(CLI::App& app, Arguments& arguments) {
  RequestOptions& request = arguments.request;
  const auto list = [&](const char* name, std::vector<std::string>& values, const char* help) {
    return add_list(app, name, values, help);
  };
  list("-v,--volume", request.paths, "A path on a volume that is to be in the set")->type_name("PATH");
  auto* context =
      app.add_option("--context", request.context, "How long the set stays, and whether writers take part")
          ->type_name("CONTEXT")
          ->check(CLI::IsMember({"backup", "file-share-backup", "nas-rollback", "app-rollback",
                                 "client-accessible", "client-accessible-writers"}));
  app.add_flag("--persistent", arguments.persistent, "Keep the snapshots: --context app-rollback")
      ->excludes(context);
  list("--writer", request.writers.required, "This writer must take part")->type_name("WRITER");
  list("--exclude-writer", request.writers.excluded, "This writer takes no part")->type_name("WRITER");
  app.add_flag_callback(
      "--no-auto-recovery", [&request] { request.auto_recovery = false; },
      "Writers do not write to the snapshots, nothing is left out of them");
  app.add_option("--require", request.require, "Fail rather than give less: cut or per-volume")
      ->type_name("LEVEL")
      ->check(CLI::IsMember({"cut", "per-volume"}));
  app.add_option("--provider", request.provider, "The provider to use")->type_name("NAME");
  app.add_flag("--lenient", request.lenient, "Report failures of writers and go on");
  app.add_option("--lock-timeout", arguments.lock_timeout_seconds,
                 "How long to wait while another set is being created")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 4'000'000.0));
  add_components(app, request);
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
  app.add_flag("--force", arguments.removal.force, "Also what is still in use");
  app.add_flag("-y,--yes", arguments.removal.yes, "Do not ask");
}

void add_volumes(CLI::App& app, Arguments& arguments) {
  VolumeOptions& options = arguments.volumes;
  auto* part = app.add_subcommand("break", "Forget a set; its snapshots live on as volumes of their own");
  part->add_option("set", options.target, "Id of a set")->required();
  part->add_flag("--writable", options.writable, "They can be written from now on");
  auto* revert = app.add_subcommand("revert", "Make a volume what a snapshot of it shows");
  revert->add_option("snapshot", options.target, "Id of a snapshot that persists")->required();
  revert->add_flag("--force", options.force, "Also if that takes data from who uses it");
  revert->add_flag("-y,--yes", options.yes, "Do not ask");
  auto* status = app.add_subcommand("revert-status", "Show how far the revert of a volume is");
  status->add_option("path", options.target, "A path on the volume")->required();
  auto* resize = app.add_subcommand("resize-storage", "Limit what snapshots of a volume may take");
  resize->add_option("target", options.target, "A path on the volume, or the id of a snapshot")->required();
  resize
      ->add_option_function<std::string>(
          "size", [&options](const std::string& size) { options.maximum = parse_size(size); },
          "For example 500MiB or 2GiB, or none")
      ->required();
}

void finish(Arguments& arguments) {
  if (!arguments.host.empty()) arguments.common.host = arguments.host;
  arguments.request.remote = arguments.common.host.has_value();
  if (arguments.persistent) arguments.request.context = "app-rollback";
  arguments.restore.command = arguments.run.command = arguments.command;
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
    return run(arguments.common, arguments.request, arguments.run);
  }
  if (name == "restore") return restore(arguments.common, arguments.restore);
  if (name == "script") return script(arguments.common, arguments.script);
  if (name == "list") return list(arguments.common, arguments.what);
  if (name == "show") return show(arguments.common, arguments.id);
  if (name == "delete") return delete_snapshots(arguments.common, arguments.removal);
  if (name == "expose") return expose(arguments.common, arguments.id, arguments.path);
  if (name == "unexpose") return unexpose(arguments.common, arguments.id);
  if (name == "reset-writer") return reset_writer(arguments.common, arguments.id);
  if (name == "monitor") return monitor(arguments.common);
  if (name == "gc") return collect_garbage(arguments.common);
  if (name == "break") return break_set(arguments.common, arguments.volumes);
  if (name == "revert") return revert(arguments.common, arguments.volumes);
  if (name == "revert-status") return revert_status(arguments.common, arguments.volumes);
  if (name == "resize-storage") return resize_storage(arguments.common, arguments.volumes);
  return status(arguments.common);
}

void declare(CLI::App& app, Arguments& arguments) {
  app.set_version_flag("--version", "vssctl " VSSD_VERSION);
  app.require_subcommand(1);
  auto* create = app.add_subcommand("create", "Make a snapshot set and keep it");
  auto* run = app.add_subcommand("run", "Make a snapshot set, run a command, remove the set")
                  ->footer("The command stands after \"--\".");
  auto* restore = app.add_subcommand("restore", "Restore a backup: writers make ready, a command copies")
                      ->footer("The command stands after \"--\".");
  auto* script = app.add_subcommand("script", "Run a script in DiskShadow's language");
  auto* list = app.add_subcommand(
      "list", "List writers, failures of writers, providers, volumes, snapshots or storage");
  auto* show = app.add_subcommand("show", "Show a set or a snapshot");
  auto* remove = app.add_subcommand("delete", "Delete snapshots");
  auto* expose = app.add_subcommand("expose", "Show a persistent snapshot at a mount point");
  auto* unexpose = app.add_subcommand("unexpose", "Take it away from there");
  auto* reset = app.add_subcommand("reset-writer", "Forget the failures of a writer");
  app.add_subcommand("monitor", "Show events as they happen");
  app.add_subcommand("status", "Show what vssd is doing");
  app.add_subcommand("gc", "Remove what the catalogue says should be gone");
  add_volumes(app, arguments);
  add_common(app, arguments);
  for (CLI::App* command : app.get_subcommands({})) add_common(*command, arguments);
  for (CLI::App* command : {create, run}) add_request(*command, arguments);
  add_restore(*restore, arguments);
  script->add_option("file", arguments.script.file, "The script, or - for standard input")->required();
  script->add_flag("--check", arguments.script.check_only, "Only look for mistakes; nothing is done");
  run->add_flag("--shutdown-on-error", arguments.run.shutdown_on_error,
                "If the command fails, tell writers by BackupShutdown only");
  run->add_flag("--in-place", arguments.run.in_place,
                "The command sees the snapshots where their volumes are");
  list->add_option("what", arguments.what, "writers, failures, providers, volumes, snapshots or storage")
      ->required()
      ->check(CLI::IsMember({"writers", "failures", "providers", "volumes", "snapshots", "storage"}));
  show->add_option("id", arguments.id, "Id of a set or a snapshot")->required();
  for (CLI::App* command : {expose, unexpose}) {
    command->add_option("id", arguments.id, "Id of a snapshot")->required();
  }
  expose->add_option("path", arguments.path, "An empty directory; absolute")->required();
  reset->add_option("id", arguments.id, "Id of a writer's instance")->required();
  add_delete(*remove, arguments);
}

// Splits off what stands after the first "--": it is not ours to interpret.
std::vector<std::string> split_command(std::span<char*> argv, std::vector<std::string>& command) {
  const auto dashes = std::find(argv.begin(), argv.end(), std::string_view("--"));
  if (dashes != argv.end()) command.assign(dashes + 1, argv.end());
  return {argv.begin(), dashes};
}

// What single options cannot tell.
void check_together(const CLI::App& app, const Arguments& arguments) {
  const bool restores = app.got_subcommand("restore");
  const bool plans = restores && arguments.restore.plan_only;
  const bool takes = app.got_subcommand("run") || (restores && !plans);
  if (takes && arguments.command.empty())
    throw CLI::ValidationError(
        "--", "a command is needed after \"--\"" + std::string(restores ? ", or --plan" : ""));
  if (!takes && !arguments.command.empty())
    throw CLI::ValidationError("--",
                               plans ? "--plan takes no command" : "only run and restore take a command");
  if (arguments.run.in_place && !arguments.host.empty())
    throw CLI::ValidationError("--in-place", "the snapshots of another machine cannot stand here");
  const bool makes_set = app.got_subcommand("create") || app.got_subcommand("run");
  if (makes_set && arguments.request.paths.empty() && arguments.request.writers.only.empty())
    throw CLI::ValidationError("-v", "-v is required, or --component for a backup that needs no snapshot");
}

void parse(CLI::App& app, Arguments& arguments, std::span<char*> argv) {
  std::vector<std::string> ours = split_command(argv, arguments.command);
  std::reverse(ours.begin(), ours.end());  // CLI11 takes a vector from its end
  app.parse(ours);
  check_together(app, arguments);
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
