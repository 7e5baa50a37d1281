// SPDX-License-Identifier: LGPL-2.1-or-later
// Commands of a script that only note something for `create` or `begin restore`.
#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "daemon/cli/document_file.hpp"
#include "daemon/cli/script_runner.hpp"

namespace vss::cli {
namespace {

constexpr unsigned kMaxLockTimeoutSeconds = 4'000'000;

}  // namespace

bool ScriptRunner::set_backup(const Command& command) {
  const auto first = [&] {
    require_no_session();
    return command.arguments.at(0);
  };
  const auto add_all = [&](std::vector<std::string>& list) {
    require_no_session();
    list.insert(list.end(), command.arguments.begin(), command.arguments.end());
  };
  switch (command.verb) {
    case Verb::SetContext:
      set_context(command);
      break;
    case Verb::SetLockTimeout:
      set_lock_timeout(command);
      break;
    case Verb::AddVolume:
      add_volume(command);
      break;
    case Verb::AddComponent:
      add_component(command);
      break;
    case Verb::SetPolicy:
      request_.lenient = restore_options_.lenient = first() == "lenient";
      break;
    case Verb::SetRequire:
      request_.require = first();
      break;
    case Verb::SetPartialFiles:
      request_.partial_files = first() == "on";
      break;
    case Verb::SetBootable:
      request_.bootable_system_state = first() == "on";
      break;
    case Verb::SetNoAutoRecovery:
      require_no_session();
      request_.auto_recovery = false;
      break;
    case Verb::SetMetadata:
      request_.document = first();
      break;
    case Verb::WriterVerify:
      add_all(request_.writers.required);
      break;
    case Verb::WriterExclude:
      add_all(request_.writers.excluded);
      break;
    case Verb::EnableClasses:
      add_all(request_.enabled_classes);
      break;
    case Verb::DisableClasses:
      add_all(request_.disabled_classes);
      break;
    case Verb::DisableInstances:
      add_all(request_.disabled_instances);
      break;
    case Verb::BeginBackup:
      require_no_session();
      backup_begun_ = true;
      request_.backup_type = command.has("type") ? command.option("type") : "full";
      break;
    default:
      return false;
  }
  return true;
}

void ScriptRunner::set_context(const Command& command) {
  require_no_session();
  const std::string& given = command.arguments.at(0);
  const bool without_writers = command.has("nowriters");
  if (given == "volatile") {
    request_.context = without_writers ? "file-share-backup" : "backup";
  } else if (given == "persistent") {
    request_.context = without_writers ? "nas-rollback" : "app-rollback";
  } else if (without_writers) {
    throw Failure(ErrorCode::InvalidArgument, command.name, "nowriters goes with volatile and persistent");
  } else {
    request_.context = given == "clientaccessible" ? "client-accessible" : given;
  }
}

void ScriptRunner::set_lock_timeout(const Command& command) {
  require_no_session();
  const std::string& text = command.arguments.at(0);
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds > kMaxLockTimeoutSeconds)
    throw Failure(ErrorCode::InvalidArgument, command.name, text + " is no number of seconds");
  request_.lock_timeout_ms = seconds * 1000;
}

// Asked at once, as DiskShadow does it: a volume that nobody can snapshot is an error in its own line.
void ScriptRunner::add_volume(const Command& command) {
  require_no_session();
  const std::string& given = command.arguments.at(0);
  const std::string path = path_for_vssd(given, request_.remote);
  const std::string provider = command.option("provider");
  const Json volume = supported_volume(manager_, path, provider);
  request_.paths.push_back(path);
  if (!provider.empty()) request_.providers[path] = provider;
  if (command.has("alias")) alias_of_volume_[volume.value("path", path)] = command.option("alias");
}

void ScriptRunner::add_component(const Command& command) {
  require_no_session();
  const std::string& component = command.arguments.at(0);
  request_.writers.only.push_back(component);
  if (command.has("options")) request_.backup_options.push_back({component, command.option("options")});
  if (command.has("stamp")) request_.previous_stamps.push_back({component, command.option("stamp")});
}

void ScriptRunner::load_metadata(const Command& command) {
  document_path_ = std::filesystem::absolute(command.arguments.at(0));
  restore_options_.document = read_document(document_path_);
  const Json document = parse_backup_document(restore_options_.document);
  variables_["VSS_SHADOW_SET"] = text(document, "set_id");
  int number = 0;
  if (const auto snapshots = document.find("snapshots"); snapshots != document.end()) {
    for (const Json& snapshot : *snapshots)
      variables_[fmt::format("VSS_SHADOW_{}", ++number)] = text(snapshot, "snapshot_id");
  }
}

bool ScriptRunner::set_restore(const Command& command) {
  const auto argument = [&](std::size_t index) {
    require_no_session();
    return command.arguments.at(index);
  };
  RestoreOptions& options = restore_options_;
  switch (command.verb) {
    case Verb::LoadMetadata:
      require_no_session();
      load_metadata(command);
      break;
    case Verb::RestoreType:
      options.type = argument(0);
      break;
    case Verb::RestoreExclude:
      options.rules.excluded.push_back(argument(0));
      break;
    case Verb::RestoreOptions:
      options.options.push_back({argument(0), argument(1)});
      break;
    case Verb::RestoreAdditional:
      options.additional.push_back(argument(0));
      break;
    case Verb::RestoreAuthoritative:
      options.authoritative.push_back(argument(0));
      break;
    case Verb::RestoreName:
      options.names.push_back({argument(0), argument(1)});
      break;
    case Verb::RestoreTarget:
      options.new_targets.push_back({argument(0), argument(1)});
      break;
    case Verb::RestoreRollForward:
      options.roll_forward.push_back({argument(0), argument(1), command.option("point")});
      break;
    case Verb::RestoreSelect:
      options.rules.only.push_back(argument(0));
      if (command.has("into")) options.instances.push_back({argument(0), command.option("into")});
      break;
    default:
      return false;
  }
  return true;
}

}  // namespace vss::cli
