// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/snapshot_revert.hpp"

#include <algorithm>

#include "daemon/core/pauses.hpp"

namespace vss::core {
namespace {

// Not an answer about this volume: another provider may have one.
bool is_none_of_its_business(ErrorCode code) {
  return code == ErrorCode::NotSupported || code == ErrorCode::VolumeNotSupportedByProvider;
}

bool is_under_way(const RevertStatus& status) {
  return status.state == RevertState::Running || status.state == RevertState::PendingReboot;
}

}  // namespace

Status SnapshotReverter::check(const SetRecord* set, Guid snapshot) const {
  if (set == nullptr || set->state == SetState::Deleting || set->state == SetState::Breaking)
    return fail(ErrorCode::ObjectNotFound, "no snapshot " + snapshot.str());
  if (set->state == SetState::Creating)
    return fail(ErrorCode::SnapshotSetInProgress, "snapshot " + snapshot.str() + " is being created");
  if (!is_persistent(set->context)) {
    return fail(ErrorCode::UnsupportedContext,
                "snapshot " + snapshot.str() + " is of the context " + std::string(to_string(set->context)) +
                    "; volumes are reverted to snapshots of persistent contexts only");
  }
  if (store_.is_in_use(set->set_id))
    return fail(ErrorCode::VolumeInUse, "snapshot set " + set->set_id.str() + " is in use by a session");
  const SnapshotRecord& record = *set->find(snapshot);
  const std::string& path = record.volume.path;
  if (running_.contains(path)) return fail(ErrorCode::RevertInProgress, path + " is being reverted");
  for (const Guid id : store_.sets_in(SetState::Creating)) {
    if (std::ranges::any_of(store_.find(id)->snapshots,
                            [&](const SnapshotRecord& other) { return other.volume.path == path; })) {
      return fail(ErrorCode::VolumeInUse, "a snapshot set of " + path + " is being created");
    }
  }
  if (services_.providers.find(record.provider) == nullptr)
    return fail(ErrorCode::ProviderNotRegistered, "provider " + record.provider + " is not loaded");
  return {};
}

asio::awaitable<Result<RevertReport>> SnapshotReverter::revert(Guid snapshot, bool force) {
  const SetRecord* set = store_.find_by_snapshot(snapshot);
  if (Status may = check(set, snapshot); !may) co_return fail(std::move(may.error()));
  const SnapshotRecord& record = *set->find(snapshot);
  Member member = member_of(*set, record);
  Provider* const provider = services_.providers.find(record.provider);
  const std::string path = record.volume.path;
  running_.insert(path);
  store_.note_revert(path);
  Result<RevertReport> report = co_await take_turn_and_run(std::move(member), provider, force);
  store_.note_revert(path);
  running_.erase(path);
  co_return report;
}

asio::awaitable<Result<RevertReport>> SnapshotReverter::take_turn_and_run(Member member, Provider* provider,
                                                                          bool force) {
  const auto pass = co_await store_.background().enter();
  const auto turn = co_await store_.turn(member.set_id);
  const SetRecord* set = store_.find_by_snapshot(member.snapshot_id);
  if (set == nullptr || set->state != SetState::Created)
    co_return fail(ErrorCode::ObjectNotFound, "the snapshot was deleted meanwhile");
  if (store_.is_in_use(set->set_id))
    co_return fail(ErrorCode::VolumeInUse, "snapshot set " + set->set_id.str() + " is in use by a session");
  co_return co_await run(std::move(member), provider, force);
}

// vssd itself must not be who keeps the snapshot open.
asio::awaitable<Status> SnapshotReverter::take_away(Guid set, Guid snapshot, bool force) {
  {
    const auto turn = co_await store_.views().turn(set);
    const SetRecord* known = store_.find(set);
    if (known == nullptr) co_return fail(ErrorCode::ObjectNotFound, "the snapshot was deleted meanwhile");
    SetRecord record = *known;
    std::vector<Guid> one{snapshot};
    Status hidden = co_await store_.views().hide(std::move(record), std::move(one), force);
    if (!hidden) co_return hidden;
  }
  co_return co_await services_.mounter.unmount(set, snapshot);
}

asio::awaitable<Status> SnapshotReverter::check_provider(Provider* provider, Member member) {
  const Volume volume = member.volume;
  Result<RevertStatus> status = co_await provider->revert_status(volume);
  if (status && is_under_way(*status)) {
    co_return fail(ErrorCode::RevertInProgress,
                   volume.path + " is being reverted (" + std::string(to_string(status->state)) +
                       (status->message.empty() ? "" : ": " + status->message) + ")");
  }
  // Anything else that it cannot tell now, it finds out in the revert itself.
  if (!status && status.error().code == ErrorCode::NotSupported) co_return fail(std::move(status.error()));
  Result<bool> exists = co_await provider->exists(std::move(member));
  if (!exists) co_return fail(std::move(exists.error()));
  if (!*exists) co_return fail(ErrorCode::ObjectNotFound, "the snapshot does not exist any more");
  co_return Status();
}

asio::awaitable<Result<RevertReport>> SnapshotReverter::run(Member member, Provider* provider, bool force) {
  const Guid set = member.set_id;
  const Guid snapshot = member.snapshot_id;
  const std::string path = member.volume.path;
  const Member copy = member;
  if (Status may = co_await check_provider(provider, copy); !may) co_return fail(std::move(may.error()));
  if (Status noted = co_await set_reverting(set, snapshot, true); !noted) {
    if (Status undone = co_await set_reverting(set, snapshot, false); !undone)
      spdlog::error("snapshot {}: {}", snapshot.str(), undone.error().message);
    co_return fail(std::move(noted.error()));
  }
  Status ready = co_await take_away(set, snapshot, force);
  Result<RevertStatus> reverted = fail(ErrorCode::Unexpected, "not tried");
  if (ready) {
    reverted = co_await provider->revert(copy, force);
  } else {
    reverted = fail(std::move(ready.error()));
  }
  if (reverted) {
    spdlog::info("{} is reverted to snapshot {} ({}) {}", path, snapshot.str(), to_string(reverted->state),
                 reverted->message);
    begun_[path] = {provider->info().name, copy.volume};
  }
  // Of one that is still at work nobody knows yet what becomes of the snapshot.
  Status settled = fail(ErrorCode::ProviderInUse, "the provider still works on it");
  if (provider->stuck_in().empty()) settled = co_await settle(copy, provider);
  if (!settled) {
    spdlog::warn("snapshot {} after the revert of {}: {}", snapshot.str(), path, settled.error().message);
    spawn(services_.executor, keep_settling(set, snapshot));
  }
  if (!reverted) co_return fail(std::move(reverted.error()));
  co_return RevertReport{path, provider->info().name, *std::move(reverted)};
}

asio::awaitable<Status> SnapshotReverter::set_reverting(Guid set, Guid snapshot, bool reverting) {
  const SetRecord* known = store_.find(set);
  if (known == nullptr || known->find(snapshot) == nullptr)
    co_return fail(ErrorCode::ObjectNotFound, "the snapshot was deleted meanwhile");
  SetRecord record = *known;
  for (SnapshotRecord& one : record.snapshots) {
    if (one.snapshot_id != snapshot) continue;
    one.reverting = reverting;
    one.path.clear();
  }
  co_return co_await store_.put(std::move(record));
}

asio::awaitable<Status> SnapshotReverter::settle(Member member, Provider* provider) {
  const Guid set = member.set_id;
  const Guid snapshot = member.snapshot_id;
  const std::string path = member.volume.path;
  Result<bool> exists = co_await provider->exists(std::move(member));
  if (!exists) co_return fail(std::move(exists.error()));
  if (!*exists) {
    spdlog::info("snapshot {} of {} is used up by the revert", snapshot.str(), path);
    co_return co_await store_.forget_snapshot(set, snapshot);
  }
  if (Status cleared = co_await set_reverting(set, snapshot, false); !cleared) {
    if (cleared.error().code == ErrorCode::ObjectNotFound) co_return Status();
    co_return cleared;
  }
  store_.open_later(set);
  co_return Status();
}

asio::awaitable<Result<RevertReport>> SnapshotReverter::status_of_begun(Begun begun) {
  Provider* const provider = services_.providers.find(begun.provider);
  const std::string path = begun.volume.path;
  Result<RevertStatus> status = co_await provider->revert_status(std::move(begun.volume));
  if (!status) co_return fail(std::move(status.error()));
  if (status->state == RevertState::None) *status = {RevertState::Done, 100, ""};
  co_return RevertReport{path, begun.provider, *std::move(status)};
}

asio::awaitable<Result<RevertReport>> SnapshotReverter::status(std::string path) {
  // Its volume may not be mounted now; then the path lies on another one.
  const auto at_path = begun_.find(path);
  if (at_path != begun_.end()) {
    Begun begun = at_path->second;
    co_return co_await status_of_begun(std::move(begun));
  }
  Result<Volume> volume = co_await services_.volumes.resolve(std::move(path));
  if (!volume) co_return fail(std::move(volume.error()));
  const auto at_volume = begun_.find(volume->path);
  if (at_volume != begun_.end()) {
    Begun begun = at_volume->second;
    co_return co_await status_of_begun(std::move(begun));
  }
  RevertReport report{volume->path, "", {}};
  std::optional<Error> failure;
  for (Provider* const provider : services_.providers.all()) {
    Volume copy = *volume;
    Result<RevertStatus> status = co_await provider->revert_status(std::move(copy));
    if (status && status->state != RevertState::None)
      co_return RevertReport{volume->path, provider->info().name, *std::move(status)};
    if (!status && !is_none_of_its_business(status.error().code) && !failure) failure = status.error();
  }
  if (failure) co_return fail(*std::move(failure));
  co_return report;
}

void SnapshotReverter::resume() {
  for (const Guid set : store_.sets_in(SetState::Created)) {
    for (const SnapshotRecord& snapshot : store_.find(set)->snapshots) {
      if (snapshot.reverting) spawn(services_.executor, keep_settling(set, snapshot.snapshot_id));
    }
  }
}

asio::awaitable<void> SnapshotReverter::keep_settling(Guid set, Guid snapshot) {
  for (Pauses pauses(std::chrono::minutes(1));; co_await pauses.next()) {
    {
      const auto pass = co_await store_.background().enter();
      const auto turn = co_await store_.turn(set);
      const SetRecord* record = store_.find(set);
      const SnapshotRecord* entry = record == nullptr ? nullptr : record->find(snapshot);
      if (entry == nullptr || !entry->reverting || running_.contains(entry->volume.path)) co_return;
      Provider* const provider = services_.providers.find(entry->provider);
      if (provider != nullptr && provider->stuck_in().empty()) {
        Member member = member_of(*record, *entry);
        const Status settled = co_await settle(std::move(member), provider);
        if (settled) co_return;
        spdlog::debug("snapshot {}: {}", snapshot.str(), settled.error().message);
      }
    }
  }
}

}  // namespace vss::core
