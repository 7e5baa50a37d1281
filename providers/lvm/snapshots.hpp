// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Snapshots that exist, found by their tags whatever their names are by now, and what is done with them.

#include <string>
#include <vector>

#include "providers/lvm/logical_volume.hpp"
#include "providers/lvm/lvm.hpp"

namespace vss::lvm {

// One logical volume with a tag of ours.
struct FoundVolume {
  std::string volume_group;
  std::string name;
  std::string lv_uuid;       // without hyphens
  bool is_snapshot = false;  // false: a store that has not become one

  [[nodiscard]] std::string full_name() const { return volume_group + "/" + name; }
};

// All with a tag in a volume group.
struct Tagged {
  std::string volume_group;  // its present name
  std::vector<FoundVolume> volumes;
};
[[nodiscard]] std::vector<FoundVolume> find_tagged(Lvm& lvm, const std::string& volume_group,
                                                   const std::string& tag);
// The same, in the group that the snapshot is recorded in, also if it was renamed. ProviderError VETO if the
// group is not there now.
[[nodiscard]] Tagged find_recorded(Lvm& lvm, const SnapshotData& data, const std::string& tag);

// Ends what a killed lvm may have left of a snapshot: devices of its origin, of its pool or of itself that
// are suspended. lvm has them again as its metadata says; returns what was suspended.
std::vector<std::string> repair(Lvm& lvm, const std::string& volume_group, const SnapshotData& data);

// Removes these, and writes the backup of the metadata.
void remove_volumes(Lvm& lvm, const std::string& volume_group, const std::vector<FoundVolume>& volumes);

}  // namespace vss::lvm
