// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/backup_session.hpp"

#include <algorithm>

#include "daemon/core/backup_document.hpp"
#include "daemon/core/document.hpp"
#include "daemon/core/writer_registry.hpp"

namespace vss::core {
BackupSession::BackupSession(Services& services, CreationLock& lock, SnapshotStore& store,
                             WriterRegistry& registry, Requester requester, BackupOptions options)
    : services_(services),
      lock_(lock),
      store_(store),
      registry_(registry),
      requester_(std::move(requester)),
      options_(options),
      writers_(
          services, id_,
          [this](const WriterInfo& writer, WriterEvent event, const WriterFailure& failure) {
            registry_.note_failure(writer, event, failure, id_);
          },
          [this] { return shared_from_this(); }) {}

Result<bool> BackupSession::admit(Call call) const {
  const Verdict decided = verdict(call, state_, context_);
  if (decided == Verdict::BadState)
    return fail(ErrorCode::BadState, explain_bad_state(call, state_, context_));
  const bool may_interrupt = call == Call::Cancel || call == Call::AbortBackup || call == Call::Release ||
                             call == Call::GatherWriterStatus;
  if (running_ != nullptr && !may_interrupt) {
    return fail(ErrorCode::BadState, std::string(to_string(call)) + " is not legal while another call runs");
  }
  return decided == Verdict::Legal;
}

Status BackupSession::admit_setting(Call call) const {
  const Result<bool> admitted = admit(call);
  return admitted ? Status() : fail(admitted.error());
}

void BackupSession::enter(SessionState state) {
  if (state_ == SessionState::Released) return;  // for good
  state_ = state;
  services_.observer.session_changed(id_);
}

Status BackupSession::set_context(std::string_view name) {
  if (Status admitted = admit_setting(Call::SetContext); !admitted) return admitted;
  if (context_is_set_) return fail(ErrorCode::BadState, "SetContext is legal once");
  const auto context = context_from_name(name);
  if (!context) return fail(ErrorCode::UnsupportedContext, explain_no_context(name));
  context_ = *context;
  context_is_set_ = true;
  services_.observer.session_changed(id_);
  return {};
}

Status BackupSession::set_backup_state(BackupState state) {
  if (Status admitted = admit_setting(Call::SetBackupState); !admitted) return admitted;
  static constexpr std::string_view kTypes[] = {"full", "incremental", "differential",
                                                "log",  "copy",        "other"};
  if (std::ranges::find(kTypes, state.type) == std::end(kTypes)) {
    return fail(ErrorCode::InvalidArgument, "no backup type \"" + state.type + "\"");
  }
  backup_state_ = std::move(state);
  state_is_given_ = true;
  return {};
}

Status BackupSession::enable_writer_classes(std::vector<Guid> classes) {
  if (Status admitted = admit_setting(Call::EnableWriterClasses); !admitted) return admitted;
  enabled_classes_.insert(enabled_classes_.end(), classes.begin(), classes.end());
  return {};
}

Status BackupSession::disable_writer_classes(std::vector<Guid> classes) {
  if (Status admitted = admit_setting(Call::DisableWriterClasses); !admitted) return admitted;
  disabled_classes_.insert(disabled_classes_.end(), classes.begin(), classes.end());
  return {};
}

Status BackupSession::disable_writer_instances(std::vector<Guid> instances) {
  if (Status admitted = admit_setting(Call::DisableWriterInstances); !admitted) return admitted;
  disabled_instances_.insert(disabled_instances_.end(), instances.begin(), instances.end());
  return {};
}

asio::awaitable<Status> BackupSession::gather_writer_metadata() {
  if (const Result<bool> admitted = admit(Call::GatherWriterMetadata); !admitted)
    co_return fail(admitted.error());
  const SessionState before = state_;
  LongCall operation(running_);
  enter(SessionState::Gathering);
  const auto contains = [](const std::vector<Guid>& ids, Guid id) {
    return std::ranges::find(ids, id) != ids.end();
  };
  std::vector<std::shared_ptr<Writer>> enabled;
  for (const std::shared_ptr<Writer>& writer : registry_.writers()) {
    const WriterInfo& info = writer->info();
    const bool wanted = enabled_classes_.empty() || contains(enabled_classes_, info.class_id);
    if (wanted && !contains(disabled_classes_, info.class_id) &&
        !contains(disabled_instances_, info.instance_id)) {
      enabled.push_back(writer);
    }
  }
  co_await writers_.identify(std::move(enabled), operation.cancel);
  if (operation.cancel.is_set()) {
    // Some writers are missing, nobody could tell which.
    failure_ = Error{ErrorCode::Cancelled, "GatherWriterMetadata was cancelled"};
    enter(SessionState::Failed);
    co_return fail(*failure_);
  }
  if (Status fit = writers_.check_documents(); !fit) {
    writers_.forget_all();
    enter(before);
    co_return fit;
  }
  gathered_ = true;
  enter(SessionState::Gathered);
  co_return Status();
}

asio::awaitable<Result<Guid>> BackupSession::start_snapshot_set() {
  if (const Result<bool> admitted = admit(Call::StartSnapshotSet); !admitted)
    co_return fail(admitted.error());
  const SessionState before = state_;
  LongCall operation(running_);
  enter(SessionState::Starting);
  const Guid set = Guid::random();
  CreationLock::Holder holder{requester_.client, requester_.unit, requester_.pid, set, {}};
  auto lease = co_await lock_.acquire(std::move(holder), options_.lock_timeout, operation.cancel);
  if (!lease) {
    enter(before);
    co_return fail(std::move(lease.error()));
  }
  lease_ = std::move(*lease);
  SetRecord header;
  header.set_id = set;
  header.session_id = id_;
  header.context = context_;
  header.creator = requester_.client;
  set_ = std::make_unique<SnapshotSet>(
      services_, store_, writers_, std::move(header),
      SetOptions{options_.strict, options_.require_cut, options_.auto_recovery});
  store_.set_in_use(set, true);
  writers_.args.set = set;
  enter(SessionState::SetStarted);
  co_return set;
}

asio::awaitable<Result<Guid>> BackupSession::add_to_snapshot_set(std::string path, std::string provider) {
  if (const Result<bool> admitted = admit(Call::AddToSnapshotSet); !admitted)
    co_return fail(admitted.error());
  if (Status set = needs_set(Call::AddToSnapshotSet); !set) co_return fail(std::move(set.error()));
  LongCall operation(running_);
  Result<Guid> snapshot = co_await set_->add(std::move(path), std::move(provider), operation.cancel);
  if (snapshot && state_ == SessionState::SetStarted) enter(SessionState::SetFilled);
  co_return snapshot;
}

Status BackupSession::needs_set(Call call) const {
  if (set_) return {};
  return fail(ErrorCode::BadState,
              std::string(to_string(call)) + " is not legal: this backup takes no snapshot");
}

Status BackupSession::ready_to_prepare() const {
  if (!gathered_) {
    return fail(ErrorCode::BadState, "GatherWriterMetadata has to come first, before StartSnapshotSet");
  }
  if (!state_is_given_) return fail(ErrorCode::BadState, "SetBackupState has to come first");
  return set_ ? set_->check() : Status();
}

Status BackupSession::after_snapshot(Call call) const {
  if (state_ != SessionState::Prepared || !set_) return {};
  return fail(ErrorCode::BadState,
              std::string(to_string(call)) + " is not legal: DoSnapshotSet has to come first");
}

asio::awaitable<Status> BackupSession::prepare_for_backup() {
  if (const Result<bool> admitted = admit(Call::PrepareForBackup); !admitted)
    co_return fail(admitted.error());
  if (Status ready = ready_to_prepare(); !ready) co_return ready;
  const SessionState before = state_;
  LongCall operation(running_);
  enter(SessionState::Preparing);
  warnings_.clear();
  auto checking = check_selection(shared_from_this());
  const std::optional<Status> checked =
      co_await race(std::move(checking), TimePoint::max(), operation.cancel);
  if (checked && !*checked) {
    enter(before);
    co_return *checked;
  }
  if (checked) {
    writers_.args.select_components = backup_state_.select_components;
    writers_.args.bootable_system_state = backup_state_.bootable_system_state;
    writers_.args.partial_file_support = backup_state_.partial_file_support;
    writers_.args.backup_type = backup_state_.type;
    writers_.args.context = to_string(context_);
    if (set_) writers_.args.volumes = set_->volume_paths();
    co_await writers_.prepare_for_backup(operation.cancel);
  }
  if (operation.cancel.is_set()) {
    failure_ = Error{ErrorCode::Cancelled, "PrepareForBackup was cancelled"};
    co_await drop_unfinished_set();
    enter(SessionState::Failed);
    co_return fail(*failure_);
  }
  enter(SessionState::Prepared);
  co_return Status();
}

std::vector<std::string> BackupSession::warnings() const {
  std::vector<std::string> all = writers_.left_out();
  all.insert(all.end(), warnings_.begin(), warnings_.end());
  if (set_) {
    for (const std::string& text : set_->warnings()) all.push_back(text);
  }
  return all;
}

asio::awaitable<Status> BackupSession::do_snapshot_set() {
  if (const Result<bool> admitted = admit(Call::DoSnapshotSet); !admitted) co_return fail(admitted.error());
  if (Status set = needs_set(Call::DoSnapshotSet); !set) co_return set;
  LongCall operation(running_);
  enter(SessionState::Snapping);
  creation_ran_ = true;
  Status created = co_await set_->create(operation.cancel);
  lease_.release();
  if (created) {
    made_ = true;
    enter(SessionState::Snapped);
  } else {
    failure_ = created.error();
    enter(SessionState::Failed);
  }
  co_return created;
}

Status BackupSession::gather_writer_status() const { return admit_setting(Call::GatherWriterStatus); }

Result<SetRecord> BackupSession::get_snapshot_properties(Guid snapshot) const {
  if (Status admitted = admit_setting(Call::GetSnapshotProperties); !admitted) return fail(admitted.error());
  SnapshotFilter filter;
  filter.set = set_id();
  filter.snapshot = snapshot;
  const std::vector<SetRecord> found = store_.list(filter);
  if (found.empty()) return fail(ErrorCode::ObjectNotFound, "no snapshot " + snapshot.str() + " in this set");
  return found.front();
}

asio::awaitable<Status> BackupSession::backup_complete() {
  if (state_ == SessionState::Failed && failure_ && has_writers(context_)) {
    co_return fail(failure_->code, "BackupComplete cannot follow a failure: " + failure_->message);
  }
  const Result<bool> admitted = admit(Call::BackupComplete);
  if (!admitted) co_return fail(admitted.error());
  if (!*admitted) co_return Status();
  if (Status done = after_snapshot(Call::BackupComplete); !done) co_return done;
  LongCall operation(running_);
  enter(SessionState::Completing);
  co_await writers_.backup_complete(operation.cancel);
  enter(SessionState::Completed);
  if (operation.cancel.is_set()) co_return fail(ErrorCode::Cancelled, "BackupComplete was cancelled");
  co_return Status();
}

asio::awaitable<void> BackupSession::drop_unfinished_set() {
  if (set_ && !std::exchange(creation_ran_, true)) {
    store_.set_in_use(set_->id(), false);
    co_await set_->discard();
  }
  lease_.release();
}

asio::awaitable<Status> BackupSession::abort_backup() {
  const auto self = shared_from_this();
  const Result<bool> admitted = admit(Call::AbortBackup);
  if (!admitted) co_return fail(admitted.error());
  if (!*admitted) co_return Status();
  co_await stop_long_call(running_);
  if (state_ == SessionState::Released || state_ == SessionState::Aborted) co_return Status();
  LongCall operation(running_);
  enter(SessionState::Aborting);
  co_await writers_.abort("the requester aborted the backup");
  co_await drop_unfinished_set();
  enter(SessionState::Aborted);
  co_return Status();
}

asio::awaitable<Result<Deletion>> BackupSession::delete_snapshots(std::string kind, Guid id) {
  if (const Result<bool> admitted = admit(Call::DeleteSnapshots); !admitted) co_return fail(admitted.error());
  if (kind != "set" && kind != "snapshot") {
    co_return fail(ErrorCode::InvalidArgument, "kind is \"set\" or \"snapshot\"");
  }
  // Only what the session made itself; its own use of the set is then no hindrance.
  if (kind == "set" && made_ && id == set_id()) co_return co_await store_.remove_set(id, true);
  const SetRecord* owner = kind == "snapshot" ? store_.find_by_snapshot(id) : nullptr;
  if (owner != nullptr && owner->set_id == set_id()) co_return co_await store_.remove_snapshot(id, true);
  co_return fail(ErrorCode::ObjectNotFound, "no " + kind + " " + id.str() + " in this session");
}

Result<std::string> BackupSession::save_document() const {
  if (Status admitted = admit_setting(Call::SaveDocument); !admitted) return fail(admitted.error());
  std::string text = backup_document(*this, services_.machine);
  if (Status fits = check_document_size(text.size()); !fits) return fail(std::move(fits.error()));
  return text;
}

Status BackupSession::cancel() {
  const Result<bool> admitted = admit(Call::Cancel);
  if (!admitted) return fail(admitted.error());
  if (running_ != nullptr) running_->cancel.set();
  return {};
}

asio::awaitable<void> BackupSession::release() {
  const auto self = shared_from_this();
  if (state_ == SessionState::Released) {
    co_await wait_for(released_, TimePoint::max());  // somebody else is at it
    co_return;
  }
  const bool creating = state_ == SessionState::Snapping;
  enter(SessionState::Released);
  if (running_ != nullptr) running_->cancel.set();
  // The writers first; a set that is half made is doomed, and nobody has to wait until it is cleared away.
  if (creating) writers_.send_abort("the requester is gone");
  const Signal told = writers_.send_shutdown(made_ ? set_id() : Guid{});
  co_await stop_long_call(running_);
  co_await drop_unfinished_set();
  co_await wait_for(told, std::chrono::steady_clock::now() + services_.limits.backup_shutdown);
  if (made_) {
    store_.set_in_use(set_id(), false);
    const SetRecord* set = store_.find(set_id());
    const bool ends = set != nullptr && (is_auto_release(context_) || set->snapshots.empty());
    if (ends && store_.background().is_closed()) {
      // A session that is over does not wait for the set of another one.
      spawn(services_.executor, store_.remove_ended(set_id()));
    } else if (ends) {
      co_await store_.remove_ended(set_id());
    }
  }
  services_.observer.session_ended(id_);
  released_.set();
}

}  // namespace vss::core
