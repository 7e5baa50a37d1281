// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/writer_registry.hpp"

#include "daemon/core/session_writers.hpp"

namespace vss::core {

void WriterRegistry::add(std::shared_ptr<Writer> writer) {
  const WriterInfo& info = writer->info();
  spdlog::info("writer {} registered ({}, pid {})", info.name, info.instance_id.str(), info.pid);
  entries_[info.instance_id] = {writer, std::nullopt};
  observer_.writer_added(info);
}

bool WriterRegistry::remove(Guid instance) {
  const auto at = entries_.find(instance);
  if (at == entries_.end()) return false;
  const std::shared_ptr<Writer> writer = at->second.writer;
  entries_.erase(at);
  spdlog::info("writer {} is gone ({})", writer->info().name, instance.str());
  observer_.writer_removed(writer->info());
  return true;
}

std::vector<std::shared_ptr<Writer>> WriterRegistry::writers() const {
  std::vector<std::shared_ptr<Writer>> all;
  all.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) all.push_back(entry.writer);
  return all;
}

std::shared_ptr<Writer> WriterRegistry::find(Guid instance) const {
  const auto at = entries_.find(instance);
  return at == entries_.end() ? nullptr : at->second.writer;
}

const LastFailure* WriterRegistry::last_failure(Guid instance) const {
  const auto at = entries_.find(instance);
  return at == entries_.end() || !at->second.last_failure ? nullptr : &*at->second.last_failure;
}

void WriterRegistry::note_failure(const Participant& participant, WriterEvent event, Guid session) {
  const auto at = entries_.find(participant.writer->info().instance_id);
  if (at == entries_.end() || !participant.failure) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  at->second.last_failure =
      LastFailure{session, event, *participant.failure,
                  static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count())};
}

}  // namespace vss::core
