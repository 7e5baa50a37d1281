// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/engine.hpp"

#include <exception>
#include <memory>
#include <utility>

#include "writer-sdk/src/component_document.hpp"
#include "writer-sdk/src/session.hpp"
#include "writer-sdk/src/text.hpp"

namespace vss {
namespace {

using Handler = int (*)(vss_session*, void*);

Handler handler_of(const vss_writer_callbacks& callbacks, Event event) {
  switch (event) {
    case Event::PrepareForBackup:
      return callbacks.on_prepare_backup;
    case Event::PrepareForSnapshot:
      return callbacks.on_prepare_snapshot;
    case Event::Freeze:
      return callbacks.on_freeze;
    case Event::Thaw:
      return callbacks.on_thaw;
    case Event::PostSnapshot:
      return callbacks.on_post_snapshot;
    case Event::Abort:
      return callbacks.on_abort;
    case Event::BackupComplete:
      return callbacks.on_backup_complete;
    case Event::BackupShutdown:
      return callbacks.on_backup_shutdown;
    case Event::PreRestore:
      return callbacks.on_pre_restore;
    case Event::PostRestore:
      return callbacks.on_post_restore;
    case Event::RestoreShutdown:
      return callbacks.on_restore_shutdown;
  }
  return nullptr;
}

bool may_be_skipped(Event event) {
  return event != Event::Abort && event != Event::BackupShutdown && event != Event::RestoreShutdown;
}

Answer to_answer(Event event, int returned, const std::optional<ReportedFailure>& failure) {
  if (failure) {
    return {returned == 0 ? Answer::Kind::Failure : Answer::Kind::Veto, failure->code,
            failure->application_code, failure->message};
  }
  if (returned == 0) return {};
  return Answer::veto(ErrorCode::WriterNonRetryable,
                      "the handler of " + std::string(to_string(event)) + " refused and gave no reason");
}

// What the handler has set goes along with a yes and with a no.
void add_edits(Answer& answer, const vss_session& view) {
  if (view.edits.empty()) return;
  std::string document = doc::to_document(view.edits);
  if (document.size() > doc::kEditsLimit) {
    answer = Answer::veto(ErrorCode::WriterOutOfResources,
                          "what the handler of " + std::string(to_string(view.event)) +
                              " has set in the components is larger than 4 MiB");
    return;
  }
  answer.document = std::move(document);
  answer.components = doc::with_edits(view.data.known.components, view.edits);
}

// A handler in C++ may throw through the C interface although the contract forbids it; it ends here.
Answer call_guarded(Handler handler, vss_session& view, void* user) {
  try {
    const int returned = handler(&view, user);
    return to_answer(view.event, returned, view.failure);
  } catch (const std::exception& error) {
    return Answer::veto(ErrorCode::WriterNonRetryable, to_message(error.what()));
  } catch (...) {
    return Answer::veto(ErrorCode::WriterNonRetryable, "the handler threw an exception of an unknown type");
  }
}

Answer call_handler(Handler handler, vss_session& view, void* user) {
  if (may_be_skipped(view.event) && view.data.given_up->load()) {
    return Answer::veto(ErrorCode::WriterTimeout, "the operation was aborted before the handler could begin");
  }
  if (handler == nullptr) return {};
  Answer answer = call_guarded(handler, view, user);
  try {
    add_edits(answer, view);
  } catch (const std::exception& error) {
    answer = Answer::veto(ErrorCode::WriterOutOfResources, to_message(error.what()));
  }
  return answer;
}

Answer call_identify(const vss_writer_callbacks& callbacks, const WriterConfig& config, void* user) {
  try {
    vss_metadata metadata(config);
    if (callbacks.on_identify != nullptr && callbacks.on_identify(&metadata, user) != 0) {
      return Answer::error(ErrorCode::WriterNonRetryable,
                           metadata.failure.empty() ? "the handler of Identify refused" : metadata.failure);
    }
    Answer answer;
    answer.document = metadata.document.dump();
    return answer;
  } catch (const std::exception& error) {
    return Answer::error(ErrorCode::WriterNonRetryable, to_message(error.what()));
  } catch (...) {
    return Answer::error(ErrorCode::WriterNonRetryable, "the handler threw an exception of an unknown type");
  }
}

void nobody_waits(const Answer& /*answer*/) {}

}  // namespace

void Engine::identify(Reply reply) {
  queue_.push({[this] { return call_identify(callbacks_, config_, user_); }, std::move(reply)});
}

void Engine::event(Event event, const std::string& session, const std::string& set, EventArgs args,
                   TimePoint now, Reply reply) {
  // A deadline that passed while this thread was held up passed before the event came.
  expire(now);
  SessionTable::Arrival arrival =
      table_.arrive(event, session, set, std::move(args), now, config_.freeze_timeout);
  if (arrival.verdict == Verdict::Ignore) return reply({});
  if (arrival.verdict != Verdict::Run) return reply(arrival.refusal);
  if (arrival.abort_first) run(Event::Abort, arrival.session, nobody_waits);
  run(event, std::move(arrival.session), std::move(reply));
}

void Engine::state_changed(vss_writer_state state, std::string message) {
  if (callbacks_.on_state_changed == nullptr) return;
  queue_.push({[this, state, message = std::move(message)]() -> Answer {
                 try {
                   callbacks_.on_state_changed(state, message.c_str(), user_);
                 } catch (...) {
                   // It only tells; nobody waits for an answer.
                 }
                 return {};
               },
               nobody_waits});
}

void Engine::expire(TimePoint now) {
  for (SessionTable::Session& session : table_.expire(now))
    run(Event::Abort, std::move(session), nobody_waits);
}

void Engine::end_all(const std::string& cause) {
  for (SessionTable::Session& session : table_.end_all(cause)) {
    if (session.phase == Phase::Aborted) run(Event::Abort, session, nobody_waits);
    const Event shutdown = session.shutdown;
    run(shutdown, std::move(session), nobody_waits);
  }
}

void Engine::deliver() {
  for (const HandlerQueue::Done& done : queue_.take_done()) done.on_answer(done.answer);
}

void Engine::run(Event event, SessionTable::Session session, Reply reply) {
  std::string id = session.id;
  auto shared = std::make_shared<const SessionTable::Session>(std::move(session));
  const Handler handler = handler_of(callbacks_, event);
  auto on_answer = [this, event, id = std::move(id), before = shared->known.components,
                    reply = std::move(reply)](const Answer& answer) {
    // A Freeze that says yes after the writer has aborted must not count as a yes.
    if (answer.components) table_.remember(id, before, answer.components);
    const auto refusal = event == Event::Freeze ? table_.aborted_meanwhile(id) : std::nullopt;
    reply(refusal && answer.kind != Answer::Kind::Veto ? *refusal : answer);
  };
  queue_.push({[this, handler, event, shared] {
                 vss_session view{event, *shared, config_.level, &stopping_};
                 return call_handler(handler, view, user_);
               },
               std::move(on_answer)});
}

}  // namespace vss
