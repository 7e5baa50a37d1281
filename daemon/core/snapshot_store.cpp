// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/snapshot_store.hpp"

#include <algorithm>

#include "daemon/core/pauses.hpp"

namespace vss::core {

Member member_of(const SetRecord& set, const SnapshotRecord& snapshot) {
  return {set.set_id, snapshot.snapshot_id, snapshot.volume, snapshot.provider_data, snapshot.not_included};
}

std::vector<Guid> snapshot_ids(const SetRecord& record) {
  std::vector<Guid> ids;
  for (const SnapshotRecord& snapshot : record.snapshots) ids.push_back(snapshot.snapshot_id);
  return ids;
}

namespace {
bool matches(const SnapshotFilter& filter, const SetRecord& set, const SnapshotRecord& snapshot) {
  return (!filter.set || *filter.set == set.set_id) &&
         (!filter.snapshot || *filter.snapshot == snapshot.snapshot_id) &&
         (filter.volume.empty() || filter.volume == snapshot.volume.path) &&
         (filter.provider.empty() || filter.provider == snapshot.provider) &&
         (filter.context.empty() || filter.context == kAllContexts ||
          filter.context == to_string(set.context));
}

}  // namespace

asio::awaitable<Status> SnapshotStore::put(SetRecord record) {
  sets_[record.set_id] = record;
  SetRecord copy = record;
  Status stored = co_await services_.catalogue.store(std::move(copy));
  if (stored && record.state == SetState::Created) {
    if (announced_.insert(record.set_id).second) services_.observer.set_created(record);
    notify_watched_();
  }
  co_return stored;
}

asio::awaitable<Status> SnapshotStore::erase(Guid set) {
  sets_.erase(set);
  in_use_.erase(set);
  made_.erase(set);
  Status status = co_await services_.catalogue.erase(set);
  if (announced_.erase(set) > 0) services_.observer.set_deleted(set);
  co_return status;
}

const SetRecord* SnapshotStore::find(Guid set) const {
  const auto at = sets_.find(set);
  return at == sets_.end() ? nullptr : &at->second;
}

const SetRecord* SnapshotStore::find_by_snapshot(Guid snapshot) const {
  for (const auto& [id, record] : sets_) {
    if (record.find(snapshot) != nullptr) return &record;
  }
  return nullptr;
}

std::vector<SetRecord> SnapshotStore::list(const SnapshotFilter& filter) const {
  std::vector<SetRecord> found;
  for (const auto& [id, record] : sets_) {
    if (record.state != SetState::Created) continue;
    SetRecord copy = record;
    std::erase_if(copy.snapshots,
                  [&](const SnapshotRecord& snapshot) { return !matches(filter, record, snapshot); });
    if (!copy.snapshots.empty()) found.push_back(std::move(copy));
  }
  std::ranges::stable_sort(found, {}, &SetRecord::created);
  return found;
}

void SnapshotStore::note_made(const SetRecord& record) {
  sets_[record.set_id] = record;
  made_.insert(record.set_id);
  notify_watched_();
}

bool SnapshotStore::is_watched(Guid set) const {
  const SetRecord* record = find(set);
  if (record == nullptr || record->snapshots.empty()) return false;
  if (record->state == SetState::Created) return is_announced(set) || made_.contains(set);
  return record->state == SetState::Creating && made_.contains(set);
}

std::vector<SetRecord> SnapshotStore::watched() const {
  std::vector<SetRecord> found;
  for (const auto& [id, record] : sets_) {
    if (is_watched(id)) found.push_back(record);
  }
  return found;
}

void SnapshotStore::set_health(Guid set, Guid snapshot, HealthReport health) {
  if (SnapshotRecord* usable = find_usable(set, snapshot)) usable->health = std::move(health);
}

void SnapshotStore::set_in_use(Guid set, bool in_use) {
  if (in_use) {
    in_use_.insert(set);
  } else {
    in_use_.erase(set);
  }
}

std::uint64_t SnapshotStore::free_client_time(std::uint64_t wanted) const {
  const auto is_taken = [&](const auto& entry) { return entry.second.client_time == wanted; };
  while (std::ranges::any_of(sets_, is_taken)) ++wanted;
  return wanted;
}

asio::awaitable<Status> SnapshotStore::forget_snapshot(Guid set, Guid snapshot) {
  const auto still = sets_.find(set);
  if (still == sets_.end()) co_return Status();
  std::erase_if(still->second.snapshots, [&](const SnapshotRecord& s) { return s.snapshot_id == snapshot; });
  if (still->second.snapshots.empty()) co_return co_await erase(set);
  SetRecord updated = still->second;
  co_return co_await put(std::move(updated));
}

std::vector<Guid> SnapshotStore::sets_in(SetState state) const {
  std::vector<Guid> found;
  for (const auto& [id, record] : sets_) {
    if (record.state == state) found.push_back(id);
  }
  return found;
}

void SnapshotStore::note_revert(const std::string& volume) { ++reverts_[volume]; }

std::uint64_t SnapshotStore::reverts_of(const std::string& volume) const {
  const auto at = reverts_.find(volume);
  return at == reverts_.end() ? 0 : at->second;
}

SnapshotRecord* SnapshotStore::find_usable(Guid set, Guid snapshot) {
  const auto at = sets_.find(set);
  if (at == sets_.end() || at->second.state != SetState::Created) return nullptr;
  return at->second.find(snapshot);
}

asio::awaitable<Status> SnapshotStore::open_one(Guid set, Guid snapshot) {
  const SnapshotRecord* record = find_usable(set, snapshot);
  if (record == nullptr || !record->path.empty() || record->reverting) co_return Status();
  Provider* provider = services_.providers.find(record->provider);
  if (provider == nullptr) {
    spdlog::error("snapshot {}: provider {} is not loaded", snapshot.str(), record->provider);
    co_return Status();
  }
  const Member member = member_of(*find(set), *record);
  Result<bool> exists = co_await provider->exists(member);
  if (!exists) co_return fail(std::move(exists.error()));
  if (!*exists) {
    spdlog::error("snapshot {} of {} (set {}) is missing", snapshot.str(), member.volume.path, set.str());
    co_return Status();
  }
  Result<MountSpec> spec = co_await provider->mount_info(member, false);
  if (!spec) co_return fail(std::move(spec.error()));
  const std::string device = spec->device;
  Result<std::string> path = co_await services_.mounter.mount(set, snapshot, std::move(*spec), false);
  if (!path) co_return fail(std::move(path.error()));
  SnapshotRecord* still = find_usable(set, snapshot);
  if (still == nullptr) co_return co_await services_.mounter.unmount(set, snapshot);  // deleted meanwhile
  still->device = device;
  still->path = std::move(*path);
  spdlog::info("snapshot {} of {} is at {}", snapshot.str(), still->volume.path, still->path);
  co_await show(set, snapshot);
  co_return Status();
}

asio::awaitable<void> SnapshotStore::show(Guid set, Guid snapshot) {
  const auto turn = co_await views_.turn(set);
  const SnapshotRecord* opened = find_usable(set, snapshot);
  if (opened == nullptr || opened->path.empty()) co_return;  // deleted meanwhile
  SetRecord record = *find(set);
  std::string client_path = co_await views_.show(std::move(record), snapshot);
  if (SnapshotRecord* still = find_usable(set, snapshot)) still->client_path = std::move(client_path);
}

asio::awaitable<bool> SnapshotStore::open(Guid set, spdlog::level::level_enum complain) {
  bool all = true;
  const std::vector<Guid> snapshots = snapshot_ids(sets_.at(set));
  for (const Guid snapshot : snapshots) {
    Status opened = co_await open_one(set, snapshot);
    if (opened) continue;
    spdlog::log(complain, "snapshot {} (set {}): {}", snapshot.str(), set.str(), opened.error().message);
    all = false;
  }
  co_return all;
}

// What it is on may come later: a disk, a volume group on it.
asio::awaitable<void> SnapshotStore::keep_opening(Guid set) {
  Pauses pauses(std::chrono::minutes(1));
  do {
    co_await pauses.next();
    const auto pass = co_await background_.enter();
    opened_later_.erase(set);  // who asks from now on may not have been seen by this try
    if (find(set) == nullptr || co_await open(set, spdlog::level::debug)) co_return;
  } while (opened_later_.insert(set).second);
}

void SnapshotStore::open_later(Guid set) {
  if (opened_later_.insert(set).second) spawn(services_.executor, keep_opening(set));
}

asio::awaitable<Status> SnapshotStore::recover() {
  Result<std::vector<SetRecord>> records = co_await services_.catalogue.load();
  if (!records) co_return fail(std::move(records.error()).with_context("read the catalogue"));
  for (SetRecord& record : *records) {
    for (SnapshotRecord& snapshot : record.snapshots) {
      if (!snapshot.broken) snapshot.path.clear();  // nothing is mounted yet
    }
    sets_[record.set_id] = record;
    if (record.state == SetState::Created || record.state == SetState::Breaking)
      announced_.insert(record.set_id);
  }
  Result<Deletion> collected = co_await collect_garbage();
  if (collected && collected->deleted > 0) {
    spdlog::info("removed {} snapshots that a former run left behind", collected->deleted);
  }
  for (const SetRecord& record : *records) {
    if (!sets_.contains(record.set_id) || record.state != SetState::Created || !is_persistent(record.context))
      continue;
    if (!co_await open(record.set_id, spdlog::level::err)) open_later(record.set_id);
    notify_watched_();
  }
  co_return Status();
}

}  // namespace vss::core
