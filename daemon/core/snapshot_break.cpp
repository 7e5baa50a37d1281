// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/snapshot_break.hpp"

#include <algorithm>

#include "daemon/core/pauses.hpp"

namespace vss::core {
namespace {

std::size_t count_broken(const SetRecord& record) {
  return static_cast<std::size_t>(std::ranges::count(record.snapshots, true, &SnapshotRecord::broken));
}

std::vector<BrokenVolume> volumes_of(const SetRecord& record) {
  std::vector<BrokenVolume> volumes;
  for (const SnapshotRecord& snapshot : record.snapshots) {
    volumes.push_back(
        {snapshot.snapshot_id, snapshot.volume.path, snapshot.provider, {snapshot.path, snapshot.device}});
  }
  return volumes;
}

}  // namespace

Status SnapshotBreaker::check(Guid set) const {
  const SetRecord* record = store_.find(set);
  if (record == nullptr || record->state == SetState::Deleting)
    return fail(ErrorCode::ObjectNotFound, "no snapshot set " + set.str());
  if (record->state == SetState::Creating)
    return fail(ErrorCode::SnapshotSetInProgress, "snapshot set " + set.str() + " is being created");
  if (store_.is_in_use(set))
    return fail(ErrorCode::VolumeInUse, "snapshot set " + set.str() + " is in use by a session");
  for (const SnapshotRecord& snapshot : record->snapshots) {
    if (snapshot.reverting)
      return fail(ErrorCode::RevertInProgress, snapshot.volume.path + " is being reverted to its snapshot");
    if (services_.providers.find(snapshot.provider) == nullptr) {
      return fail(ErrorCode::ProviderNotRegistered, "provider " + snapshot.provider + " is not loaded");
    }
  }
  return {};
}

// Beforehand: a set that is not whole would be broken half.
asio::awaitable<Status> SnapshotBreaker::check_existence(Guid set) {
  const SetRecord record = *store_.find(set);
  for (const SnapshotRecord& snapshot : record.snapshots) {
    if (snapshot.broken) continue;
    Provider* provider = services_.providers.find(snapshot.provider);
    const Member member = member_of(record, snapshot);
    Result<bool> exists = co_await provider->exists(member);
    if (!exists) co_return fail(std::move(exists.error()));
    if (!*exists) {
      co_return fail(ErrorCode::ObjectNotFound, "snapshot " + snapshot.snapshot_id.str() + " of " +
                                                    snapshot.volume.path + " does not exist any more");
    }
  }
  co_return Status();
}

asio::awaitable<Result<std::vector<BrokenVolume>>> SnapshotBreaker::break_set(Guid set, bool writable) {
  if (Status may = check(set); !may) co_return fail(std::move(may.error()));
  if (!running_.insert(set).second)
    co_return fail(ErrorCode::VolumeInUse, "snapshot set " + set.str() + " is being broken already");
  Result<std::vector<BrokenVolume>> volumes = co_await take_turn_and_run(set, writable);
  running_.erase(set);
  // One that is broken in part is finished in the background.
  const SetRecord* record = store_.find(set);
  if (!volumes && record != nullptr && record->state == SetState::Breaking) finish_later(set);
  co_return volumes;
}

asio::awaitable<Result<std::vector<BrokenVolume>>> SnapshotBreaker::take_turn_and_run(Guid set,
                                                                                      bool writable) {
  const auto pass = co_await store_.background().enter();
  const auto turn = co_await store_.turn(set);
  if (Status still = check(set); !still) co_return fail(std::move(still.error()));
  co_return co_await run(set, writable);
}

asio::awaitable<Result<std::vector<BrokenVolume>>> SnapshotBreaker::run(Guid set, bool writable) {
  const bool is_new = store_.find(set)->state == SetState::Created;
  if (is_new) {
    if (Status exist = co_await check_existence(set); !exist) co_return fail(std::move(exist.error()));
    const SetRecord* still = store_.find(set);
    if (still == nullptr || still->state != SetState::Created)
      co_return fail(ErrorCode::ObjectNotFound, "snapshot set " + set.str() + " was deleted meanwhile");
  }
  const SetRecord before = *store_.find(set);
  SetRecord intended = before;
  intended.state = SetState::Breaking;
  intended.break_writable = writable;
  if (Status stored = co_await store_.put(std::move(intended)); !stored) {
    SetRecord as_it_was = before;
    if (Status restored = co_await store_.put(std::move(as_it_was)); !restored)
      spdlog::error("set {}: {}", set.str(), restored.error().message);
    co_return fail(std::move(stored.error()));
  }
  if (Status broken = co_await break_all(set, Missing::Fail); !broken) {
    Error error = std::move(broken.error());
    Status undone = co_await undo(set, std::move(error));
    co_return fail(std::move(undone.error()));
  }
  std::vector<BrokenVolume> volumes = volumes_of(*store_.find(set));
  spdlog::info("set {} is broken: {} volumes live on", set.str(), volumes.size());
  if (Status erased = co_await store_.erase(set); !erased)
    spdlog::warn("set {} is broken, but its record is left: {}", set.str(), erased.error().message);
  co_return volumes;
}

asio::awaitable<Status> SnapshotBreaker::break_all(Guid set, Missing missing) {
  const SetRecord record = *store_.find(set);
  if (Status hidden = co_await hide(record, missing == Missing::Forget); !hidden) co_return hidden;
  for (const SnapshotRecord& snapshot : record.snapshots) {
    if (snapshot.broken) continue;
    const Guid id = snapshot.snapshot_id;
    Status broken = co_await break_one(set, id, missing);
    if (!broken) co_return fail(std::move(broken.error()).with_context("snapshot " + id.str()));
  }
  co_return Status();
}

// Nobody sees them any more where vssd has shown them: whose the volumes are then, has them for itself.
asio::awaitable<Status> SnapshotBreaker::hide(const SetRecord& record, bool force) {
  const auto turn = co_await store_.views().turn(record.set_id);
  std::vector<Guid> ids;
  for (const SnapshotRecord& snapshot : record.snapshots) ids.push_back(snapshot.snapshot_id);
  SetRecord copy = record;
  co_return co_await store_.views().hide(std::move(copy), std::move(ids), force);
}

asio::awaitable<Status> SnapshotBreaker::break_one(Guid set, Guid snapshot, Missing missing) {
  SetRecord record = *store_.find(set);
  SnapshotRecord* const entry = record.find(snapshot);
  Provider* const provider = services_.providers.find(entry->provider);
  if (provider == nullptr)
    co_return fail(ErrorCode::ProviderNotRegistered, "provider " + entry->provider + " is not loaded");
  if (Status unmounted = co_await services_.mounter.unmount(set, snapshot); !unmounted) co_return unmounted;
  const Member member = member_of(record, *entry);
  Result<BrokenLocation> where = co_await provider->break_snapshot(member, record.break_writable);
  if (!where && where.error().code == ErrorCode::ObjectNotFound && missing == Missing::Forget) {
    spdlog::warn("snapshot {} of {}: {}; it is forgotten", snapshot.str(), entry->volume.path,
                 where.error().message);
    where = BrokenLocation{};
  }
  if (!where) co_return fail(std::move(where.error()));
  entry->broken = true;
  entry->path = std::move(where->location);
  entry->device = std::move(where->device);
  Status stored = co_await store_.put(std::move(record));
  if (!stored) {
    // In memory it is known; a provider that is asked again says the same.
    spdlog::warn("snapshot {} is broken away, which could not be recorded: {}", snapshot.str(),
                 stored.error().message);
  }
  co_return Status();
}

// A set of which nothing was broken away is as it was. Returns the error with what became of the set.
asio::awaitable<Status> SnapshotBreaker::undo(Guid set, Error error) {
  SetRecord record = *store_.find(set);
  const std::size_t broken = count_broken(record);
  const bool is_unsure = std::ranges::any_of(record.snapshots, [&](const SnapshotRecord& snapshot) {
    const Provider* provider = services_.providers.find(snapshot.provider);
    return provider != nullptr && !provider->stuck_in().empty();
  });
  if (broken > 0 || is_unsure) {
    error.message += "; " + std::to_string(broken) + " of " + std::to_string(record.snapshots.size()) +
                     " volumes are broken away, the rest follows";
    co_return fail(std::move(error));
  }
  record.state = SetState::Created;
  for (SnapshotRecord& snapshot : record.snapshots) snapshot.path.clear();
  if (Status stored = co_await store_.put(std::move(record)); !stored)
    spdlog::error("set {}: {}", set.str(), stored.error().message);
  store_.open_later(set);
  co_return fail(std::move(error));
}

void SnapshotBreaker::resume() {
  for (const Guid set : store_.sets_in(SetState::Breaking)) {
    spdlog::info("set {}: an earlier run has begun to break it; going on", set.str());
    finish_later(set);
  }
}

void SnapshotBreaker::finish_later(Guid set) {
  if (running_.insert(set).second) spawn(services_.executor, keep_finishing(set));
}

asio::awaitable<void> SnapshotBreaker::keep_finishing(Guid set) {
  for (Pauses pauses(std::chrono::minutes(1));; co_await pauses.next()) {
    {
      const auto pass = co_await store_.background().enter();
      const auto turn = co_await store_.turn(set);
      const SetRecord* record = store_.find(set);
      if (record == nullptr || record->state != SetState::Breaking) break;
      const Status broken = co_await break_all(set, Missing::Forget);
      if (broken) {
        spdlog::info("set {} is broken: its volumes live on", set.str());
        if (Status erased = co_await store_.erase(set); !erased)
          spdlog::warn("set {}: its record is left: {}", set.str(), erased.error().message);
        break;
      }
      spdlog::warn("set {} cannot be broken now: {}", set.str(), broken.error().message);
    }
  }
  running_.erase(set);
}

}  // namespace vss::core
