// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What stands on what: the superblocks of a mount table with the block devices of a sysfs. Pure but for the
// reading of sysfs, so that both can be fixtures.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/error.hpp"
#include "daemon/system/block_devices.hpp"
#include "daemon/system/mount_table.hpp"

namespace vss::system {

class Topology {
 public:
  // The id of the btrfs that is mounted there; "" if it cannot be had.
  using FsidReader = std::function<std::string(const MountTable&, const Mount&)>;

  Topology(MountTable table, std::string sysfs, FsidReader fsid);

  [[nodiscard]] const MountTable& table() const { return table_; }

  // The identity of a mount's superblock: "btrfs:<fsid>", else "<major>:<minor>".
  [[nodiscard]] std::string superblock(const Mount& mount);
  // Nothing, or VolumeNotSupported with the reason: no local filesystem on a block device.
  [[nodiscard]] static core::Status supported(const Mount& mount);
  // Directories in sysfs of the mount's block devices.
  [[nodiscard]] std::vector<std::string> devices(const Mount& mount);
  // Superblocks that this mount stands on, direct and indirect ones, nearest first, without its own.
  [[nodiscard]] std::vector<std::string> depends_on(const Mount& mount);
  [[nodiscard]] bool carries_root(const Mount& mount);

 private:
  struct Walk;
  void step_into(const Mount* mount, Walk& walk);
  void step_below(const Mount& mount, Walk& walk);

  MountTable table_;
  BlockDevices blocks_;
  FsidReader fsid_;
  std::map<dev_t, std::string> fsids_;
};

[[nodiscard]] bool is_btrfs(const Mount& mount);
// A filesystem whose files may be served by a process or a server that never answers.
[[nodiscard]] bool is_remote(const Mount& mount);

}  // namespace vss::system
