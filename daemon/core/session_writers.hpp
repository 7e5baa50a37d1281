// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The writers of one session: which take part, in which state each is, and the events they get.
// States are of this session only; a failure in one session says nothing about another.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/async.hpp"
#include "daemon/core/services.hpp"
#include "daemon/core/writer.hpp"
#include "daemon/core/writer_metadata.hpp"

namespace vss::core {

// A writer in a session.
struct Participant {
  std::shared_ptr<Writer> writer;
  std::string document;                       // its metadata, as it gave it
  WriterMetadata metadata;                    // what vssd reads in them
  std::vector<SelectedComponent> components;  // what the requester added
  WriterState state = WriterState::Stable;
  std::optional<WriterFailure> failure;  // the first one
  bool selected = false;                 // gets events after PrepareForBackup
  bool told = false;                     // PrepareForBackup or a later event was sent
  bool frozen = false;                   // Freeze was sent, neither Thaw nor Abort yet
  bool post_snapshot_sent = false;
  bool aborted = false;
  bool shut_down = false;
  TimePoint freeze_expiry{};              // when the writer's own timer aborts, at the latest
  std::map<WriterEvent, double> took_ms;  // how long it took to answer

  [[nodiscard]] bool vetoed() const { return failure && failure->veto; }
  // Still takes part in the sequence.
  [[nodiscard]] bool is_active() const { return selected && !vetoed() && !aborted; }
};

class SessionWriters {
 public:
  // `failed` is told of each failure, for the writer's history.
  using FailureNote = std::function<void(const WriterInfo&, WriterEvent, const WriterFailure&)>;
  // `owner` is what keeps this object alive: a writer may answer when the session is long over.
  using Owner = std::function<std::shared_ptr<void>()>;
  SessionWriters(Services& services, Guid session, FailureNote failed, Owner owner);

  // Event Identify to all; those that fail are left out.
  asio::awaitable<void> identify(std::vector<std::shared_ptr<Writer>> writers, Signal cancel);

  // OutOfMemory if what they have answered is larger together than an answer to the requester may be.
  [[nodiscard]] Status check_documents() const;
  // Takes no notice of those that have answered, or failed to.
  void forget_all() {
    participants_.clear();
    left_out_.clear();
  }

  [[nodiscard]] const std::vector<std::shared_ptr<Participant>>& all() const { return participants_; }
  [[nodiscard]] std::shared_ptr<Participant> find(Guid instance) const;
  // Who failed in Identify, and why: their data are not taken care of.
  [[nodiscard]] const std::vector<std::string>& left_out() const { return left_out_; }

  // What the next events carry.
  EventArgs args;

  // The events of the sequence. Each waits until all writers concerned answered, overran their time, or
  // `cancel` is set; outcomes are in the participants. Only freeze and thaw report an error: the first veto.
  asio::awaitable<void> prepare_for_backup(Signal cancel);
  asio::awaitable<void> prepare_for_snapshot(Signal cancel);
  asio::awaitable<Status> freeze(bool strict, Signal cancel);
  asio::awaitable<Status> thaw(bool strict, Signal cancel);
  asio::awaitable<void> post_snapshot(Signal cancel);
  asio::awaitable<void> backup_complete(Signal cancel);

  // Abort, at most once per writer, to those that were told of the backup and whose PostSnapshot has not
  // begun. The first sends only; the events are on their way when it returns. The second also waits for the
  // answers.
  void send_abort(std::string reason);
  asio::awaitable<void> abort(std::string reason);

  // BackupShutdown, once per writer that was told of the backup. Sends only; the result is set when all
  // answered.
  Signal send_shutdown(Guid set);

  // An event of a restore, to these; RestoreShutdown to all that had one, sent only.
  asio::awaitable<void> restore_event(WriterEvent event, std::vector<std::shared_ptr<Participant>> targets,
                                      Signal cancel);
  Signal send_restore_shutdown();

  // When the first frozen writer gives up waiting for Thaw; the far future if none is frozen.
  [[nodiscard]] TimePoint freeze_deadline() const;
  [[nodiscard]] bool any_active() const;

 private:
  struct Round;
  using Targets = std::vector<std::shared_ptr<Participant>>;
  template <typename Predicate>
  [[nodiscard]] Targets where(Predicate predicate) const;
  std::shared_ptr<Round> begin(WriterEvent event, const Targets& targets, Milliseconds limit,
                               bool fail_fast = false);
  std::shared_ptr<Round> begin_abort(std::string reason);
  asio::awaitable<void> round(WriterEvent event, Targets targets, Milliseconds limit, Signal cancel,
                              bool fail_fast);
  asio::awaitable<void> deliver(std::shared_ptr<Participant> participant, WriterEvent event,
                                EventArgs event_args, Milliseconds limit, std::shared_ptr<Round> round,
                                std::shared_ptr<void> owner);
  asio::awaitable<void> identify_one(std::shared_ptr<Writer> writer, std::shared_ptr<Round> round,
                                     std::shared_ptr<void> owner);
  static std::optional<WriterFailure> take_edits(Participant& participant, WriterEvent event,
                                                 WriterAnswer answer);
  void record(Participant& participant, WriterEvent event, std::optional<WriterFailure> failure);
  void report_progress(const Round& round) const;

  Services& services_;
  Guid session_;
  FailureNote failed_;
  Owner owner_;
  std::vector<std::shared_ptr<Participant>> participants_;
  std::vector<std::string> left_out_;
};

}  // namespace vss::core
