// SPDX-License-Identifier: LGPL-2.1-or-later
// Commands of a script that make a session, use it and end it.
#include <charconv>
#include <iostream>

#include <fmt/format.h>

#include "daemon/cli/document_file.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/script_runner.hpp"

namespace vss::cli {

Requester& ScriptRunner::backup(const char* what) const {
  if (!requester_) throw Failure(ErrorCode::BadState, what, "there is no set: \"create\" is missing");
  return *requester_;
}

RestoreRequester& ScriptRunner::restore(const char* what) const {
  if (!restore_) throw Failure(ErrorCode::BadState, what, "no restore runs: \"begin restore\" is missing");
  return *restore_;
}

void ScriptRunner::require_no_session() const {
  if (requester_)
    throw Failure(ErrorCode::BadState, "settings", "the set exists: \"end backup\" or \"reset\" is missing");
  if (restore_)
    throw Failure(ErrorCode::BadState, "settings", "a restore runs: \"end restore\" or \"reset\" is missing");
}

void ScriptRunner::forget_session() {
  const std::lock_guard lock(mutex_);
  requester_.reset();
  restore_.reset();
}

void ScriptRunner::create(const Command& command) {
  require_no_session();
  if (!backup_begun_) request_.backup_type = "copy";
  warnings_ = {};
  {
    const std::lock_guard lock(mutex_);
    requester_ = std::make_unique<Requester>(bus_, request_, &progress_);
  }
  try {
    set_ = requester_->make_set();
  } catch (const Failure&) {  // it has released what it had
    forget_session();
    throw;
  }
  variables_["VSS_SHADOW_SET"] = text(set_, "set_id");
  int number = 0;
  for (const Json& snapshot : set_.at("snapshots")) {
    const std::string id = text(snapshot, "snapshot_id");
    variables_[fmt::format("VSS_SHADOW_{}", ++number)] = id;
    const auto alias = alias_of_volume_.find(text(snapshot, "volume"));
    if (alias != alias_of_volume_.end()) variables_[alias->second] = id;
  }
  warnings_.print(requester_->warnings());
  if (common_.json || !common_.quiet) emit(command, set_, describe_set(set_));
  if (verbose_) list_writer_status(command);
}

void ScriptRunner::end_backup() {
  Requester& requester = backup("end backup");
  try {
    requester.complete();
    warnings_.print(requester.warnings());
  } catch (const Failure&) {
    forget_session();
    throw;
  }
  forget_session();
  backup_begun_ = false;
}

void ScriptRunner::abort_backup() {
  backup("abort backup").abort();
  forget_session();
  backup_begun_ = false;
}

void ScriptRunner::begin_restore(const Command& command) {
  require_no_session();
  if (restore_options_.document.empty())
    throw Failure(ErrorCode::BadState, command.name, "\"load metadata\" is missing");
  warnings_ = {};
  {
    const std::lock_guard lock(mutex_);
    restore_ = std::make_unique<RestoreRequester>(bus_, restore_options_, &progress_);
  }
  try {
    const Json plan = restore_->begin();
    warnings_.print(restore_->warnings());
    plan_.emplace(plan);
    if (common_.json || !common_.quiet) emit(command, plan, describe_plan(plan));
  } catch (const Failure&) {
    forget_session();
    throw;
  }
}

void ScriptRunner::end_restore() {
  RestoreRequester& requester = restore("end restore");
  plan_.reset();
  try {
    requester.finish("all");
    warnings_.print(requester.warnings());
  } catch (const Failure&) {
    forget_session();
    throw;
  }
  forget_session();
}

void ScriptRunner::simulate_restore(const Command& command) {
  require_no_session();
  if (restore_options_.document.empty())
    throw Failure(ErrorCode::BadState, command.name, "\"load metadata\" is missing");
  RestoreRequester requester(bus_, restore_options_, &progress_);
  const Json plan = requester.simulate();
  warnings_ = {};
  warnings_.print(requester.warnings());
  emit(command, plan, describe_plan(plan));
}

void ScriptRunner::restore_location(const Command& command) {
  const auto& words = command.arguments;
  restore("restore location").for_each(words.at(0), [&](RestoreProxy& proxy, const RestoreComponent& one) {
    proxy.AddAlternativeLocationMapping(one.class_id, one.instance_name, one.logical_path, one.name,
                                        words.at(1), words.at(2), command.has("recursive"), words.at(3));
  });
}

void ScriptRunner::restore_ranges(const Command& command) {
  const auto& words = command.arguments;
  const std::string& text = words.at(1);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    throw Failure(ErrorCode::InvalidArgument, command.name, text + " is no number of a partial file");
  restore("restore ranges").for_each(words.at(0), [&](RestoreProxy& proxy, const RestoreComponent& one) {
    proxy.SetRangesFilePath(one.class_id, one.instance_name, one.logical_path, one.name, number, words.at(2));
  });
}

void ScriptRunner::save_metadata(const Command& command) {
  DocumentFile file(command.arguments.at(0));
  const std::string document = attempt("SaveDocument", [&] {
    return restore_ ? restore_->object().SaveDocument() : backup("save metadata").object().SaveDocument();
  });
  file.commit(document);
}

void ScriptRunner::show_session(const Command& command) {
  const Json session = attempt("session", [&]() -> Json {
    if (restore_) {
      RestoreProxy& proxy = restore_->object();
      return {{"kind", "restore"}, {"state", proxy.State()}, {"session_id", proxy.SessionId()}};
    }
    BackupProxy& proxy = backup("show session").object();
    return {{"kind", "backup"},
            {"state", proxy.State()},
            {"session_id", proxy.SessionId()},
            {"set_id", proxy.SnapshotSetId()},
            {"context", proxy.Context()}};
  });
  std::string lines;
  for (const auto& [key, value] : session.items()) lines += fmt::format("{:<12}{}\n", key, cell(value));
  emit(command, session, lines);
}

void ScriptRunner::show_components(const Command& command) {
  const std::string& wanted = command.arguments.at(0);
  std::optional<std::string> document;
  if (restore_) {
    restore_->for_each(wanted, [&](RestoreProxy& proxy, const RestoreComponent& one) {
      if (!document) document = proxy.GetWriterComponents(one.class_id, one.instance_name);
    });
  } else {
    Requester& requester = backup("show components");
    for (const WriterMetadata& writer : requester.writers()) {
      if (document || !writer.answers_to(wanted)) continue;
      document = attempt("GetWriterComponents",
                         [&] { return requester.object().GetWriterComponents(writer.instance_id); });
    }
  }
  if (!document)
    throw Failure(ErrorCode::ObjectNotFound, command.name, "no writer \"" + wanted + "\" is here");
  const Json components = parse_backup_document(*document);
  emit(command, components, printable(components.dump()) + "\n");
}

void ScriptRunner::show_snapshot(const Command& command) {
  const std::string& id = command.arguments.at(0);
  BackupProxy& proxy = backup("show snapshot").object();
  const Json snapshot =
      attempt("GetSnapshotProperties " + id, [&] { return to_json(proxy.GetSnapshotProperties(id)); });
  emit(command, snapshot, describe_snapshot(snapshot));
}

void ScriptRunner::delete_own(const Command& command) {
  const std::string kind = command.arguments.at(0) == "set" ? "set" : "snapshot";
  BackupProxy& proxy = backup("delete own").object();
  const Json answer = attempt("DeleteSnapshots", [&] {
    return deletion(proxy.DeleteSnapshots(kind, command.arguments.at(1), command.has("force")));
  });
  report_deletion(command, answer);
}

void ScriptRunner::list_writer_status(const Command& command) {
  const Json writers = attempt("GatherWriterStatus", [&] {
    return to_json(restore_ ? restore_->object().GatherWriterStatus()
                            : backup("list writers status").object().GatherWriterStatus());
  });
  emit(command, writers,
       table(writers, {{"WRITER", "name"},
                       {"INSTANCE", "instance_id"},
                       {"TAKES PART", "selected"},
                       {"STATE", "state"},
                       {"FAILURE", "failure"},
                       {"MESSAGE", "message"}}));
}

}  // namespace vss::cli
