// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/session_table.hpp"

#include <algorithm>
#include <utility>

namespace vss {
namespace {

constexpr Phase phase_after(Event event) {
  switch (event) {
    case Event::PrepareForBackup:
      return Phase::Prepared;
    case Event::PrepareForSnapshot:
      return Phase::Waiting;
    case Event::Freeze:
      return Phase::Frozen;
    case Event::Thaw:
      return Phase::Thawed;
    case Event::PostSnapshot:
      return Phase::Final;
    case Event::Abort:
      return Phase::Aborted;
    case Event::BackupComplete:
      return Phase::Complete;
    case Event::PreRestore:
      return Phase::PreRestored;
    case Event::PostRestore:
      return Phase::PostRestored;
    case Event::BackupShutdown:
    case Event::RestoreShutdown:
      return Phase::None;
  }
  return Phase::None;
}

// Abort has a meaning from PrepareForBackup until PostSnapshot.
constexpr bool abort_is_due(Phase phase) {
  return phase == Phase::Prepared || phase == Phase::Waiting || phase == Phase::Frozen ||
         phase == Phase::Thawed;
}

// Later events speak of the same volumes and components; only what is sent anew replaces what is known.
void merge(EventArgs& known, EventArgs&& args) {
  if (args.components) known.components = std::move(args.components);
  if (args.select_components) known.select_components = args.select_components;
  if (args.bootable_system_state) known.bootable_system_state = args.bootable_system_state;
  if (args.partial_file_support) known.partial_file_support = args.partial_file_support;
  if (args.restore_type) known.restore_type = args.restore_type;
  if (args.backup_type) known.backup_type = std::move(args.backup_type);
  if (args.context) known.context = std::move(args.context);
  if (args.volumes) known.volumes = std::move(args.volumes);
  if (args.instants) known.instants = std::move(args.instants);
  known.snapshots = std::move(args.snapshots);
  known.window_ms = args.window_ms;
  known.reason = std::move(args.reason);
}

// Nothing of this writer was selected: PrepareForBackup is all it hears of the operation, there is no end to
// wait for.
bool is_unselected(Event event, const EventArgs& known) {
  return event == Event::PrepareForBackup && known.select_components.value_or(false) &&
         (!known.components || known.components->empty());
}

Answer refuse(Verdict verdict, Event event, const SessionTable::Session* session) {
  const std::string name(to_string(event));
  if (session == nullptr)
    return Answer::error(ErrorCode::ObjectNotFound, name + ": no such session in this writer");
  if (verdict == Verdict::Late && !session->abort_cause.empty()) {
    return Answer::veto(ErrorCode::WriterTimeout, name + " came too late: " + session->abort_cause);
  }
  return Answer::error(ErrorCode::BadState, name + " is not due in this session");
}

}  // namespace

SessionTable::Arrival SessionTable::arrive(Event event, const std::string& session, const std::string& set,
                                           EventArgs args, TimePoint now,
                                           std::chrono::milliseconds freeze_limit) {
  const auto found = sessions_.find(session);
  const Phase phase = found == sessions_.end() ? Phase::None : found->second.phase;
  const Verdict verdict = kVerdicts[static_cast<std::size_t>(event)][static_cast<std::size_t>(phase)];
  if (verdict == Verdict::Ignore) return {verdict, {}, {}};
  if (verdict != Verdict::Run) {
    return {verdict, refuse(verdict, event, found == sessions_.end() ? nullptr : &found->second), {}};
  }

  Session& entry = sessions_[session];
  entry.id = session;
  entry.set = set;
  merge(entry.known, std::move(args));
  Arrival arrival{verdict, {}, {}};
  arrival.abort_first = event == Event::BackupShutdown && phase == Phase::Frozen;
  entry.phase = phase_after(event);
  if (event == Event::PreRestore) entry.shutdown = Event::RestoreShutdown;
  if (event == Event::Freeze) {
    const std::chrono::milliseconds window(entry.known.window_ms.value_or(UINT32_MAX));
    entry.deadline = now + std::min(freeze_limit, window);
  }
  if (event == Event::Abort) entry.given_up->store(true);
  arrival.session = entry;
  if (event == entry.shutdown || is_unselected(event, arrival.session.known)) sessions_.erase(session);
  return arrival;
}

std::vector<SessionTable::Session> SessionTable::expire(TimePoint now) {
  std::vector<Session> expired;
  for (auto& [id, session] : sessions_) {
    if (session.phase != Phase::Frozen || now < session.deadline) continue;
    session.phase = Phase::Aborted;
    session.abort_cause = "the freeze lasted longer than it may, the writer has aborted by itself";
    session.known.reason = session.abort_cause;
    session.given_up->store(true);
    expired.push_back(session);
  }
  return expired;
}

std::optional<TimePoint> SessionTable::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [id, session] : sessions_) {
    if (session.phase == Phase::Frozen && (!next || session.deadline < *next)) next = session.deadline;
  }
  return next;
}

std::vector<SessionTable::Session> SessionTable::end_all(const std::string& cause) {
  std::vector<Session> ended;
  for (auto& [id, session] : sessions_) {
    session.phase = abort_is_due(session.phase) ? Phase::Aborted : Phase::None;
    session.known.reason = cause;
    session.given_up->store(true);
    ended.push_back(std::move(session));
  }
  sessions_.clear();
  return ended;
}

void SessionTable::remember(const std::string& session, const doc::SharedComponents& before,
                            const doc::SharedComponents& after) {
  const auto found = sessions_.find(session);
  if (found != sessions_.end() && found->second.known.components == before)
    found->second.known.components = after;
}

std::optional<Answer> SessionTable::aborted_meanwhile(const std::string& session) const {
  const auto found = sessions_.find(session);
  if (found == sessions_.end() || found->second.phase != Phase::Aborted) return std::nullopt;
  const std::string& cause = found->second.abort_cause;
  return Answer::veto(ErrorCode::WriterTimeout,
                      cause.empty() ? "the operation was aborted meanwhile" : cause);
}

}  // namespace vss
