// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/dictionaries.hpp"

#include <unistd.h>

#include "daemon/bus/utf8.hpp"

namespace vss::bus {
namespace {
template <typename T>
sdbus::Variant variant(const T& value) {
  return sdbus::Variant(value);
}
sdbus::Variant variant(std::string_view value) { return sdbus::Variant(to_utf8(std::string(value))); }
sdbus::Variant variant(const std::string& value) { return sdbus::Variant(to_utf8(value)); }
sdbus::Variant variant(std::vector<std::string> values) {
  for (std::string& value : values) value = to_utf8(value);
  return sdbus::Variant(values);
}

std::uint64_t milliseconds_since(core::TimePoint start) {
  const auto age = std::chrono::steady_clock::now() - start;
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(age).count());
}

template <typename Session>
Dictionary session_dictionary(const Session& session, const char* kind, core::Guid set) {
  const core::Requester& requester = session.requester();
  return {{"session_id", variant(session.id().str())},
          {"kind", variant(std::string(kind))},
          {"state", variant(to_string(session.state()))},
          {"client", variant(requester.client)},
          {"bus_name", variant(requester.bus_name)},
          {"set_id", variant(set.str())},
          {"unit", variant(requester.unit)},
          {"pid", variant(requester.pid)},
          {"age", variant(milliseconds_since(session.started()))}};
}
}  // namespace

Dictionary volume_dictionary(const core::Volume& volume, const std::string& provider) {
  return {{"path", variant(volume.path)},
          {"mount_point", variant(volume.mount_point)},
          {"filesystem", variant(volume.filesystem)},
          {"device", variant(volume.device)},
          {"uuid", variant(volume.uuid)},
          {"subvolume_id", variant(volume.subvolume_id)},
          {"provider", variant(provider)}};
}

Dictionary snapshot_dictionary(const core::SetRecord& set, const core::SnapshotRecord& snapshot) {
  return {{"snapshot_id", variant(snapshot.snapshot_id.str())},
          {"set_id", variant(set.set_id.str())},
          {"context", variant(to_string(set.context))},
          {"consistency", variant(set.consistency)},
          {"volume", variant(snapshot.volume.path)},
          {"mount_point", variant(snapshot.volume.mount_point)},
          {"provider", variant(snapshot.provider)},
          {"path", variant(snapshot.path)},
          {"device", variant(snapshot.device)},
          {"exposed", variant(snapshot.exposed)},
          {"client_path", variant(snapshot.client_path)},
          {"creator", variant(set.creator)},
          {"created", variant(set.created)},
          {"snapshots_count", variant(set.snapshots_count)},
          {"persistent", variant(is_persistent(set.context))},
          {"auto_release", variant(is_auto_release(set.context))},
          {"not_included", variant(snapshot.not_included)},
          {"hold_ms", variant(snapshot.hold_ms)},
          {"health", variant(to_string(snapshot.health.health))},
          {"health_reason", variant(snapshot.health.reason)},
          {"seconds_left", variant(snapshot.health.seconds_left)}};
}

Dictionary participant_dictionary(const core::Participant& participant) {
  const core::WriterInfo& info = participant.writer->info();
  const core::WriterFailure none{ErrorCode::Unexpected, 0, {}, false};
  const bool failed = participant.failure.has_value();
  const core::WriterFailure& failure = failed ? *participant.failure : none;
  std::map<std::string, double> durations;
  for (const auto& [event, took] : participant.took_ms) durations.emplace(to_string(event), took);
  return {{"instance_id", variant(info.instance_id.str())},
          {"class_id", variant(info.class_id.str())},
          {"name", variant(info.name)},
          {"unit", variant(info.unit)},
          {"pid", variant(info.pid)},
          {"state", variant(to_string(participant.state))},
          {"state_number", variant(static_cast<std::uint32_t>(participant.state))},
          {"failure", variant(failed ? to_string(failure.code) : std::string_view())},
          {"failure_code", variant(failed ? vss_code(failure.code) : std::uint32_t{0})},
          {"application_code", variant(failure.application_code)},
          {"message", variant(failure.message)},
          {"selected", variant(participant.selected)},
          {"durations", variant(durations)}};
}

namespace {
Dictionary metadata_dictionary(const core::Participant& participant) {
  const core::WriterInfo& info = participant.writer->info();
  return {{"instance_id", sdbus::Variant(info.instance_id.str())},
          {"class_id", sdbus::Variant(info.class_id.str())},
          {"name", sdbus::Variant(info.name)},
          {"instance_name", sdbus::Variant(info.instance_name)},
          {"level", sdbus::Variant(std::string(to_string(info.level)))},
          {"document", sdbus::Variant(participant.document)}};
}
}  // namespace

Dictionaries metadata_dictionaries(const core::SessionWriters& writers) {
  Dictionaries all;
  for (const auto& participant : writers.all()) all.push_back(metadata_dictionary(*participant));
  return all;
}

Dictionaries participants_dictionaries(const core::SessionWriters& writers) {
  Dictionaries all;
  for (const auto& participant : writers.all()) all.push_back(participant_dictionary(*participant));
  return all;
}

namespace {
Dictionaries providers_dictionaries(const core::CreationTimes& times) {
  Dictionaries all;
  for (const auto& [name, durations] : times.providers()) {
    all.push_back({{"name", variant(name)}, {"durations", variant(durations)}});
  }
  return all;
}
}  // namespace

Dictionary result_dictionary(const core::BackupSession& session) {
  const core::SnapshotSet& set = *session.set();
  const core::SetRecord& record = set.record();
  Dictionaries snapshots;
  for (const core::SnapshotRecord& snapshot : record.snapshots) {
    snapshots.push_back(snapshot_dictionary(record, snapshot));
  }
  return {{"set_id", variant(record.set_id.str())},
          {"context", variant(to_string(record.context))},
          {"consistency", variant(record.consistency)},
          {"consistency_reason", variant(record.consistency_reason)},
          {"hold_ms", variant(set.longest_hold_ms())},
          {"snapshots", variant(snapshots)},
          {"writers", variant(participants_dictionaries(session.writers()))},
          {"phases", variant(set.times().phases())},
          {"providers", variant(providers_dictionaries(set.times()))},
          {"warnings", variant(session.warnings())}};
}

namespace {
std::vector<std::string> subscriptions_of(const core::WriterInfo& info) {
  std::vector<std::string> all;
  if (info.subscribes_backup) all.emplace_back("backup");
  if (info.subscribes_restore) all.emplace_back("restore");
  return all;
}
}  // namespace

Dictionary writer_dictionary(const core::WriterInfo& info, const core::PastFailure* failure) {
  Dictionary dictionary{{"instance_id", variant(info.instance_id.str())},
                        {"class_id", variant(info.class_id.str())},
                        {"name", variant(info.name)},
                        {"instance_name", variant(info.instance_name)},
                        {"version", variant(info.version)},
                        {"level", variant(to_string(info.level))},
                        {"usage", variant(info.usage)},
                        {"source", variant(info.source)},
                        {"subscribe", variant(subscriptions_of(info))},
                        {"freeze_timeout", variant(static_cast<std::uint32_t>(info.freeze_timeout.count()))},
                        {"bus_name", variant(info.bus_name)},
                        {"pid", variant(info.pid)},
                        {"unit", variant(info.unit)},
                        {"last_failure", variant(std::string())},
                        {"last_failure_event", variant(std::string())},
                        {"last_failure_time", variant(std::uint64_t{0})}};
  if (failure != nullptr) {
    const std::string code(to_string(failure->failure.code));
    dictionary["last_failure"] = variant(code + ": " + failure->failure.message);
    dictionary["last_failure_event"] = variant(to_string(failure->event));
    dictionary["last_failure_time"] = variant(failure->time);
  }
  return dictionary;
}

Dictionary failure_dictionary(const core::PastFailure& past) {
  return {{"time", variant(past.time)},
          {"session_id", variant(past.session.str())},
          {"event", variant(to_string(past.event))},
          {"failure", variant(to_string(past.failure.code))},
          {"failure_code", variant(vss_code(past.failure.code))},
          {"application_code", variant(past.failure.application_code)},
          {"message", variant(past.failure.message)},
          {"name", variant(past.writer.name)},
          {"class_id", variant(past.writer.class_id.str())},
          {"instance_name", variant(past.writer.instance_name)},
          {"instance_id", variant(past.writer.instance_id.str())},
          {"unit", variant(past.writer.unit)},
          {"pid", variant(past.writer.pid)}};
}

Dictionary status_dictionary(const core::Coordinator& coordinator, bool holding) {
  Dictionaries sessions;
  for (const auto& session : coordinator.sessions())
    sessions.push_back(session_dictionary(*session, "backup", session->set_id()));
  for (const auto& session : coordinator.restores())
    sessions.push_back(session_dictionary(*session, "restore", core::Guid()));
  const auto holder = coordinator.lock().holder();
  return {{"version", variant(std::string(VSSD_VERSION))},
          {"pid", variant(static_cast<std::uint32_t>(::getpid()))},
          {"uptime", variant(milliseconds_since(coordinator.started()))},
          {"holding", variant(holding)},
          {"lock_holder", variant(holder ? holder->describe() : std::string())},
          {"lock_waiters", variant(static_cast<std::uint32_t>(coordinator.lock().waiters()))},
          {"sessions", variant(sessions)}};
}

}  // namespace vss::bus
