// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// ExposeSnapshot and UnexposeSnapshot: a persistent snapshot at a mount point of the caller's choice,
// recorded in the catalogue, so that it is there again whenever the snapshot is (vss.md 2.7).

#include <string>
#include <string_view>

#include "daemon/core/snapshot_store.hpp"

namespace vss::core {

// The form of the path alone. Errors: InvalidArgument (not absolute, not normalised, too long, control
// characters), NotSupported (a share of the network: what is exposed remotely is exported from a mount
// point).
[[nodiscard]] Status check_exposure_path(std::string_view path);

class Exposures {
 public:
  // References outlive the object.
  Exposures(Services& services, SnapshotStore& store) : services_(services), store_(store) {}

  // Returns the path without links in its way. Errors: those of check_exposure_path(), ObjectNotFound (no
  // such snapshot or directory, or the snapshot is not readable now), UnsupportedContext, ObjectAlreadyExists
  // (it is exposed, or another one is there), VolumeInUse (a mount point, or not empty), what the catalogue
  // says. Nothing has changed then.
  asio::awaitable<Result<std::string>> expose(Guid snapshot, std::string path);
  // Errors: ObjectNotFound (also: not exposed), VolumeInUse. Nothing has changed then.
  asio::awaitable<Status> unexpose(Guid snapshot);

 private:
  struct Found {
    Guid set;
    Context context = Context::Backup;
    std::string path;
    std::string exposed;
  };
  [[nodiscard]] Result<Found> find(Guid snapshot) const;
  [[nodiscard]] Result<Found> find_exposable(Guid snapshot) const;
  [[nodiscard]] Result<Found> find_exposed(Guid snapshot) const;
  // Durable when it returns.
  asio::awaitable<Status> record(Guid snapshot, std::string exposed);
  asio::awaitable<Status> record_and_mount(Guid snapshot, std::string source, std::string target);

  Services& services_;
  SnapshotStore& store_;
};

}  // namespace vss::core
