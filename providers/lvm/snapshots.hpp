// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Snapshots that exist, found by their tags whatever their names are by now, and what is done with them.

#include <chrono>
#include <string>
#include <vector>

#include "providers/lvm/logical_volume.hpp"
#include "providers/lvm/lvm.hpp"

namespace vss::lvm {

// One logical volume with a tag of ours.
struct FoundVolume {
  std::string volume_group;
  std::string vg_uuid;  // without hyphens, as the next
  std::string name;
  std::string lv_uuid;
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

// Whether the origin or the pool of a snapshot is suspended, and not by an lvm command that is under way.
// ProviderError VETO if one is for longer than a command may take.
[[nodiscard]] bool is_suspended(const SnapshotData& data, const Lvm& lvm);

// Resumes what a killed lvm left suspended of a snapshot: of its origin, its pool and itself. By the kernel
// alone, for a volume may stand still that programs are read from. Tables that were not in use yet are
// dropped. Nothing while somebody else has lvm's lock of the group, which is waited for as long as `wait`.
// `locking_dir`: see CommandProcess. False: not all of it, and repair() has to come later.
bool resume_left_suspended(const SnapshotData& data, const std::string& locking_dir,
                           std::chrono::milliseconds wait) noexcept;
// All of it that is code, on no device: it is in memory then.
void rehearse_resume();

// Ends what a killed lvm may have left of a snapshot: the kernel has its origin and pool again as the
// metadata say, and nothing is suspended. `volumes`: what has its tag. `interrupted`: also if nothing shows
// it. Returns what was suspended.
std::vector<std::string> repair(Lvm& lvm, const std::string& volume_group, const SnapshotData& data,
                                const std::vector<FoundVolume>& volumes, bool interrupted);

// Removes these, and writes the backup of the metadata.
void remove_volumes(Lvm& lvm, const std::string& volume_group, const std::vector<FoundVolume>& volumes);

}  // namespace vss::lvm
