// SPDX-License-Identifier: LGPL-2.1-or-later
// Deleting snapshots and sets, by whomever it is asked for, and what is left over.
#include <algorithm>

#include "daemon/core/pauses.hpp"
#include "daemon/core/snapshot_store.hpp"

namespace vss::core {

Status SnapshotStore::check_removable(Guid set, bool force) const {
  const SetRecord* record = find(set);
  if (record != nullptr && record->state == SetState::Breaking) {
    return fail(ErrorCode::VolumeInUse,
                "snapshot set " + set.str() + " is being broken: its volumes live on");
  }
  if (!is_in_use(set)) return {};
  if (record != nullptr && record->state == SetState::Creating) {
    return fail(ErrorCode::SnapshotSetInProgress, "snapshot set " + set.str() + " is being created");
  }
  if (force) return {};
  return fail(ErrorCode::VolumeInUse, "snapshot set " + set.str() + " is in use by a session");
}

asio::awaitable<Result<Deletion>> SnapshotStore::remove_set(Guid set, bool force) {
  if (find(set) == nullptr) co_return fail(ErrorCode::ObjectNotFound, "no snapshot set " + set.str());
  // Before it waits as well: who breaks the set may take long.
  if (Status removable = check_removable(set, force); !removable)
    co_return fail(std::move(removable.error()));
  const auto pass = co_await background_.enter();
  co_return co_await remove_set_now(set, force);
}

asio::awaitable<Result<Deletion>> SnapshotStore::remove_set_now(Guid set, bool force) {
  const auto turn = co_await work_.take(set);
  const auto at = sets_.find(set);
  if (at == sets_.end()) co_return fail(ErrorCode::ObjectNotFound, "no snapshot set " + set.str());
  if (Status removable = check_removable(set, force); !removable)
    co_return fail(std::move(removable.error()));
  if (at->second.snapshots.empty()) {
    if (Status erased = co_await erase(set); !erased) co_return fail(std::move(erased.error()));
    co_return Deletion{};
  }
  if (Status hidden = co_await withdraw_set(set, force); !hidden) co_return fail(std::move(hidden.error()));
  const SetRecord* record = find(set);
  if (record == nullptr) co_return fail(ErrorCode::ObjectNotFound, "no snapshot set " + set.str());
  std::vector<Guid> snapshots = snapshot_ids(*record);
  Deletion deletion = co_await remove_these(set, std::move(snapshots));
  if (deletion.failed) remove_later(set);
  co_return deletion;
}

asio::awaitable<Status> SnapshotStore::withdraw_set(Guid set, bool force) {
  const auto turn = co_await views_.turn(set);
  auto at = sets_.find(set);
  if (at == sets_.end()) co_return Status();  // somebody else has just deleted it
  SetRecord seen = at->second;
  std::vector<Guid> all = snapshot_ids(seen);
  Status hidden = co_await views_.hide(std::move(seen), std::move(all), force);
  at = sets_.find(set);
  if (!hidden || at == sets_.end()) co_return hidden;
  at->second.state = SetState::Deleting;
  SetRecord record = at->second;
  // On disk first: what is interrupted after this is finished by the next start.
  if (Status stored = co_await put(std::move(record)); !stored) {
    spdlog::warn("set {}: {}; it is removed all the same", set.str(), stored.error().message);
  }
  co_return Status();
}

asio::awaitable<Status> SnapshotStore::withdraw_snapshot(Guid set, Guid snapshot, bool force) {
  const auto turn = co_await views_.turn(set);
  const SetRecord* record = find(set);
  if (record == nullptr) co_return Status();
  SetRecord seen = *record;
  std::vector<Guid> one{snapshot};
  Status hidden = co_await views_.hide(std::move(seen), std::move(one), force);
  if (!hidden) co_return hidden;
  if (SnapshotRecord* usable = find_usable(set, snapshot)) {
    usable->path.clear();
    usable->client_path.clear();
  }
  co_return Status();
}

asio::awaitable<Deletion> SnapshotStore::remove_these(Guid set, std::vector<Guid> snapshots) {
  Deletion deletion;
  for (const Guid snapshot : snapshots) {
    Status removed = co_await remove_one(set, snapshot);
    if (!removed) {
      spdlog::error("cannot delete snapshot {}: {}", snapshot.str(), removed.error().message);
      deletion.failed = snapshot;
      deletion.error = std::move(removed.error());
      break;
    }
    ++deletion.deleted;
  }
  co_return deletion;
}

asio::awaitable<Status> SnapshotStore::remove_one(Guid set, Guid snapshot) {
  const SetRecord* record = find(set);
  if (record == nullptr) co_return Status();  // somebody else has just deleted it
  const SnapshotRecord* const at = record->find(snapshot);
  if (at == nullptr) co_return Status();
  Member member = member_of(*record, *at);
  Provider* provider = services_.providers.find(at->provider);
  if (provider == nullptr) {
    co_return fail(ErrorCode::ProviderNotRegistered,
                   "snapshot " + snapshot.str() + ": provider " + at->provider + " is not loaded");
  }
  Status removed = co_await services_.mounter.unmount(set, snapshot);
  if (removed) removed = co_await provider->remove(std::move(member));
  if (!removed) {
    if (find_usable(set, snapshot) != nullptr) open_later(set);
    co_return fail(std::move(removed.error()).with_context("snapshot " + snapshot.str()));
  }
  co_return co_await forget_snapshot(set, snapshot);
}

asio::awaitable<Result<Deletion>> SnapshotStore::remove_snapshot(Guid snapshot, bool force) {
  const SetRecord* record = find_by_snapshot(snapshot);
  if (record == nullptr) co_return fail(ErrorCode::ObjectNotFound, "no snapshot " + snapshot.str());
  const Guid set = record->set_id;
  if (Status removable = check_removable(set, force); !removable)
    co_return fail(std::move(removable.error()));
  const auto pass = co_await background_.enter();
  const auto turn = co_await work_.take(set);
  if (find_by_snapshot(snapshot) == nullptr)
    co_return fail(ErrorCode::ObjectNotFound, "no snapshot " + snapshot.str());
  if (Status removable = check_removable(set, force); !removable)
    co_return fail(std::move(removable.error()));
  if (Status hidden = co_await withdraw_snapshot(set, snapshot, force); !hidden)
    co_return fail(std::move(hidden.error()));
  std::vector<Guid> one{snapshot};
  co_return co_await remove_these(set, std::move(one));
}

asio::awaitable<Result<Deletion>> SnapshotStore::remove_oldest(std::string volume, bool force) {
  SnapshotFilter filter;
  filter.volume = volume;
  for (;;) {
    const std::vector<SetRecord> sets = list(filter);
    if (sets.empty()) co_return fail(ErrorCode::ObjectNotFound, "no snapshot of " + volume);
    const Guid oldest = sets.front().snapshots.front().snapshot_id;
    Result<Deletion> deletion = co_await remove_snapshot(oldest, force);
    // Somebody else may have deleted it while this waited.
    if (deletion || find_by_snapshot(oldest) != nullptr) co_return deletion;
  }
}

asio::awaitable<Result<Deletion>> SnapshotStore::remove_all(bool force) {
  Deletion total;
  const std::vector<SetRecord> sets = list({});
  for (const SetRecord& set : sets) {
    const Guid id = set.set_id;
    if (is_in_use(id) && !force) continue;
    Result<Deletion> deletion = co_await remove_set(id, force);
    if (!deletion && deletion.error().code == ErrorCode::ObjectNotFound) continue;  // deleted meanwhile
    if (!deletion) {
      spdlog::error("cannot delete snapshot set {}: {}", id.str(), deletion.error().message);
      total.failed = set.snapshots.front().snapshot_id;
      total.error = std::move(deletion.error());
      break;
    }
    total.deleted += deletion->deleted;
    if (deletion->failed) {
      total.failed = deletion->failed;
      total.error = deletion->error;
      break;
    }
  }
  co_return total;
}

bool SnapshotStore::is_garbage(const SetRecord& record) const {
  if (is_in_use(record.set_id) || record.state == SetState::Breaking) return false;
  // Of an empty set nobody would ever hear again: lists are of snapshots.
  return record.state != SetState::Created || is_auto_release(record.context) || record.snapshots.empty();
}

bool SnapshotStore::is_a_provider_stuck(const SetRecord& record) const {
  return std::ranges::any_of(record.snapshots, [&](const SnapshotRecord& snapshot) {
    const Provider* provider = services_.providers.find(snapshot.provider);
    return provider != nullptr && !provider->stuck_in().empty();
  });
}

asio::awaitable<Result<Deletion>> SnapshotStore::collect_garbage() {
  std::vector<Guid> garbage;
  for (const auto& [id, record] : sets_) {
    if (is_garbage(record) && !is_a_provider_stuck(record)) garbage.push_back(id);
  }
  Deletion total;
  for (const Guid id : garbage) {
    Result<Deletion> deletion = co_await remove_set(id, true);
    if (!deletion && deletion.error().code == ErrorCode::ObjectNotFound) continue;  // removed meanwhile
    if (!deletion) {
      spdlog::error("cannot collect snapshot set {}: {}", id.str(), deletion.error().message);
      continue;
    }
    total.deleted += deletion->deleted;
    if (deletion->failed && !total.failed) {
      total.failed = deletion->failed;
      total.error = deletion->error;
    }
  }
  co_return total;
}

asio::awaitable<void> SnapshotStore::remove_ended(Guid set) {
  Result<Deletion> deletion = co_await remove_set(set, true);
  if (!deletion && deletion.error().code != ErrorCode::ObjectNotFound)  // deleted meanwhile
    spdlog::error("cannot delete snapshot set {}: {}", set.str(), deletion.error().message);
}

void SnapshotStore::remove_later(Guid set) {
  if (removed_later_.insert(set).second) spawn(services_.executor, keep_removing(set));
}

asio::awaitable<void> SnapshotStore::keep_removing(Guid set) {
  for (Pauses pauses(std::chrono::minutes(10)); find(set) != nullptr;) {
    co_await pauses.next();
    const auto pass = co_await background_.enter();
    // Not before the stuck operation has returned: it may still make what is to be removed.
    if (find(set) == nullptr || is_a_provider_stuck(*find(set))) continue;
    Result<Deletion> removed = co_await remove_set_now(set, true);
    if (removed && !removed->failed) break;
  }
  removed_later_.erase(set);
}

}  // namespace vss::core
