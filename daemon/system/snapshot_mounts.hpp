// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// core::Mounter with mount(2): <runtime-dir>/snapshots/<set>/<snapshot>. <runtime-dir>/snapshots is for root
// only: what a snapshot shows is no more public than a backup of it.

#include <memory>
#include <string>
#include <vector>

#include "daemon/core/snapshot_record.hpp"
#include "daemon/system/worker.hpp"

namespace vss::system {

class SnapshotMounts final : public core::Mounter {
 public:
  // Nothing is touched before the first call.
  explicit SnapshotMounts(std::string runtime_dir);

  // Always nosuid and nodev; read-only unless `writable`. A filesystem "none" with the option "bind" is a
  // bind mount of the source. If the snapshot is mounted in the other mode, it is unmounted first. Errors:
  // what mount(2) says (VolumeInUse, ObjectNotFound, ...); nothing is left behind then.
  asio::awaitable<core::Result<std::string>> mount(core::Guid set, core::Guid snapshot, core::MountSpec spec,
                                                   bool writable) override;
  asio::awaitable<core::Status> unmount(core::Guid set, core::Guid snapshot) override;

  // Unmounts what is mounted for sets that are not `known`, and removes their directories; at start.
  asio::awaitable<core::Status> remove_leftovers(std::vector<core::Guid> known);

 private:
  std::string runtime_dir_;
  Worker worker_;
};

}  // namespace vss::system
