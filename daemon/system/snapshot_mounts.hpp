// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// core::Mounter with mount(2): <runtime-dir>/snapshots/<set>/<snapshot>. <runtime-dir>/snapshots is for root
// only: what a snapshot shows is no more public than a backup of it, unless it is exposed (exposure.hpp) or
// was made for clients (client_views.hpp).

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

  asio::awaitable<core::Result<std::string>> find_mount_point(std::string path) override;
  asio::awaitable<core::Status> expose(core::Guid snapshot, std::string source, std::string target) override;
  asio::awaitable<core::Status> unexpose(core::Guid snapshot, std::string target, bool force) override;
  asio::awaitable<core::Result<std::string>> show_to_clients(std::string source,
                                                             core::ClientName name) override;
  asio::awaitable<core::Status> hide_from_clients(core::ClientName name) override;

  // Unmounts what is mounted for sets that are not `known`, and removes their directories; all that clients
  // see, too. At start.
  asio::awaitable<core::Status> remove_leftovers(std::vector<core::Guid> known);

 private:
  std::string runtime_dir_;
  Worker worker_;
  // Apart: a mount point that hangs must not stop snapshots from being made.
  Worker exposure_worker_;
};

}  // namespace vss::system
