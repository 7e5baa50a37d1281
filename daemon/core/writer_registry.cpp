// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/writer_registry.hpp"

#include <chrono>

#include <spdlog/spdlog.h>

namespace vss::core {
namespace {
std::uint64_t unix_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}
}  // namespace

void WriterRegistry::add(std::shared_ptr<Writer> writer) {
  const WriterInfo& info = writer->info();
  spdlog::info("writer {} registered ({}, pid {})", info.name, info.instance_id.str(), info.pid);
  writers_[info.instance_id] = writer;
  observer_.writer_added(info);
}

bool WriterRegistry::remove(Guid instance) {
  const auto at = writers_.find(instance);
  if (at == writers_.end()) return false;
  const std::shared_ptr<Writer> writer = at->second;
  writers_.erase(at);
  spdlog::info("writer {} is gone ({})", writer->info().name, instance.str());
  observer_.writer_removed(writer->info());
  return true;
}

std::vector<std::shared_ptr<Writer>> WriterRegistry::writers() const {
  std::vector<std::shared_ptr<Writer>> all;
  all.reserve(writers_.size());
  for (const auto& [id, writer] : writers_) all.push_back(writer);
  return all;
}

std::shared_ptr<Writer> WriterRegistry::find(Guid instance) const {
  const auto at = writers_.find(instance);
  return at == writers_.end() ? nullptr : at->second;
}

void WriterRegistry::note_failure(const WriterInfo& writer, WriterEvent event, const WriterFailure& failure,
                                  Guid session) {
  // That it does not answer Abort and BackupShutdown either is no news.
  const PastFailure* last = history_.last_of(writer);
  const bool is_known =
      last != nullptr && last->session == session && last->writer.instance_id == writer.instance_id;
  const bool is_end = event == WriterEvent::Abort || event == WriterEvent::BackupShutdown;
  if (is_known && is_end && failure.code == ErrorCode::WriterNotResponding) return;
  history_.add({unix_seconds(), session, event, failure, writer});
}

const WriterInfo* WriterRegistry::known(Guid instance) const {
  const auto at = writers_.find(instance);
  return at == writers_.end() ? history_.find(instance) : &at->second->info();
}

Result<std::vector<PastFailure>> WriterRegistry::failures_of(Guid instance) const {
  const WriterInfo* writer = known(instance);
  if (writer == nullptr) return fail(ErrorCode::ObjectNotFound, "no writer " + instance.str());
  return history_.of(*writer);
}

Status WriterRegistry::reset(Guid instance) {
  const WriterInfo* writer = known(instance);
  if (writer == nullptr) return fail(ErrorCode::ObjectNotFound, "no writer " + instance.str());
  spdlog::info("the failures of writer {} are forgotten", writer->name);
  history_.forget(*writer);
  return {};
}

}  // namespace vss::core
