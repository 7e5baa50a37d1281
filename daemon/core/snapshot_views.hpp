// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Where a snapshot can be seen besides its own path: at the mount point that ExposeSnapshot chose, and, in a
// client-accessible context, where a file server finds it. What the records say is mounted here; who changes
// the records is not.

#include <string>
#include <vector>

#include "daemon/core/snapshot_record.hpp"
#include "daemon/core/turns.hpp"

namespace vss::core {

class SnapshotViews {
 public:
  explicit SnapshotViews(Mounter& mounter) : mounter_(mounter) {}

  // Who changes where the snapshots of a set are seen has to have the turn.
  asio::awaitable<Turns::Turn> turn(Guid set) { return turns_.take(set); }

  // Shows a snapshot that is mounted wherever the record says; what cannot be is logged, the snapshot is good
  // without. Returns its client_path.
  asio::awaitable<std::string> show(SetRecord set, Guid snapshot);
  // Shows all of a new client-accessible set and notes where; all or an error. `set` outlives the call.
  asio::awaitable<Status> show_new(SetRecord& set);
  // Takes these snapshots of the set away from everywhere; all or none. Errors: VolumeInUse, never with
  // `force`.
  asio::awaitable<Status> hide(SetRecord set, std::vector<Guid> snapshots, bool force);

 private:
  asio::awaitable<void> show_exposed(SnapshotRecord snapshot);

  Mounter& mounter_;
  Turns turns_;
};

}  // namespace vss::core
