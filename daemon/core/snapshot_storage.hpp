// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Where snapshots are stored, how full that is and how large it may get ("shadow storage" of VSS). Providers
// know; nothing of it is kept here.

#include <optional>
#include <string>
#include <vector>

#include "daemon/core/services.hpp"
#include "daemon/core/snapshot_store.hpp"

namespace vss::core {

struct VolumeStorage {
  std::string volume;
  std::string provider;
  StorageReport place;
  std::string error;  // it could not be told; then `place` is empty
};

class SnapshotStorage {
 public:
  SnapshotStorage(Services& services, SnapshotStore& store) : services_(services), store_(store) {}

  // Of all volumes of the machine and of all that have snapshots; each with every provider that has, or would
  // make, its snapshots. A provider that has no storage to tell of is left out. Errors: those of
  // VolumeFacts::list.
  asio::awaitable<Result<std::vector<VolumeStorage>>> list();

  // `target`: the id of a snapshot, or an absolute path: all snapshots of the volume that it lies on.
  // Errors: those of VolumeFacts::resolve and Providers::choose, ObjectNotFound, NotSupported,
  // InsufficientStorage, and what the provider says.
  asio::awaitable<Status> resize(std::string target, std::uint64_t maximum);

 private:
  struct Pair {
    Volume volume;
    Provider* provider;
  };
  asio::awaitable<Result<std::vector<Pair>>> pairs();
  asio::awaitable<Result<Pair>> pair_for(std::string path);
  [[nodiscard]] Provider* provider_with_snapshots(const std::string& volume) const;

  Services& services_;
  SnapshotStore& store_;
};

}  // namespace vss::core
