// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What is remembered of a snapshot set, and the port of its store. A record is on disk before the first
// snapshot of its set exists: garbage collection goes by the record, never by guessing.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <asio/awaitable.hpp>

#include "daemon/core/context.hpp"
#include "daemon/core/error.hpp"
#include "daemon/core/guid.hpp"
#include "daemon/core/provider.hpp"

namespace vss::core {

// Breaking: its snapshots become volumes of their own. Nothing deletes them any more.
enum class SetState : std::uint8_t { Creating, Created, Deleting, Breaking };

struct SnapshotRecord {
  Guid snapshot_id;
  Volume volume;
  std::string provider;
  std::string provider_data;
  std::string path;    // where it is readable, "" while not mounted
  std::string device;  // node of the snapshot, "" if it has none of its own
  std::vector<std::string> not_included;
  double hold_ms = 0;
  bool broken = false;     // broken away: path and device say where the volume lives
  bool reverting = false;  // its volume is being reverted to it, which may use it up
  HealthReport health{};   // as last seen by this run of vssd; not in the catalogue
  std::string exposed{};   // the mount point that ExposeSnapshot chose, "" if none
  std::string
      client_path{};  // where clients of a file server see it, "" while they do not; not in the catalogue
};

struct SetRecord {
  Guid set_id;
  Guid session_id;
  SetState state = SetState::Creating;
  Context context = Context::Backup;
  std::string consistency;            // "cut" or "per-volume"
  std::string consistency_reason;     // which volumes keep it from being a cut
  std::string creator;                // what the requester calls itself
  std::uint64_t created = 0;          // Unix seconds
  bool break_writable = false;        // while it is being broken: the volumes are to be writable
  std::uint32_t snapshots_count = 0;  // original number; snapshots may have been deleted since
  std::vector<SnapshotRecord> snapshots;
  // Unix seconds by which clients of a file server know the set, no two sets by the same; 0 if they do not.
  std::uint64_t client_time = 0;

  // nullptr if it is not of the set.
  [[nodiscard]] SnapshotRecord* find(Guid snapshot) {
    const auto at = std::ranges::find(snapshots, snapshot, &SnapshotRecord::snapshot_id);
    return at == snapshots.end() ? nullptr : &*at;
  }
  [[nodiscard]] const SnapshotRecord* find(Guid snapshot) const {
    const auto at = std::ranges::find(snapshots, snapshot, &SnapshotRecord::snapshot_id);
    return at == snapshots.end() ? nullptr : &*at;
  }
};

// Two names below the directory of what is shown to clients: of the volume, and of the snapshot in it.
struct ClientName {
  std::string volume;
  std::string snapshot;
};

[[nodiscard]] constexpr std::string_view to_string(SetState state) noexcept {
  switch (state) {
    case SetState::Creating:
      return "creating";
    case SetState::Created:
      return "created";
    case SetState::Deleting:
      return "deleting";
    case SetState::Breaking:
      return "breaking";
  }
  return "";
}

// Port: the catalogue on disk. Implemented in daemon/system.
class Catalogue {
 public:
  virtual ~Catalogue() = default;
  // Durable when it returns (write, fsync, rename, fsync of the directory).
  virtual asio::awaitable<Status> store(SetRecord record) = 0;
  virtual asio::awaitable<Status> erase(Guid set) = 0;
  // All records; a file that cannot be read is logged, set aside and left out.
  virtual asio::awaitable<Result<std::vector<SetRecord>>> load() = 0;
};

// Port: mounts of snapshots under <runtime-dir>/snapshots/<set>/<snapshot>, and where else they are shown.
// Implemented in daemon/system.
class Mounter {
 public:
  virtual ~Mounter() = default;
  // Returns the directory where the snapshot is readable.
  virtual asio::awaitable<Result<std::string>> mount(Guid set, Guid snapshot, MountSpec spec,
                                                     bool writable) = 0;
  // Not mounted is success. A busy mount is detached lazily; the directories are removed.
  virtual asio::awaitable<Status> unmount(Guid set, Guid snapshot) = 0;

  // The directory at `path` without links in its way, if a snapshot may be exposed there: it exists, is
  // empty, no link, no mount point, not in our own directory. Errors: ObjectNotFound, InvalidArgument,
  // VolumeInUse.
  virtual asio::awaitable<Result<std::string>> find_mount_point(std::string path) = 0;
  // Shows `source`, which mount() returned, read-only at `target`, which find_mount_point() returned, perhaps
  // long ago. It is there already: success, across a restart of vssd too. Errors: ObjectNotFound, VolumeInUse
  // (no longer empty, or something else is mounted there).
  virtual asio::awaitable<Status> expose(Guid snapshot, std::string source, std::string target) = 0;
  // Undoes it. That nothing, or something else, is mounted there is success. In use: VolumeInUse and no
  // change, with `force` it is detached and goes away with its last user.
  virtual asio::awaitable<Status> unexpose(Guid snapshot, std::string target, bool force) = 0;

  // Shows `source` read-only under this name; the path of it. A busy one is detached lazily when it is
  // hidden.
  virtual asio::awaitable<Result<std::string>> show_to_clients(std::string source, ClientName name) = 0;
  virtual asio::awaitable<Status> hide_from_clients(ClientName name) = 0;
};

}  // namespace vss::core
