// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/backup_document.hpp"

#include <nlohmann/json.hpp>

#include "daemon/core/backup_session.hpp"

namespace vss::core {
namespace {
using nlohmann::ordered_json;

ordered_json writer_json(const Participant& participant) {
  const WriterInfo& info = participant.writer->info();
  ordered_json json{{"instance_id", info.instance_id.str()},
                    {"class_id", info.class_id.str()},
                    {"name", info.name},
                    {"instance_name", info.instance_name},
                    {"version", info.version},
                    {"selected", participant.selected},
                    {"state", to_string(participant.state)}};
  if (participant.failure) {
    json["failure"] = {{"error", to_string(participant.failure->code)},
                       {"application_code", participant.failure->application_code},
                       {"message", participant.failure->message}};
  }
  ordered_json durations = ordered_json::object();
  for (const auto& [event, took] : participant.took_ms) durations[std::string(to_string(event))] = took;
  json["durations"] = std::move(durations);
  ordered_json components = ordered_json::array();
  for (const SelectedComponent& component : participant.components) components.push_back(component.content);
  json["components"] = std::move(components);
  json["metadata"] = participant.document;
  return json;
}

ordered_json snapshot_json(const SnapshotRecord& snapshot) {
  return {{"snapshot_id", snapshot.snapshot_id.str()},
          {"volume", snapshot.volume.path},
          {"filesystem", snapshot.volume.filesystem},
          {"uuid", snapshot.volume.uuid},
          {"provider", snapshot.provider},
          {"path", snapshot.path},
          {"device", snapshot.device},
          {"hold_ms", snapshot.hold_ms},
          {"not_included", snapshot.not_included}};
}
}  // namespace

std::string backup_document(const BackupSession& session, const std::string& machine) {
  ordered_json document{{"version", 1},
                        {"session_id", session.id().str()},
                        {"machine", machine},
                        {"context", to_string(session.context())},
                        {"backup_type", session.backup_state().type},
                        {"select_components", session.backup_state().select_components},
                        {"bootable_system_state", session.backup_state().bootable_system_state},
                        {"partial_file_support", session.backup_state().partial_file_support},
                        {"state", to_string(session.state())}};
  if (const SnapshotSet* set = session.set()) {
    const SetRecord& record = set->record();
    document["set_id"] = record.set_id.str();
    document["created"] = record.created;
    document["consistency"] = record.consistency;
    document["consistency_reason"] = record.consistency_reason;
    ordered_json snapshots = ordered_json::array();
    for (const SnapshotRecord& snapshot : record.snapshots) snapshots.push_back(snapshot_json(snapshot));
    document["snapshots"] = std::move(snapshots);
    document["phases"] = set->times().phases();
    document["providers"] = set->times().providers();
  }
  if (const auto& failure = session.failure()) {
    document["failure"] = {{"error", to_string(failure->code)}, {"message", failure->message}};
  }
  ordered_json writers = ordered_json::array();
  for (const auto& participant : session.writers().all()) writers.push_back(writer_json(*participant));
  document["writers"] = std::move(writers);
  // Paths and messages may hold bytes that are no UTF-8; they must not make the document fail.
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace vss::core
