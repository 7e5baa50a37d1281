// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/snapshot_set.hpp"

#include <algorithm>

#include "daemon/core/client_access.hpp"

namespace vss::core {

SnapshotSet::SnapshotSet(Services& services, SnapshotStore& store, SessionWriters& writers, SetRecord header,
                         SetOptions options)
    : services_(services), store_(store), writers_(writers), record_(std::move(header)), options_(options) {}

// The sequence of design section 6, steps 4 to 9. A step that fails is the end of the set: see undo().
asio::awaitable<Status> SnapshotSet::create(Signal cancel) {
  cancel_ = std::move(cancel);
  struct Phase {
    std::string_view phase;
    Step run;
  };
  // clang-format off
  static constexpr Phase kSteps[] = {
      //                        writers get                  providers and daemon
      {"record",                &SnapshotSet::write_record},      // the record is on disk before a snapshot exists
      {"prepare-for-snapshot",  &SnapshotSet::prepare_writers},   // PrepareForSnapshot
      {"end-prepare",           &SnapshotSet::end_prepare},       //   stores, descriptors, syncfs; vssd-hold is armed
      {"freeze",                &SnapshotSet::freeze_writers},    // Freeze: FRONT_END, BACK_END, SYSTEM
      {"pre-commit",            &SnapshotSet::pre_commit},        //   last preparations
      {"hold",                  &SnapshotSet::hold_and_capture},  //   hold, capture, release by the plan
      {"post-commit",           &SnapshotSet::post_commit},
      {"thaw",                  &SnapshotSet::thaw_writers},      // Thaw: SYSTEM, BACK_END, FRONT_END
      {"post-snapshot",         &SnapshotSet::post_snapshot},     // PostSnapshot, on writable snapshots
      {"publish",               &SnapshotSet::publish},           //   read-only, mounted, in the catalogue
  };
  // clang-format on
  for (std::size_t i = 0; i < std::size(kSteps); ++i) {
    const Phase& step = kSteps[i];
    services_.observer.progress(writers_.args.session, step.phase, i, std::size(kSteps), {});
    const auto start = CreationTimes::Clock::now();
    Status done = co_await run_step(step.run);
    times_.note_phase(step.phase, start);
    if (done && cancel_.is_set()) done = fail(ErrorCode::Cancelled, "the creation was cancelled");
    if (!done) {
      spdlog::error("set {}: {} failed: {}", id().str(), step.phase, done.error().message);
      Error cause = std::move(done.error());
      co_return fail(co_await undo(std::move(cause), i > 0));
    }
  }
  co_return Status();
}

// Whatever a step throws, the set is undone.
asio::awaitable<Status> SnapshotSet::run_step(Step step) {
  try {
    co_return co_await (this->*step)();
  } catch (const std::exception& error) {
    co_return fail(ErrorCode::Unexpected, error.what());
  }
}

asio::awaitable<Result<Guid>> SnapshotSet::add(std::string path, std::string provider_name, Signal cancel) {
  if (broken_) co_return fail(*broken_);
  if (members_.size() >= services_.limits.volumes_per_set) {
    co_return fail(ErrorCode::MaximumNumberOfVolumesReached,
                   "a set holds at most " + std::to_string(services_.limits.volumes_per_set) + " volumes");
  }
  const Error cancelled{ErrorCode::Cancelled, "AddToSnapshotSet was cancelled"};
  auto resolving = services_.volumes.resolve(path);
  std::optional<Result<Volume>> volume = co_await race(std::move(resolving), TimePoint::max(), cancel);
  if (!volume) co_return fail(cancelled);
  if (!*volume) co_return fail(std::move(volume->error()));
  if (is_client_accessible(record_.context)) {
    if (Status nameable = check_client_name(**volume); !nameable) co_return fail(std::move(nameable.error()));
  }
  for (const Entry& entry : members_) {
    const Volume& other = entry.plan.volume;
    if (other.superblock == (*volume)->superblock && other.subvolume_id == (*volume)->subvolume_id) {
      co_return fail(ErrorCode::ObjectAlreadyExists,
                     path + " is on the volume " + other.path + ", which is in the set");
    }
  }
  auto choosing = services_.providers.choose(**volume, std::move(provider_name));
  std::optional<Result<ProviderChoice>> choice = co_await race(std::move(choosing), TimePoint::max(), cancel);
  if (!choice) co_return fail(cancelled);
  if (!*choice) co_return fail(std::move(choice->error()));

  const std::uint64_t reverts = store_.reverts_of((*volume)->path);
  if (reverts % 2 != 0) co_return fail(ErrorCode::RevertInProgress, (*volume)->path + " is being reverted");
  Provider* provider = (*choice)->provider;
  Member member{id(), Guid::random(), std::move(**volume), {}, {}};
  const PlanMember plan{member.snapshot_id, provider->info().name, member.volume, (*choice)->support.hold,
                        (*choice)->support.group};
  Status prepared = co_await begin_prepare(provider, std::move(member), cancel);
  if (!prepared) co_return fail(std::move(prepared.error()));
  members_.push_back({plan, provider, reverts});
  record_.snapshots.push_back({plan.snapshot_id, plan.volume, plan.provider, {}, {}, {}, {}, 0});
  record_.snapshots_count = static_cast<std::uint32_t>(record_.snapshots.size());
  read_back_members();
  co_return plan.snapshot_id;
}

asio::awaitable<Status> SnapshotSet::begin_prepare(Provider* provider, Member member, Signal cancel) {
  if (std::ranges::find(touched_, provider) == touched_.end()) touched_.push_back(provider);
  auto preparing = provider->begin_prepare(std::move(member));
  std::optional<Status> prepared = co_await race(std::move(preparing), TimePoint::max(), cancel);
  if (!prepared) {
    broken_ = Error{ErrorCode::Cancelled, "cancelled while the provider worked on a volume"};
    co_return fail(*broken_);
  }
  // The provider may yet finish, and would then have a member of which nobody knows.
  if (!*prepared && prepared->error().code == ErrorCode::UnexpectedProviderError) broken_ = prepared->error();
  co_return std::move(*prepared);
}

HoldPlan SnapshotSet::make_plan() const {
  std::vector<PlanMember> members;
  for (const Entry& entry : members_) members.push_back(entry.plan);
  return make_hold_plan(members);
}

Status SnapshotSet::check() const {
  if (broken_) return fail(*broken_);
  for (const Entry& entry : members_) {
    const std::string& path = entry.plan.volume.path;
    // A provider may have looked at what the volume was before.
    if (store_.reverts_of(path) != entry.reverts)
      return fail(ErrorCode::VolumeInUse, path + " has been reverted since it was added to the set");
  }
  const HoldPlan plan = make_plan();
  if (options_.require_cut && plan.level != ConsistencyLevel::Cut) {
    return fail(ErrorCode::ConsistencyNotReached,
                "these volumes cannot be captured at one instant: " + plan.reason);
  }
  return {};
}

asio::awaitable<Status> SnapshotSet::write_record() {
  if (Status possible = check(); !possible) co_return possible;
  HoldPlan plan = make_plan();
  record_.consistency = to_string(plan.level);
  record_.consistency_reason = plan.reason;
  writers_.args.instants = plan.instants;
  attempt_ = std::make_unique<CaptureAttempt>(services_, times_, id(), std::move(plan), options_.require_cut);
  record_.state = SetState::Creating;
  SetRecord copy = record_;
  co_return co_await store_.put(std::move(copy));
}

asio::awaitable<Status> SnapshotSet::prepare_writers() {
  writers_.args.volumes = volume_paths();
  co_await writers_.prepare_for_snapshot(cancel_);
  co_return Status();
}

asio::awaitable<Status> SnapshotSet::close(BackgroundGate& gate,
                                           std::optional<BackgroundGate::Closed>& ours) {
  if (ours) co_return Status();
  auto closing = gate.close();
  std::optional<BackgroundGate::Closed> closed = co_await race(std::move(closing), TimePoint::max(), cancel_);
  if (!closed)
    co_return fail(ErrorCode::Cancelled, "the creation was cancelled while it waited for another snapshot");
  ours.emplace(std::move(*closed));
  co_return Status();
}

asio::awaitable<Status> SnapshotSet::end_prepare() {
  if (store_.background().is_busy())
    spdlog::info("set {} waits until work on another snapshot has ended", id().str());
  // First, and not when writers are frozen: this work may take minutes.
  if (Status closed = co_await close(store_.background(), undisturbed_); !closed) co_return closed;
  if (Status ended = co_await on_each_provider("end_prepare", &Provider::end_prepare); !ended)
    co_return ended;
  read_back_members();
  SetRecord copy = record_;
  if (Status stored = co_await store_.put(std::move(copy)); !stored) co_return stored;

  const auto limit = static_cast<std::uint32_t>(services_.limits.flush.count());
  auto flush = services_.volumes.flush(volumes(), limit);
  const auto deadline = std::chrono::steady_clock::now() + services_.limits.flush + std::chrono::seconds(1);
  std::optional<Status> flushed = co_await race(std::move(flush), deadline, cancel_);
  if (!flushed)
    co_return fail(ErrorCode::Cancelled, "the creation was cancelled while filesystems were flushed");
  if (!*flushed) co_return *flushed;
  co_return co_await attempt_->arm();
}

asio::awaitable<Status> SnapshotSet::freeze_writers() {
  co_return co_await writers_.freeze(options_.strict, cancel_);
}

asio::awaitable<Status> SnapshotSet::pre_commit() {
  // From here on a provider may keep to itself what a look at another snapshot would wait for. Not earlier:
  // stores are watched, and grow, while filesystems are flushed and writers freeze.
  if (Status closed = co_await close(store_.watching(), unwatched_); !closed) co_return closed;
  co_return co_await on_each_provider("pre_commit", &Provider::pre_commit);
}

// A kernel that refuses the kind of hold that was planned gets a second plan, once.
asio::awaitable<Status> SnapshotSet::hold_and_capture() {
  Status first = co_await capture();
  if (first || !attempt_->hold_refused()) co_return first;
  spdlog::warn("set {}: {}; trying again with another kind of hold", id().str(), first.error().message);
  Status second = co_await try_again();
  if (second) co_return second;
  co_return fail(second.error().code,
                 second.error().message + "; this was the second attempt, after: " + first.error().message);
}

// Everything is released. The writers hear nothing: they stay frozen, and the time they allow runs on.
asio::awaitable<Status> SnapshotSet::try_again() {
  // clang-format off
  static constexpr Step kSteps[] = {
      &SnapshotSet::check_frozen,
      &SnapshotSet::abort_providers,
      &SnapshotSet::ask_support,    // the providers answer with another kind of hold
      &SnapshotSet::prepare_again,  // begin_prepare for the same snapshots
      &SnapshotSet::write_record,   // the new plan, if it is good enough
      &SnapshotSet::end_prepare,
      &SnapshotSet::pre_commit,
      &SnapshotSet::check_frozen,
      &SnapshotSet::capture,
  };
  // clang-format on
  for (const Step step : kSteps) {
    if (cancel_.is_set()) co_return fail(ErrorCode::Cancelled, "the creation was cancelled");
    if (Status done = co_await (this->*step)(); !done) co_return done;
  }
  co_return Status();
}

asio::awaitable<Status> SnapshotSet::ask_support() {
  for (Entry& entry : members_) {
    Volume volume = entry.plan.volume;
    Result<VolumeSupport> support = co_await entry.provider->is_volume_supported(std::move(volume));
    if (!support) co_return fail(std::move(support.error()));
    if (!support->supported) {
      co_return fail(ErrorCode::VolumeNotSupportedByProvider,
                     "provider " + entry.plan.provider + " does not support " + entry.plan.volume.path +
                         " any more: " + support->reason);
    }
    entry.plan.hold = support->hold;
    entry.plan.group = std::move(support->group);
  }
  co_return Status();
}

asio::awaitable<Status> SnapshotSet::prepare_again() {
  for (const Entry& entry : members_) {
    Member member{id(), entry.plan.snapshot_id, entry.plan.volume, {}, {}};
    Status prepared = co_await begin_prepare(entry.provider, std::move(member), cancel_);
    if (!prepared) co_return prepared;
  }
  read_back_members();
  co_return Status();
}

asio::awaitable<Status> SnapshotSet::capture() {
  if (Status captured = co_await attempt_->run(cancel_); !captured) co_return captured;
  for (SnapshotRecord& snapshot : record_.snapshots) {
    snapshot.hold_ms = attempt_->hold_ms(snapshot.volume.superblock);
  }
  if (const std::string& reason = attempt_->not_one_instant(); !reason.empty()) {
    record_.consistency = to_string(ConsistencyLevel::PerVolume);
    record_.consistency_reason += (record_.consistency_reason.empty() ? "" : "; ") + reason;
    writers_.args.instants.clear();  // each volume by itself
  }
  co_return Status();
}

asio::awaitable<Status> SnapshotSet::post_commit() {
  open_gates();
  Status committed = co_await on_each_provider("post_commit", &Provider::post_commit);
  if (committed) read_back_members();
  co_return committed;
}

void SnapshotSet::open_gates() {
  unwatched_.reset();
  undisturbed_.reset();
}

asio::awaitable<Status> SnapshotSet::check_frozen() {
  if (options_.strict && std::chrono::steady_clock::now() >= writers_.freeze_deadline()) {
    co_return fail(ErrorCode::WriterTimeout, "a writer was frozen longer than it allows");
  }
  co_return Status();
}

asio::awaitable<Status> SnapshotSet::thaw_writers() {
  if (Status frozen = co_await check_frozen(); !frozen) co_return frozen;
  co_return co_await writers_.thaw(options_.strict, cancel_);
}

asio::awaitable<Status> SnapshotSet::post_snapshot() {
  if (Status writable = co_await on_each_provider("pre_final_commit", &Provider::pre_final_commit); !writable)
    co_return writable;
  read_back_members();
  store_.note_made(record_);  // writers may take ten minutes, and the volumes are written to
  if (writers_.any_active()) {
    if (Status mounted = co_await mount_all(options_.auto_recovery); !mounted) co_return mounted;
    for (const SnapshotRecord& snapshot : record_.snapshots) {
      writers_.args.snapshots[snapshot.volume.path] = snapshot.path;
    }
    co_await writers_.post_snapshot(cancel_);
    if (options_.auto_recovery) {
      co_await remove_excluded_files();
    } else {
      warn_of_no_recovery();
    }
    if (Status unmounted = co_await unmount_all(); !unmounted) co_return unmounted;
  }
  Status final = co_await on_each_provider("post_final_commit", &Provider::post_final_commit);
  if (final) read_back_members();
  co_return final;
}

asio::awaitable<Status> SnapshotSet::publish() {
  if (Status mounted = co_await mount_all(false); !mounted) co_return mounted;
  record_.state = SetState::Created;
  record_.created = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
  if (is_client_accessible(record_.context)) {
    record_.client_time = store_.free_client_time(record_.created);
    if (Status shown = co_await store_.views().show_new(record_); !shown) co_return shown;
  }
  SetRecord copy = record_;
  if (Status stored = co_await store_.put(std::move(copy)); !stored) co_return stored;
  if (cancel_.is_set()) co_return Status();  // create() undoes it
  for (Provider* provider : providers()) provider->forget(id());
  co_return Status();
}

// Writers first, they may be frozen; then whatever exists of the snapshots. Failures here are added to the
// cause.
asio::awaitable<Error> SnapshotSet::undo(Error cause, bool writers_were_told) {
  store_.note_given_up(id());
  if (writers_were_told) writers_.send_abort(cause.message);
  if (attempt_) {  // armed, perhaps, but a step before the hold failed
    if (Status finished = co_await attempt_->disarm(); !finished) {
      cause = std::move(cause).followed_by(finished.error());
    }
  }
  open_gates();
  if (Status unmounted = co_await unmount_all(); !unmounted)
    cause = std::move(cause).followed_by(unmounted.error());
  read_back_members();
  Status aborted = co_await abort_providers();
  store_.set_in_use(id(), false);
  if (!aborted) {
    // It stays in the catalogue until the provider that is stuck has come back.
    store_.remove_later(id());
    co_return std::move(cause).followed_by(aborted.error());
  }
  // A provider that regards its part as complete knows nothing of it any more: what is recorded is removed
  // one by one.
  if (store_.find(id()) == nullptr) co_return cause;
  const bool has_captured = attempt_ && attempt_->has_captured();
  if (!has_captured && store_.background().is_busy()) {
    // Nobody waits behind that work for what never existed.
    store_.remove_later(id());
    co_return cause;
  }
  Result<Deletion> removed = co_await store_.remove_set(id(), true);
  if (!removed && removed.error().code == ErrorCode::ObjectNotFound) co_return cause;  // removed meanwhile
  if (!removed) co_return std::move(cause).followed_by(removed.error());
  if (removed->error) cause = std::move(cause).followed_by(*removed->error);
  co_return cause;
}

asio::awaitable<Status> SnapshotSet::abort_providers() {
  Status status;
  for (Provider* provider : touched_) {
    Status aborted = co_await provider->abort(id());
    provider->forget(id());
    if (status && !aborted) status = std::move(aborted);
  }
  co_return status;
}

asio::awaitable<void> SnapshotSet::discard() {
  if (Status aborted = co_await abort_providers(); !aborted) {
    spdlog::warn("set {}: {}", id().str(), aborted.error().message);
  }
}

asio::awaitable<Status> SnapshotSet::on_each_provider(std::string_view name, ProviderOperation operation) {
  const std::vector<Provider*> involved = providers();
  for (Provider* provider : involved) {
    const auto start = CreationTimes::Clock::now();
    auto work = (provider->*operation)(id());
    std::optional<Status> done = co_await race(std::move(work), TimePoint::max(), cancel_);
    times_.note_provider(provider->info().name, name, start);
    if (!done) co_return fail(ErrorCode::Cancelled, "the creation was cancelled");
    if (!*done) co_return fail(std::move(done->error()).with_context("provider " + provider->info().name));
  }
  co_return Status();
}

void SnapshotSet::read_back_members() {
  for (const Entry& entry : members_) {
    Result<Member> member = entry.provider->member(entry.plan.snapshot_id);
    if (!member) continue;  // between abort and forget the module has nothing to say
    SnapshotRecord* record = snapshot(entry.plan.snapshot_id);
    record->provider_data = std::move(member->provider_data);
    record->not_included = std::move(member->not_included);
  }
}

std::vector<Provider*> SnapshotSet::providers() const {
  std::vector<Provider*> involved;
  for (const Entry& entry : members_) {
    if (std::ranges::find(involved, entry.provider) == involved.end()) involved.push_back(entry.provider);
  }
  return involved;
}

SnapshotRecord* SnapshotSet::snapshot(Guid id) { return record_.find(id); }

std::vector<std::string> SnapshotSet::volume_paths() const {
  std::vector<std::string> paths;
  for (const Entry& entry : members_) paths.push_back(entry.plan.volume.path);
  return paths;
}

std::vector<Volume> SnapshotSet::volumes() const {
  std::vector<Volume> all;
  for (const Entry& entry : members_) all.push_back(entry.plan.volume);
  return all;
}

std::vector<std::string> SnapshotSet::warnings() const {
  std::vector<std::string> texts = warnings_;
  for (const SnapshotRecord& snapshot : record_.snapshots) {
    for (const std::string& path : snapshot.not_included) {
      texts.push_back(path + " is a volume of its own: it is empty in the snapshot of " +
                      snapshot.volume.path);
    }
  }
  return texts;
}

}  // namespace vss::core
