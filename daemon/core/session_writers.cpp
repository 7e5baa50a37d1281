// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/session_writers.hpp"

#include <algorithm>
#include <iterator>

#include "daemon/core/component_edits.hpp"

namespace vss::core {
namespace {
constexpr WriterLevel kFreezeOrder[] = {WriterLevel::FrontEnd, WriterLevel::BackEnd, WriterLevel::System};

// Every delivery ends within its limit by itself; this is added for the case that one does not.
constexpr Milliseconds kGrace{1000};

Milliseconds since(TimePoint start) {
  return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - start);
}

// Lenient: a writer that failed is aborted alone, the others go on. The reason that it is given.
std::string give_up(Participant& participant, WriterEvent failed_in) {
  participant.aborted = true;
  participant.frozen = false;
  return "the writer failed in " + std::string(to_string(failed_in));
}

// "writer: message", as the error of the whole call.
Error veto_error(const Participant& participant, WriterEvent event) {
  return {participant.failure->code, "writer " + participant.writer->info().name + " failed in " +
                                         std::string(to_string(event)) + ": " + participant.failure->message};
}
}  // namespace

// One event on its way to several writers.
struct SessionWriters::Round {
  WriterEvent event = WriterEvent::Identify;
  std::size_t total = 0;
  std::vector<std::string> waiting_for;
  bool fail_fast = false;
  bool is_over = false;
  Signal wake;  // all answered, or the first veto if fail_fast

  void answered(const std::string& name, bool vetoed) {
    if (const auto at = std::ranges::find(waiting_for, name); at != waiting_for.end()) waiting_for.erase(at);
    if (waiting_for.empty() || (vetoed && fail_fast)) wake.set();
  }
};

SessionWriters::SessionWriters(Services& services, Guid session, FailureNote failed, Owner owner)
    : services_(services), session_(session), failed_(std::move(failed)), owner_(std::move(owner)) {
  args.session = session;
}

std::shared_ptr<Participant> SessionWriters::find(Guid instance) const {
  const auto at = std::ranges::find_if(participants_, [&](const auto& participant) {
    return participant->writer->info().instance_id == instance;
  });
  return at == participants_.end() ? nullptr : *at;
}

template <typename Predicate>
SessionWriters::Targets SessionWriters::where(Predicate predicate) const {
  Targets targets;
  std::ranges::copy_if(participants_, std::back_inserter(targets),
                       [&](const auto& participant) { return predicate(*participant); });
  return targets;
}

bool SessionWriters::any_active() const {
  return std::ranges::any_of(participants_, [](const auto& participant) { return participant->is_active(); });
}

void SessionWriters::report_progress(const Round& round) const {
  services_.observer.progress(session_, to_string(round.event), round.total - round.waiting_for.size(),
                              round.total, round.waiting_for);
}

asio::awaitable<void> SessionWriters::identify_one(std::shared_ptr<Writer> writer,
                                                   std::shared_ptr<Round> round,
                                                   std::shared_ptr<void> /*owner*/) {
  const auto start = std::chrono::steady_clock::now();
  Result<std::string> document = co_await writer->identify(services_.limits.identify);
  Result<WriterMetadata> metadata =
      document.and_then([](const auto& text) { return parse_writer_metadata(text); });
  const std::string outcome(metadata ? "ok" : to_string(metadata.error().code));
  services_.observer.event_delivered({session_, args.set, writer->info(), WriterEvent::Identify, outcome,
                                      static_cast<double>(since(start).count())});
  if (round->is_over) co_return;
  if (metadata) {
    const auto participant = std::make_shared<Participant>();
    participant->writer = writer;
    participant->document = std::move(*document);
    participant->metadata = std::move(*metadata);
    participants_.push_back(participant);
  } else {
    spdlog::warn("session {}: writer {} is left out: {}", session_.str(), writer->info().name,
                 metadata.error().message);
    left_out_.push_back("writer " + writer->info().name + " is left out: " + metadata.error().message);
    failed_(writer->info(), WriterEvent::Identify,
            {metadata.error().code, 0, metadata.error().message, true});
  }
  round->answered(writer->info().instance_id.str(), false);
  report_progress(*round);
}

asio::awaitable<void> SessionWriters::identify(std::vector<std::shared_ptr<Writer>> writers, Signal cancel) {
  if (writers.empty()) co_return;
  const auto round = std::make_shared<Round>();
  round->total = writers.size();
  for (const auto& writer : writers) round->waiting_for.push_back(writer->info().instance_id.str());
  for (const auto& writer : writers) spawn(services_.executor, identify_one(writer, round, owner_()));
  const auto on_cancel = cancel.subscribe([round] { round->wake.set(); });
  co_await wait_for(round->wake, std::chrono::steady_clock::now() + 2 * services_.limits.identify);
  round->is_over = true;
}

Status SessionWriters::check_documents() const {
  std::size_t size = 0;
  for (const auto& participant : participants_) size += participant->document.size();
  return check_document_size(size, services_.limits.documents);
}

void SessionWriters::record(Participant& participant, WriterEvent event,
                            std::optional<WriterFailure> failure) {
  const bool too_late =
      participant.aborted && event != WriterEvent::Abort && event != WriterEvent::BackupShutdown;
  if (too_late) return;
  if (failure) {
    spdlog::warn("session {}: writer {}: {} {}: {}", session_.str(), participant.writer->info().name,
                 to_string(event), to_string(failure->code), failure->message);
    if (!participant.failure || (failure->veto && !participant.failure->veto)) participant.failure = failure;
    if (event != WriterEvent::Abort) participant.state = state_failed_at(event);
    failed_(participant.writer->info(), event, *failure);
  } else if (!participant.failure) {
    participant.state = state_after(event);
  }
}

// What the writer wrote into its components, and the failure that its answer comes to.
std::optional<WriterFailure> SessionWriters::take_edits(Participant& participant, WriterEvent event,
                                                        WriterAnswer answer) {
  if (answer.document.empty() || participant.aborted) return answer.failure;
  const auto partial = apply_edits(participant.components, event, answer.document);
  if (!partial) return WriterFailure{ErrorCode::UnexpectedWriterError, 0, partial.error().message, true};
  return answer.failure ? answer.failure : *partial;
}

asio::awaitable<void> SessionWriters::deliver(std::shared_ptr<Participant> participant, WriterEvent event,
                                              EventArgs event_args, Milliseconds limit,
                                              std::shared_ptr<Round> round, std::shared_ptr<void> /*owner*/) {
  const auto start = std::chrono::steady_clock::now();
  const Guid set = event_args.set;
  WriterAnswer answer = co_await participant->writer->deliver(event, std::move(event_args), limit);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  participant->took_ms[event] = took.count();
  std::optional<WriterFailure> failure = take_edits(*participant, event, std::move(answer));
  services_.observer.event_delivered({session_, set, participant->writer->info(), event,
                                      failure ? to_string(failure->code) : "ok", took.count()});
  const bool vetoed = failure && failure->veto;
  record(*participant, event, std::move(failure));
  round->answered(participant->writer->info().instance_id.str(), vetoed);
  report_progress(*round);
}

std::shared_ptr<SessionWriters::Round> SessionWriters::begin(WriterEvent event, const Targets& targets,
                                                             Milliseconds limit, bool fail_fast) {
  const auto round = std::make_shared<Round>();
  round->event = event;
  round->fail_fast = fail_fast;
  round->total = targets.size();
  for (const auto& target : targets) round->waiting_for.push_back(target->writer->info().instance_id.str());
  for (const auto& target : targets) {
    target->told = true;
    EventArgs event_args = args;
    event_args.components = target->components;
    event_args.backup_type = target->metadata.backup_type_for(args.backup_type);
    event_args.window = limit;
    Milliseconds patience = limit;
    if (event == WriterEvent::Freeze) {
      patience = event_args.window = std::min(limit, target->writer->info().freeze_timeout);
      target->frozen = true;
      target->freeze_expiry = std::chrono::steady_clock::now() + patience;
    } else if (event == WriterEvent::Thaw) {
      patience = std::max(Milliseconds(1), -since(target->freeze_expiry));
    }
    spawn(services_.executor, deliver(target, event, std::move(event_args), patience, round, owner_()));
  }
  if (targets.empty()) round->wake.set();
  return round;
}

asio::awaitable<void> SessionWriters::round(WriterEvent event, Targets targets, Milliseconds limit,
                                            Signal cancel, bool fail_fast) {
  if (targets.empty()) co_return;
  const auto round = begin(event, targets, limit, fail_fast);
  const auto on_cancel = cancel.subscribe([round] { round->wake.set(); });
  co_await wait_for(round->wake, std::chrono::steady_clock::now() + limit + kGrace);
}

asio::awaitable<void> SessionWriters::prepare_for_backup(Signal cancel) {
  for (const auto& participant : participants_) {
    const bool wanted = !args.select_components || !participant->components.empty();
    participant->selected = wanted && participant->writer->info().subscribes_backup;
  }
  const Targets targets = where([](const Participant& p) { return p.writer->info().subscribes_backup; });
  co_await round(WriterEvent::PrepareForBackup, targets, services_.limits.prepare_for_backup, cancel, false);
}

asio::awaitable<void> SessionWriters::prepare_for_snapshot(Signal cancel) {
  co_await round(WriterEvent::PrepareForSnapshot, where([](const Participant& p) { return p.is_active(); }),
                 services_.limits.prepare_for_snapshot, cancel, false);
}

asio::awaitable<Status> SessionWriters::freeze(bool strict, Signal cancel) {
  for (const WriterLevel level : kFreezeOrder) {
    const Targets targets =
        where([&](const Participant& p) { return p.is_active() && p.writer->info().level == level; });
    co_await round(WriterEvent::Freeze, targets, services_.limits.freeze, cancel, strict);
    if (cancel.is_set()) co_return fail(ErrorCode::Cancelled, "the freeze was cancelled");
    for (const auto& target : targets) {
      if (!target->vetoed()) continue;
      if (strict) co_return fail(veto_error(*target, WriterEvent::Freeze));
      args.reason = give_up(*target, WriterEvent::Freeze);
      begin(WriterEvent::Abort, {target}, services_.limits.abort);
    }
  }
  co_return Status();
}

asio::awaitable<Status> SessionWriters::thaw(bool strict, Signal cancel) {
  Status status;
  for (const WriterLevel level : {WriterLevel::System, WriterLevel::BackEnd, WriterLevel::FrontEnd}) {
    const Targets targets = where(
        [&](const Participant& p) { return p.is_active() && p.frozen && p.writer->info().level == level; });
    for (const auto& target : targets) target->frozen = false;
    co_await round(WriterEvent::Thaw, targets, services_.limits.freeze, cancel, false);
    // Those that have not thawed yet are aborted with the set.
    if (cancel.is_set()) co_return fail(ErrorCode::Cancelled, "the thaw was cancelled");
    for (const auto& target : targets) {
      if (!target->vetoed()) continue;
      if (!strict) {
        args.reason = give_up(*target, WriterEvent::Thaw);
        begin(WriterEvent::Abort, {target}, services_.limits.abort);
      } else if (status) {
        status = fail(veto_error(*target, WriterEvent::Thaw));
      }
    }
  }
  co_return status;
}

asio::awaitable<void> SessionWriters::post_snapshot(Signal cancel) {
  const Targets targets = where([](const Participant& p) { return p.is_active(); });
  for (const auto& target : targets) target->post_snapshot_sent = true;
  co_await round(WriterEvent::PostSnapshot, targets, services_.limits.post_snapshot, cancel, false);
}

asio::awaitable<void> SessionWriters::backup_complete(Signal cancel) {
  co_await round(WriterEvent::BackupComplete, where([](const Participant& p) { return p.is_active(); }),
                 services_.limits.backup_complete, cancel, false);
}

std::shared_ptr<SessionWriters::Round> SessionWriters::begin_abort(std::string reason) {
  const Targets targets = where([](const Participant& p) {
    return p.told && p.selected && !p.aborted && !p.post_snapshot_sent && !p.shut_down;
  });
  for (const auto& target : targets) {
    target->aborted = true;
    target->frozen = false;
  }
  args.reason = std::move(reason);
  return begin(WriterEvent::Abort, targets, services_.limits.abort);
}

void SessionWriters::send_abort(std::string reason) { begin_abort(std::move(reason)); }

asio::awaitable<void> SessionWriters::abort(std::string reason) {
  const auto round = begin_abort(std::move(reason));
  co_await wait_for(round->wake, std::chrono::steady_clock::now() + services_.limits.abort + kGrace);
}

Signal SessionWriters::send_shutdown(Guid set) {
  const Targets targets = where([](const Participant& p) { return p.told && p.selected && !p.shut_down; });
  for (const auto& target : targets) target->shut_down = true;
  args.set = set;
  return begin(WriterEvent::BackupShutdown, targets, services_.limits.backup_shutdown)->wake;
}

asio::awaitable<void> SessionWriters::restore_event(WriterEvent event,
                                                    std::vector<std::shared_ptr<Participant>> targets,
                                                    Signal cancel) {
  co_await round(event, std::move(targets), services_.limits.restore, cancel, false);
}

Signal SessionWriters::send_restore_shutdown() {
  const Targets targets = where([](const Participant& p) { return p.told && !p.shut_down; });
  for (const auto& target : targets) target->shut_down = true;
  return begin(WriterEvent::RestoreShutdown, targets, services_.limits.backup_shutdown)->wake;
}

TimePoint SessionWriters::freeze_deadline() const {
  TimePoint deadline = TimePoint::max();
  for (const auto& participant : participants_) {
    if (participant->frozen) deadline = std::min(deadline, participant->freeze_expiry);
  }
  return deadline;
}

}  // namespace vss::core
