// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/topology.hpp"

#include <algorithm>
#include <set>

#include <sys/sysmacros.h>

namespace vss::system {
namespace {
// The directories of an overlay. A colon separates lower ones; a backslash escapes.
std::vector<std::string> split_layers(std::string_view list) {
  std::vector<std::string> layers(1);
  for (std::size_t at = 0; at < list.size(); ++at) {
    if (list[at] == ':') {
      layers.emplace_back();
    } else {
      if (list[at] == '\\' && at + 1 < list.size()) ++at;
      layers.back() += list[at];
    }
  }
  return layers;
}

std::vector<std::string> overlay_layers(const Mount& mount) {
  std::vector<std::string> layers;
  for (const std::string_view name : {"upperdir", "workdir", "lowerdir", "lowerdir+", "datadir+"}) {
    for (const std::string& value : option_values(mount.super_options, name)) {
      for (std::string& layer : split_layers(value)) {
        if (layer.starts_with('/')) layers.push_back(std::move(layer));
      }
    }
  }
  return layers;
}
}  // namespace

bool is_btrfs(const Mount& mount) { return mount.filesystem == "btrfs"; }

bool is_remote(const Mount& mount) { return mount.network || mount.filesystem.starts_with("fuse"); }

struct Topology::Walk {
  std::string own;
  std::set<int> visited;
  std::vector<std::string> found;
};

Topology::Topology(MountTable table, std::string sysfs, FsidReader fsid)
    : table_(std::move(table)), blocks_(std::move(sysfs)), fsid_(std::move(fsid)) {}

std::string Topology::superblock(const Mount& mount) {
  const std::string number = std::to_string(major(mount.device)) + ":" + std::to_string(minor(mount.device));
  if (!is_btrfs(mount)) return number;
  auto at = fsids_.find(mount.device);
  if (at == fsids_.end()) at = fsids_.emplace(mount.device, fsid_(table_, mount)).first;
  return at->second.empty() ? number : "btrfs:" + at->second;
}

core::Status Topology::supported(const Mount& mount) {
  const auto refuse = [&](std::string_view why) {
    return core::fail(ErrorCode::VolumeNotSupported,
                      mount.mount_point + " is " + mount.filesystem + ": " + std::string(why));
  };
  if (mount.filesystem.starts_with("fuse")) return refuse("served by a process, which cannot be held");
  if (mount.network) return refuse("a network filesystem; snapshots are made where the disks are");
  if (mount.filesystem == "overlay") return refuse("it keeps its files in other filesystems; name those");
  if (!is_btrfs(mount) && major(mount.device) == 0) return refuse("no filesystem on a block device");
  return {};
}

std::vector<std::string> Topology::devices(const Mount& mount) {
  if (!is_btrfs(mount)) return blocks_.of_number(mount.device);
  const std::string name = superblock(mount);
  return name.starts_with("btrfs:") ? blocks_.of_btrfs(name.substr(6)) : std::vector<std::string>{};
}

bool Topology::carries_root(const Mount& mount) {
  const Mount* root = table_.covering("/");
  return root != nullptr && superblock(*root) == superblock(mount);
}

std::vector<std::string> Topology::depends_on(const Mount& mount) {
  Walk walk{superblock(mount), {mount.id}, {}};
  step_below(mount, walk);
  return walk.found;
}

void Topology::step_into(const Mount* mount, Walk& walk) {
  if (mount == nullptr || !walk.visited.insert(mount->id).second) return;
  if (is_btrfs(*mount) || major(mount->device) != 0) {
    std::string name = superblock(*mount);
    const bool known = std::find(walk.found.begin(), walk.found.end(), name) != walk.found.end();
    if (name != walk.own && !known) walk.found.push_back(std::move(name));
  }
  step_below(*mount, walk);
}

void Topology::step_below(const Mount& mount, Walk& walk) {
  for (const std::string& file : BlockDevices::backing_files(devices(mount))) {
    step_into(table_.covering(file), walk);
  }
  if (mount.filesystem == "overlay") {
    for (const std::string& layer : overlay_layers(mount)) step_into(table_.covering(layer), walk);
  }
  step_into(table_.by_id(mount.parent), walk);
}

}  // namespace vss::system
