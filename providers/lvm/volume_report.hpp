// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What lvm and the kernel report of volumes that live on or are reverted, and the commands that make them so.
// Pure.

#include <cstdint>
#include <string>
#include <vector>

#include "providers/lvm/lvm.hpp"

namespace vss::lvm {

constexpr const char* kVolumeFields =
    "vg_name,vg_uuid,vg_extent_size,lv_name,lv_uuid,lv_tags,lv_attr,lv_size,origin,origin_uuid,pool_lv,snap_"
    "percent,"
    "chunk_size";

// One logical volume. UUIDs without hyphens, sizes in bytes.
struct VolumeRow {
  std::string volume_group;
  std::string vg_uuid;
  std::string name;
  std::string lv_uuid;
  std::vector<std::string> tags;
  std::string attributes;  // lvs(8), lv_attr
  std::string origin_uuid;
  std::string pool;  // of a thin one; lvm names the cache of a cached one in the same place
  std::uint64_t extent = 0;
  std::uint64_t size = 0;
  std::uint64_t chunk = 0;
  double percent = 0;  // of the store of a snapshot, filled

  [[nodiscard]] std::string full_name() const { return volume_group + "/" + name; }
  [[nodiscard]] bool has_tag(const std::string& tag) const;
  // With a tag that begins so; what follows it, "" if there is none.
  [[nodiscard]] std::string tag_after(const std::string& begin) const;
  // A snapshot is to be merged, or being merged, into it.
  [[nodiscard]] bool takes_a_merge() const { return attributes.starts_with('O'); }
  // Thin or thick, and not being merged.
  [[nodiscard]] bool is_snapshot() const {
    return attributes.starts_with('s') || attributes.starts_with('V');
  }
  [[nodiscard]] bool is_thick_snapshot() const { return attributes.starts_with('s'); }
  [[nodiscard]] bool is_invalid() const { return attributes.size() > 4 && attributes[4] == 'I'; }
  [[nodiscard]] std::uint64_t used() const {
    return static_cast<std::uint64_t>(static_cast<double>(size) * percent / 100);
  }
};

// Each volume once. ProviderError UNEXPECTED if a field is missing.
[[nodiscard]] std::vector<VolumeRow> volume_rows(const std::vector<Row>& report);
// nullptr if there is none.
[[nodiscard]] const VolumeRow* find_volume(const std::vector<VolumeRow>& rows, const std::string& lv_uuid);

// Other snapshots of the origin whose stores may be full before the merge is done: what it overwrites in the
// origin, they have to keep. Their names.
[[nodiscard]] std::vector<std::string> endangered_by_merge(const std::vector<VolumeRow>& rows,
                                                           const VolumeRow& merging);

// How far the kernel is, from the status of a snapshot-merge target: "3968/81920 32", "Merge failed",
// "Invalid".
struct MergeProgress {
  bool failed = false;
  bool finished = false;  // nothing is left but lvm's own bookkeeping
  int percent = 0;
};
[[nodiscard]] MergeProgress parse_merge_status(const std::string& parameters);

// "vssd.limit=": how large the store of a thick snapshot may get, in bytes.
[[nodiscard]] std::uint64_t limit_of(const VolumeRow& store);
[[nodiscard]] std::string limit_tag(std::uint64_t bytes);
// The size that a store gets when it is limited to `maximum`: whole extents, no more than it can use.
// ProviderError INSUFFICIENT_STORAGE if that is less than what is in it.
[[nodiscard]] std::uint64_t limited_size(const VolumeRow& store, std::uint64_t origin_bytes,
                                         std::uint64_t maximum);

using Words = std::vector<std::string>;
// In this order; what takes the tags off comes last.
[[nodiscard]] std::vector<Words> commands_to_break(const VolumeRow& snapshot, const std::string& set_id,
                                                   const std::string& snapshot_id, bool writable);
// Before a merge: the tags must not be on the volume that comes of it, which of a thin snapshot has its own.
[[nodiscard]] std::vector<Words> commands_before_merge(const VolumeRow& snapshot, const std::string& set_id,
                                                       const std::string& snapshot_id);
[[nodiscard]] Words command_to_merge(const VolumeRow& snapshot);
// If that is refused.
[[nodiscard]] std::vector<Words> commands_to_undo_merge(const VolumeRow& snapshot, const std::string& set_id,
                                                        const std::string& snapshot_id);
// What commands_before_merge() leave: not what somebody has made his own by taking the tags off.
[[nodiscard]] bool is_ready_for_merge(const VolumeRow& volume, const std::string& origin_uuid);
// Of a store, to another size. A reduction comes in two forms: lvm 2.03.17 and later would look for a
// filesystem in the store, earlier ones do not know the option that forbids it.
[[nodiscard]] Words command_to_extend(const VolumeRow& store, std::uint64_t bytes);
[[nodiscard]] std::vector<Words> commands_to_reduce(const VolumeRow& store, std::uint64_t bytes);
// nothing: takes a limit away.
[[nodiscard]] Words command_to_limit(const VolumeRow& store, std::uint64_t maximum);

}  // namespace vss::lvm
