// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/snapshot_storage.hpp"

#include <algorithm>

namespace vss::core {

Provider* SnapshotStorage::provider_with_snapshots(const std::string& volume) const {
  SnapshotFilter filter;
  filter.volume = volume;
  const std::vector<SetRecord> sets = store_.list(filter);
  return sets.empty() ? nullptr : services_.providers.find(sets.front().snapshots.front().provider);
}

asio::awaitable<Result<std::vector<SnapshotStorage::Pair>>> SnapshotStorage::pairs() {
  std::vector<Pair> found;
  const auto add = [&](const Volume& volume, Provider* provider) {
    const bool is_known = std::ranges::any_of(found, [&](const Pair& pair) {
      return pair.provider == provider && pair.volume.path == volume.path;
    });
    if (provider != nullptr && !is_known) found.push_back({volume, provider});
  };
  Result<std::vector<Volume>> volumes = co_await services_.volumes.list();
  if (!volumes) co_return fail(std::move(volumes.error()));
  for (const Volume& volume : *volumes) {
    Volume copy = volume;
    Result<ProviderChoice> choice = co_await services_.providers.choose(std::move(copy), std::string());
    if (choice) add(volume, choice->provider);
  }
  const std::vector<SetRecord> sets = store_.list({});
  for (const SetRecord& set : sets) {
    for (const SnapshotRecord& snapshot : set.snapshots)
      add(snapshot.volume, services_.providers.find(snapshot.provider));
  }
  co_return found;
}

asio::awaitable<Result<std::vector<VolumeStorage>>> SnapshotStorage::list() {
  Result<std::vector<Pair>> all = co_await pairs();
  if (!all) co_return fail(std::move(all.error()));
  std::vector<VolumeStorage> found;
  for (const Pair& pair : *all) {
    const std::string name = pair.provider->info().name;
    Volume copy = pair.volume;
    Result<std::vector<StorageReport>> places = co_await pair.provider->storage(std::move(copy));
    if (places) {
      for (StorageReport& place : *places) found.push_back({pair.volume.path, name, std::move(place), ""});
    } else if (places.error().code != ErrorCode::NotSupported &&
               places.error().code != ErrorCode::VolumeNotSupportedByProvider) {
      found.push_back({pair.volume.path, name, {}, places.error().message});
    }
  }
  co_return found;
}

asio::awaitable<Result<SnapshotStorage::Pair>> SnapshotStorage::pair_for(std::string path) {
  Result<Volume> volume = co_await services_.volumes.resolve(std::move(path));
  if (!volume) co_return fail(std::move(volume.error()));
  if (Provider* provider = provider_with_snapshots(volume->path)) co_return Pair{*volume, provider};
  Volume copy = *volume;
  Result<ProviderChoice> choice = co_await services_.providers.choose(std::move(copy), std::string());
  if (!choice) co_return fail(std::move(choice.error()));
  co_return Pair{*volume, choice->provider};
}

asio::awaitable<Status> SnapshotStorage::resize(std::string target, std::uint64_t maximum) {
  const auto pass = co_await store_.background().enter();
  if (const auto id = Guid::parse(target)) {
    const SetRecord* set = store_.find_by_snapshot(*id);
    if (set == nullptr || set->state != SetState::Created)
      co_return fail(ErrorCode::ObjectNotFound, "no snapshot " + target);
    const SnapshotRecord* const record = set->find(*id);
    Provider* provider = services_.providers.find(record->provider);
    if (provider == nullptr)
      co_return fail(ErrorCode::ProviderNotRegistered, "provider " + record->provider + " is not loaded");
    Member member = member_of(*set, *record);
    co_return co_await provider->resize_storage(std::move(member), maximum);
  }
  Result<Pair> pair = co_await pair_for(std::move(target));
  if (!pair) co_return fail(std::move(pair.error()));
  Member whole;
  whole.volume = pair->volume;
  co_return co_await pair->provider->resize_storage(std::move(whole), maximum);
}

}  // namespace vss::core
