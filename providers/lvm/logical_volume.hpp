// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A logical volume that a snapshot is taken of, and the snapshot's names, tags and record.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "providers/lvm/device_mapper.hpp"
#include "providers/lvm/lvm.hpp"
#include "vss/provider_abi.h"

namespace vss::lvm {

enum class Kind : std::uint8_t { Thick, Thin };

// What the kernel tells: quick, and without a lock.
struct MappedVolume {
  std::string volume_group;
  std::string name;
  std::string vg_uuid;  // as in device-mapper: without hyphens
  std::string lv_uuid;
  Kind kind = Kind::Thick;
};

// The logical volume behind a block device. ProviderError VOLUME_NOT_SUPPORTED with the reason: not one, or
// of a kind that cannot have snapshots.
[[nodiscard]] MappedVolume find_logical_volume(const std::string& node);
// Of any kind: `kind` says nothing.
[[nodiscard]] MappedVolume find_any_logical_volume(const std::string& node);

// By the table of its device. `below`: the table of the device of LVM's with this number ("253:5"), empty if
// it is none. ProviderError VOLUME_NOT_SUPPORTED with the reason. Pure.
using TableOf = std::function<std::vector<MapperTarget>(const std::string& number)>;
[[nodiscard]] Kind kind_of(const std::vector<MapperTarget>& table, const TableOf& below);

// What is kept in the catalogue for one snapshot.
struct SnapshotData {
  std::string volume_group;  // may have been renamed since
  std::string vg_uuid;
  std::string origin;
  std::string origin_uuid;
  std::string pool;  // thin
  std::string pool_uuid;
  std::string lv_uuid;  // of the snapshot, "" until it exists

  [[nodiscard]] bool thin() const { return !pool.empty(); }
};
[[nodiscard]] std::string to_text(const SnapshotData& data);
// ProviderError INVALID_ARGUMENT if it is not ours.
[[nodiscard]] SnapshotData parse_snapshot_data(const std::string& text);

// Tags of everything that belongs to a set or a snapshot.
[[nodiscard]] std::string set_tag(const std::string& set_id);
[[nodiscard]] std::string snapshot_tag(const std::string& snapshot_id);

// The name of a snapshot: its origin's, readable, then what makes it unique; never too long for
// device-mapper.
[[nodiscard]] std::string snapshot_name(const std::string& volume_group, const std::string& origin,
                                        const std::string& snapshot_id);
// The name of the device of a logical volume; hyphens are doubled.
[[nodiscard]] std::string mapper_name(const std::string& volume_group, const std::string& name);
// UUID in device-mapper.
[[nodiscard]] std::string mapper_uuid(const std::string& vg_uuid, const std::string& lv_uuid);
// UUIDs in reports have hyphens.
[[nodiscard]] std::string without_hyphens(std::string uuid);

}  // namespace vss::lvm
