// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/command/command_writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <sstream>
#include <string_view>

#include "writer-sdk/writers/common/run_command.hpp"

namespace vss::command {
namespace {

std::string lines(const std::vector<std::string>& texts) {
  std::string result;
  for (const std::string& text : texts) result += (result.empty() ? "" : "\n") + text;
  return result;
}

std::string set_id(Event event, const Session& session) {
  if (event == Event::Freeze || event == Event::Thaw || event == Event::PostSnapshot) return session.set_id();
  if (event == Event::BackupShutdown) return session.shutdown_set_id();
  return {};
}

// In the order of the volumes; empty lines for those without one.
std::string snapshot_paths(Event event, const Session& session) {
  if (event != Event::PostSnapshot) return {};
  std::vector<std::string> paths;
  for (const std::string& volume : session.volumes()) {
    const char* path = nullptr;
    vss_snapshot_path(session.handle(), volume.c_str(), &path);
    paths.emplace_back(path == nullptr ? "" : path);
  }
  return lines(paths);
}

// Those of `paths` by their path, others by logical path and name.
std::string component_name(const vss::Component& component, const std::vector<std::string>& paths) {
  const writers::ComponentName id{component.logical_path, component.name};
  const auto path = std::ranges::find(paths, id, writers::name_of_path);
  if (path != paths.end()) return *path;
  return id.logical_path.empty() ? id.name : id.logical_path + "/" + id.name;
}

std::string components(const Session& session, const std::vector<std::string>& paths, bool only_succeeded) {
  std::vector<std::string> names;
  for (const vss::Component& component : session.components()) {
    if (!only_succeeded || component.succeeded) names.push_back(component_name(component, paths));
  }
  return lines(names);
}

// What became of the files of each component, in the order of the components.
std::string restore_status(Event event, const Session& session) {
  if (event != Event::PostRestore) return {};
  std::vector<std::string> statuses;
  for (const vss::Component& component : session.components()) {
    switch (component.file_restore_status()) {
      case VSS_FILES_RESTORED_NONE:
        statuses.emplace_back("none");
        break;
      case VSS_FILES_RESTORED_ALL:
        statuses.emplace_back("all");
        break;
      case VSS_FILES_RESTORED_FAILED:
        statuses.emplace_back("failed");
        break;
      case VSS_FILES_RESTORED_UNDEFINED:
        statuses.emplace_back("undefined");
        break;
    }
  }
  return lines(statuses);
}

// The service's own environment without variables of ours, and then what the event says.
std::vector<std::string> environment(Event event, const Session& session, const Config& config) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (!text.starts_with("VSS_") && !text.starts_with("NOTIFY_SOCKET=")) result.emplace_back(text);
  }
  const auto add = [&](const char* name, const std::string& value) {
    result.push_back(std::string(name) + "=" + value);
  };
  add("VSS_EVENT", std::string(kEvents[static_cast<std::size_t>(event)].name));
  add("VSS_SESSION_ID", session.id());
  add("VSS_SET_ID", set_id(event, session));
  add("VSS_VOLUMES", lines(session.volumes()));
  add("VSS_SNAPSHOT_PATHS", snapshot_paths(event, session));
  add("VSS_COMPONENTS", components(session, config.paths, false));
  add("VSS_COMPONENTS_SUCCEEDED", components(session, config.paths, true));
  add("VSS_RESTORE_STATUS", restore_status(event, session));
  add("VSS_BACKUP_TYPE", session.backup_type());
  add("VSS_CONTEXT", session.context());
  add("VSS_ABORT_REASON", session.abort_reason());
  return result;
}

}  // namespace

CommandWriter::CommandWriter(Config config, std::optional<FreezeRecord> record)
    : Writer(config.writer), config_(std::move(config)), record_(std::move(record)) {
  if (!config_.hooks) return;
  hooks_.emplace(
      *config_.hooks, [this](const std::string& message) { log(message); },
      [this](pid_t script) { note_start(script); });
}

void CommandWriter::on_identify(Metadata& metadata) { writers::declare(config_, metadata); }

std::optional<std::string> CommandWriter::act(Event event, const Session& session) {
  if (hooks_ && event == Event::Freeze) return hooks_->freeze(environment(event, session, config_));
  if (hooks_ && (event == Event::Thaw || event == Event::Abort))
    return hooks_->thaw(environment(event, session, config_));
  const std::optional<Command>& command = config_.command(event);
  if (!command) return std::nullopt;
  UniqueFd output;
  auto failure = writers::run_command(command->argv, environment(event, session, config_), command->limit,
                                      &output, [this](pid_t started) { note_start(started); });
  background_output_ = std::move(output);
  return failure;
}

std::optional<std::string> CommandWriter::act_recorded(Event event, const Session& session) {
  if (!record_) return act(event, session);
  const bool freezes = event == Event::Freeze && (hooks_ || config_.command(event));
  try {
    if (freezes) record_->begin();
  } catch (const std::exception& error) {
    return std::string("what is not recorded is not frozen: ") + error.what();
  }
  auto failure = act(event, session);
  if (failure || (event != Event::Thaw && event != Event::Abort)) return failure;
  try {
    record_->clear();
  } catch (const std::exception& error) {
    log(std::string("it goes on, and will be thawed once more: ") + error.what());
  }
  return std::nullopt;
}

bool CommandWriter::thaw_what_is_left() {
  if (!record_ || !record_->is_frozen()) return true;
  log("it was left frozen: thawing it");
  if (!record_->end_commands()) log("a command that was at work when the writer died cannot be ended");
  const Session nobody(nullptr);
  const auto failure =
      hooks_ ? hooks_->thaw_all(environment(Event::Abort, nobody, config_)) : act(Event::Abort, nobody);
  if (failure) {
    log("it may be frozen yet: " + *failure);
    return false;
  }
  record_->clear();
  return true;
}

void CommandWriter::note_start(pid_t command) noexcept {
  try {
    if (record_) record_->add_command(command);
  } catch (const std::exception& error) {
    log(std::string("a command is not in the record: ") + error.what());
  }
}

void CommandWriter::run(Event event, Session& session) {
  const auto failure = act_recorded(event, session);
  if (!failure) return;
  const std::string message = std::string(kEvents[static_cast<std::size_t>(event)].name) + ": " + *failure;
  log(message);
  throw Veto(VSS_E_WRITER_RETRYABLE, message);
}

void CommandWriter::on_state_changed(vss_writer_state, const std::string& message) { log(message); }

// One write per line: several writers of one process share the stream.
void CommandWriter::log(const std::string& message) const {
  std::cerr << (config_.writer.name + ": " + message + "\n") << std::flush;
}

}  // namespace vss::command
