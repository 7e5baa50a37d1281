// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Where a snapshot lies: <top level>/.vssd/<set>/<snapshot>/snapshot, and how it is known to be ours. This is
// what the catalogue keeps as the provider's data.
//
// A subvolume at that place is ours if it carries the set's id as received UUID, or, where the marker could
// not be written any more, if it is a snapshot of the recorded origin. Nothing else is ever deleted. One that
// was broken away has no marker although its record says that it was written.

#include <cstdint>
#include <string>

#include "providers/btrfs/subvolume.hpp"
#include "vss/provider_abi.h"
#include "vss/provider_support.hpp"

namespace vss::btrfs {

class SnapshotLocation {
 public:
  SnapshotLocation() = default;
  // Throws ProviderError INVALID_ARGUMENT if an id is no GUID.
  // source: where the origin lies, from the top level; "" if that is the top level itself.
  [[nodiscard]] static SnapshotLocation of_new(std::string set_id, std::string snapshot_id,
                                               std::string filesystem, std::string origin,
                                               std::string source);
  // From the data of the catalogue. Throws ProviderError INVALID_ARGUMENT if it is not what data() writes.
  [[nodiscard]] static SnapshotLocation of_existing(const vss_member& snapshot);

  // Is a path, relative to the top level, in the directory of snapshots?
  [[nodiscard]] static bool is_ours(const std::string& path);

  [[nodiscard]] const std::string& snapshot_id() const { return snapshot_id_; }
  [[nodiscard]] const std::string& filesystem() const { return filesystem_; }
  // "" as well for what was recorded without it.
  [[nodiscard]] const std::string& source() const { return source_; }
  // From the top level.
  [[nodiscard]] std::string path() const;
  [[nodiscard]] std::string data() const;
  // The marker is written: this is the id of the subvolume that carries it.
  void set_subvolume(std::uint64_t id) { subvolume_ = id; }

  // The directory that the snapshot is to be made in; all on the way root-only.
  [[nodiscard]] UniqueFd make_directory(int top) const;
  // The root of the snapshot; empty if there is none of ours.
  [[nodiscard]] UniqueFd open(int top) const;
  // The directory that it lies in. Throws ProviderError OBJECT_NOT_FOUND.
  [[nodiscard]] UniqueFd open_directory(int top) const;
  // Takes the marker off it, so that nothing here finds it any more; writable if wanted. One that has been
  // through this is found by its id. Returns what went wrong after that, "" if nothing did.
  // Throws ProviderError OBJECT_NOT_FOUND.
  [[nodiscard]] std::string break_away(int top, bool writable) const;
  // Deletes the snapshot and the directories that became empty. Nothing there is success; something that is
  // not ours is left alone: ProviderError VETO.
  void remove(int top) const;

 private:
  [[nodiscard]] bool carries_mark(int snapshot) const;

  std::string set_id_;
  std::string snapshot_id_;
  std::string filesystem_;
  std::string origin_;           // UUID of the subvolume that the snapshot is made of
  std::string source_;           // where that lies
  std::uint64_t subvolume_ = 0;  // id of the snapshot, once it has its marker
};

}  // namespace vss::btrfs
