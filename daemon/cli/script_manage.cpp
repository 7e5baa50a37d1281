// SPDX-License-Identifier: LGPL-2.1-or-later
// Commands of a script that look, and those on sets that exist.
#include <unistd.h>

#include <stdexcept>

#include <fmt/format.h>

#include "daemon/cli/output.hpp"
#include "daemon/cli/restore_document.hpp"
#include "daemon/cli/script_runner.hpp"
#include "daemon/cli/size.hpp"

namespace vss::cli {
namespace {

std::string describe_metadata(const Json& writers, bool detailed) {
  std::string lines;
  for (const Json& writer : writers) {
    lines += fmt::format("WRITER {}\n", cell(writer.at("name")));
    for (const Json& component : array_at(writer.at("metadata"), "components")) {
      lines += fmt::format("  {}\n",
                           printable(full_name(text(component, "logical_path"), text(component, "name"))));
      if (!detailed) continue;
      for (const Json& files : array_at(component, "files")) {
        lines += fmt::format("    {}/{}{}\n", printable(text(files, "path")), printable(text(files, "spec")),
                             files.value("recursive", false) ? " and below" : "");
      }
    }
  }
  return lines;
}

}  // namespace

bool ScriptRunner::manage(const Command& command) {
  const auto argument = [&](std::size_t index) { return command.arguments.at(index); };
  switch (command.verb) {
    case Verb::List:
      list(command);
      break;
    case Verb::ListWriters:
      list_writers(command);
      break;
    case Verb::ListFailures: {
      const Json failures = attempt(
          command.name, [&] { return to_json(manager_.ListWriterFailures(command.option("writer"))); });
      emit(command, failures, describe_failures(failures));
      break;
    }
    case Verb::ListShadows:
      list_shadows(command, {});
      break;
    case Verb::ListShadowsBy:
      list_shadows_by(command);
      break;
    case Verb::DeleteAllShadows:
      delete_shadows(command, "all", "");
      break;
    case Verb::DeleteShadows:
      delete_shadows_by(command);
      break;
    case Verb::ShowVolume:
      show_volume(command);
      break;
    case Verb::ShowRevert: {
      const Json status =
          attempt(command.name, [&] { return to_json(manager_.QueryRevertStatus(argument(0))); });
      emit(command, status, describe_revert(status));
      break;
    }
    case Verb::Expose: {
      const std::string exposed =
          attempt("expose " + argument(0), [&] { return manager_.ExposeSnapshot(argument(0), argument(1)); });
      emit(command, {{"snapshot_id", argument(0)}, {"exposed", exposed}}, printable(exposed) + "\n");
      break;
    }
    case Verb::Unexpose:
      attempt("unexpose " + argument(0), [&] { manager_.UnexposeSnapshot(argument(0)); });
      break;
    case Verb::Break: {
      const Json volumes = attempt("break " + argument(0), [&] {
        return to_json(
            manager_.BreakSnapshotSet(argument(0), {{"writable", sdbus::Variant{command.has("writable")}}}));
      });
      emit(command, volumes, describe_broken(volumes));
      break;
    }
    case Verb::Revert:
      revert(command);
      break;
    case Verb::ResizeStorage:
      resize_storage(command);
      break;
    case Verb::ResetWriter:
      attempt("reset " + argument(0), [&] { manager_.ResetWriter(argument(0)); });
      break;
    case Verb::CollectGarbage: {
      const unsigned removed = attempt("gc", [&] { return manager_.CollectGarbage(); });
      emit(command, {{"removed", removed}}, fmt::format("{} removed\n", removed));
      break;
    }
    default:
      return false;
  }
  return true;
}

void ScriptRunner::list(const Command& command) {
  const std::string& what = command.arguments.at(0);
  if (what == "aliases") {
    Json aliases = Json::object();
    std::string lines;
    for (const auto& [name, value] : variables_) {
      aliases[name] = value;
      lines += fmt::format("{}={}\n", printable(name), printable(value));
    }
    return emit(command, aliases, lines);
  }
  const Json items = attempt("list " + what, [&] {
    if (what == "providers") return to_json(manager_.ListProviders());
    if (what == "volumes") return to_json(manager_.ListVolumes());
    if (what == "storage") return to_json(manager_.ListStorage());
    return to_json(manager_.GetStatus());
  });
  if (what == "providers") return emit(command, items, describe_providers(items));
  if (what == "volumes") return emit(command, items, describe_volumes(items));
  if (what == "storage") return emit(command, items, describe_storage(items));
  emit(command, items, describe_status(items));
}

void ScriptRunner::list_writers(const Command& command) {
  if (command.has("metadata") || command.has("detailed")) list_metadata(command);
  if (command.has("status")) list_writer_status(command);
  if (!command.options.empty()) return;
  const Json writers = attempt(command.name, [&] { return to_json(manager_.ListWriters()); });
  emit(command, writers, describe_writers(writers));
}

// On an object of its own: a session asks its writers once.
void ScriptRunner::list_metadata(const Command& command) {
  const Dict options{{"client", sdbus::Variant{fmt::format("vssctl[{}]", ::getpid())}}};
  Json writers = attempt(command.name, [&] {
    BackupProxy query(bus_, manager_.CreateBackup(options), nullptr);
    Json answers = to_json(query.GatherWriterMetadata());
    query.Release();
    return answers;
  });
  for (Json& writer : writers) {
    writer["metadata"] = Json::parse(text(writer, "document"), nullptr, /*allow_exceptions=*/false);
    writer.erase("document");
  }
  emit(command, writers, describe_metadata(writers, command.has("detailed")));
}

void ScriptRunner::list_shadows(const Command& command, const Dict& filter) {
  const Json snapshots = attempt(command.name, [&] { return to_json(manager_.ListSnapshots(filter)); });
  emit(command, snapshots, describe_snapshots(snapshots));
}

void ScriptRunner::list_shadows_by(const Command& command) {
  const std::string& kind = command.arguments.at(0);
  list_shadows(command, {{kind == "id" ? "snapshot" : kind, sdbus::Variant{command.arguments.at(1)}}});
}

void ScriptRunner::delete_shadows(const Command& command, const std::string& kind, const std::string& id) {
  const Json answer = attempt("delete " + kind + " " + id, [&] {
    return deletion(manager_.DeleteSnapshots(kind, id, command.has("force")));
  });
  report_deletion(command, answer);
}

void ScriptRunner::report_deletion(const Command& command, const Json& answer) {
  emit(command, answer, describe_deletion(answer));
  if (const std::string failed = text(answer, "failed"); !failed.empty())
    throw Failure(ExitCode::General, "NotDeleted", "snapshot " + failed,
                  "could not be deleted; stopped there");
}

void ScriptRunner::delete_shadows_by(const Command& command) {
  const std::string& kind = command.arguments.at(0);
  const std::string& value = command.arguments.at(1);
  if (kind == "set" || kind == "oldest") return delete_shadows(command, kind, value);
  if (kind == "id") return delete_shadows(command, "snapshot", value);
  const Dict filter = kind == "volume" ? Dict{{"volume", sdbus::Variant{value}}} : Dict{};
  const Json snapshots = attempt(command.name, [&] { return to_json(manager_.ListSnapshots(filter)); });
  bool found = false;
  for (const Json& snapshot : snapshots) {
    if (kind == "exposed" && text(snapshot, "exposed") != value) continue;
    found = true;
    delete_shadows(command, "snapshot", text(snapshot, "snapshot_id"));
  }
  if (!found) throw Failure(ErrorCode::ObjectNotFound, command.name, "no snapshot of " + value);
}

void ScriptRunner::revert(const Command& command) {
  const std::string& id = command.arguments.at(0);
  const Json status = attempt("revert to " + id,
                              [&] { return to_json(manager_.RevertToSnapshot(id, command.has("force"))); });
  emit(command, status, describe_revert(status));
}

void ScriptRunner::show_volume(const Command& command) {
  const std::string& path = command.arguments.at(0);
  const auto [supported, facts] =
      attempt("volume " + path, [&] { return manager_.IsVolumeSupported(path, command.option("provider")); });
  Json volume = to_json(facts);
  volume["supported"] = supported;
  std::string lines;
  for (const auto& [key, value] : volume.items()) lines += fmt::format("{:<14}{}\n", key, cell(value));
  emit(command, volume, lines);
}

void ScriptRunner::resize_storage(const Command& command) {
  const std::string& target = command.arguments.at(0);
  const std::string& wanted = command.arguments.at(1);
  std::uint64_t size = 0;
  try {
    size = parse_size(wanted);
  } catch (const std::runtime_error&) {
    throw Failure(ErrorCode::InvalidArgument, command.name, wanted + " is no size, nor none");
  }
  attempt("resize storage of " + target, [&] { manager_.ResizeStorage(target, size); });
}

}  // namespace vss::cli
