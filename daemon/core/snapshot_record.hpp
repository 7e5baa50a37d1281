// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What is remembered of a snapshot set, and the port of its store. A record is on disk before the first
// snapshot of its set exists: garbage collection goes by the record, never by guessing.

#include <cstdint>
#include <string>
#include <vector>

#include <asio/awaitable.hpp>

#include "daemon/core/context.hpp"
#include "daemon/core/error.hpp"
#include "daemon/core/guid.hpp"
#include "daemon/core/provider.hpp"

namespace vss::core {

enum class SetState : std::uint8_t { Creating, Created, Deleting };

struct SnapshotRecord {
  Guid snapshot_id;
  Volume volume;
  std::string provider;
  std::string provider_data;
  std::string path;    // where it is readable, "" while not mounted
  std::string device;  // node of the snapshot, "" if it has none of its own
  std::vector<std::string> not_included;
  double hold_ms = 0;
  HealthReport health{};  // as last seen by this run of vssd; not in the catalogue
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
  std::uint32_t snapshots_count = 0;  // original number; snapshots may have been deleted since
  std::vector<SnapshotRecord> snapshots;
};

[[nodiscard]] constexpr std::string_view to_string(SetState state) noexcept {
  switch (state) {
    case SetState::Creating:
      return "creating";
    case SetState::Created:
      return "created";
    case SetState::Deleting:
      return "deleting";
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

// Port: mounts of snapshots under <runtime-dir>/snapshots/<set>/<snapshot>. Implemented in daemon/system.
class Mounter {
 public:
  virtual ~Mounter() = default;
  // Returns the directory where the snapshot is readable.
  virtual asio::awaitable<Result<std::string>> mount(Guid set, Guid snapshot, MountSpec spec,
                                                     bool writable) = 0;
  // Not mounted is success. A busy mount is detached lazily; the directories are removed.
  virtual asio::awaitable<Status> unmount(Guid set, Guid snapshot) = 0;
};

}  // namespace vss::core
