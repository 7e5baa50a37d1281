// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/snapshot_views.hpp"

#include <algorithm>

#include "daemon/core/client_access.hpp"

namespace vss::core {

asio::awaitable<void> SnapshotViews::show_exposed(SnapshotRecord snapshot) {
  Status shown = co_await mounter_.expose(snapshot.snapshot_id, snapshot.path, snapshot.exposed);
  if (shown) co_return;
  spdlog::error("snapshot {} cannot be exposed at {}: {}", snapshot.snapshot_id.str(), snapshot.exposed,
                shown.error().message);
}

asio::awaitable<std::string> SnapshotViews::show(SetRecord set, Guid id) {
  const SnapshotRecord* const at = set.find(id);
  if (at == nullptr) co_return std::string();
  if (!at->exposed.empty()) co_await show_exposed(*at);
  if (!is_client_accessible(set.context)) co_return std::string();
  ClientName name = client_name(set, *at);
  Result<std::string> path = co_await mounter_.show_to_clients(at->path, std::move(name));
  if (path) co_return std::move(*path);
  spdlog::error("snapshot {} cannot be shown to clients: {}", id.str(), path.error().message);
  co_return std::string();
}

asio::awaitable<Status> SnapshotViews::show_new(SetRecord& set) {
  for (SnapshotRecord& snapshot : set.snapshots) {
    ClientName name = client_name(set, snapshot);
    Result<std::string> path = co_await mounter_.show_to_clients(snapshot.path, std::move(name));
    if (!path) {
      co_return fail(std::move(path.error()).with_context("show " + snapshot.volume.path + " to clients"));
    }
    snapshot.client_path = std::move(*path);
  }
  co_return Status();
}

asio::awaitable<Status> SnapshotViews::hide(SetRecord set, std::vector<Guid> snapshots, bool force) {
  std::erase_if(set.snapshots, [&](const SnapshotRecord& snapshot) {
    return std::ranges::find(snapshots, snapshot.snapshot_id) == snapshots.end();
  });
  std::vector<SnapshotRecord> hidden;
  for (const SnapshotRecord& snapshot : set.snapshots) {
    if (snapshot.exposed.empty()) continue;
    Status gone = co_await mounter_.unexpose(snapshot.snapshot_id, snapshot.exposed, force);
    if (!gone) {
      for (const SnapshotRecord& back : hidden) co_await show_exposed(back);
      co_return fail(std::move(gone.error()).with_context("snapshot " + snapshot.snapshot_id.str()));
    }
    hidden.push_back(snapshot);
  }
  if (!is_client_accessible(set.context)) co_return Status();
  for (const SnapshotRecord& snapshot : set.snapshots) {
    ClientName name = client_name(set, snapshot);
    Status gone = co_await mounter_.hide_from_clients(std::move(name));
    // What still is mounted there stops the provider, if it stops anybody.
    if (!gone) spdlog::warn("snapshot {}: {}", snapshot.snapshot_id.str(), gone.error().message);
  }
  co_return Status();
}

}  // namespace vss::core
