// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/volume_probe.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <optional>
#include <set>
#include <utility>

#include <sys/stat.h>

#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include "daemon/core/unique_fd.hpp"
#include "daemon/system/filesystem_identity.hpp"
#include "daemon/system/topology.hpp"

namespace vss::system {
namespace {
constexpr ino_t kSubvolumeRootInode = 256;  // BTRFS_FIRST_FREE_OBJECTID

// Where a volume begins, and the mount through which it is reached.
struct Location {
  std::string path;
  const Mount* mount = nullptr;
};

// A path without links, and the mount it is in.
struct Place {
  std::string path;
  int mount_id = 0;
  dev_t device = 0;
  ino_t inode = 0;
};

core::Result<Topology> read_topology(const VolumeSources& sources) {
  auto table = MountTable::read(sources.mountinfo);
  if (!table) return core::fail(std::move(table.error()).with_context("read the mounts"));
  return Topology(std::move(*table), sources.sysfs, read_fsid);
}

core::Result<Place> find_place(const std::string& path) {
  const auto fd = core::open_path(path, O_PATH);
  if (!fd) return core::fail(fd.error());
  struct statx facts {};
  if (::statx(fd->get(), "", AT_EMPTY_PATH, STATX_MNT_ID | STATX_INO, &facts) != 0) {
    return core::fail(core::errno_error(errno, "statx " + path));
  }
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return core::fail(core::errno_error(errno, "stat " + path));
  std::array<char, PATH_MAX> real{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd->get());
  const ssize_t length = ::readlink(link.c_str(), real.data(), real.size());
  if (length < 0) return core::fail(core::errno_error(errno, "readlink " + link));
  return Place{std::string(real.data(), static_cast<std::size_t>(length)), static_cast<int>(facts.stx_mnt_id),
               status.st_dev, status.st_ino};
}

// A path below a dead server or a stuck file server process would block whoever opens it.
core::Status check_reachable(const MountTable& table, const std::string& path) {
  const Mount* mount = table.covering(path);
  if (mount != nullptr && is_remote(*mount)) return Topology::supported(*mount);
  return {};
}

std::optional<std::string> subvolume_root(std::string path, const Mount& mount) {
  while (is_within(path, mount.mount_point)) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
    if (S_ISDIR(status.st_mode) && status.st_ino == kSubvolumeRootInode) return path;
    if (path == "/") return std::nullopt;
    path.erase(std::max<std::size_t>(path.rfind('/'), 1));
  }
  return std::nullopt;
}

// The root of the subvolume, through this mount or, if that is a bind mount of something inside the
// subvolume, through another one of the same filesystem.
std::optional<Location> locate_subvolume(const MountTable& table, const Mount& mount, const Place& place) {
  if (auto root = subvolume_root(place.path, mount)) return Location{std::move(*root), &mount};
  const std::string inside = join(mount.root, relative_to(place.path, mount.mount_point));
  for (const Mount& other : table.mounts()) {
    if (other.device != mount.device || !is_within(inside, other.root) || !table.is_visible(other)) continue;
    const auto same = find_place(join(other.mount_point, relative_to(inside, other.root)));
    if (!same || same->mount_id != other.id || same->device != place.device || same->inode != place.inode) {
      continue;
    }
    if (auto root = subvolume_root(same->path, other)) return Location{std::move(*root), &other};
  }
  return std::nullopt;
}

std::optional<Location> locate_filesystem(const MountTable& table, const Mount& mount) {
  if (mount.root == "/") return Location{mount.mount_point, &mount};
  for (const Mount& other : table.mounts()) {
    if (other.device == mount.device && other.root == "/" && table.is_visible(other)) {
      return Location{other.mount_point, &other};
    }
  }
  return std::nullopt;
}

bool has_option(std::string_view options, std::string_view name) {
  return std::string(",").append(options).append(",").find(std::string(",").append(name).append(",")) !=
         std::string::npos;
}

// Names go over the bus and into JSON, which both want UTF-8.
core::Status check_utf8(const core::Volume& volume) {
  for (const std::string* name : {&volume.path, &volume.mount_point, &volume.device, &volume.backing_file}) {
    try {
      static_cast<void>(nlohmann::json(*name).dump());
    } catch (const nlohmann::json::exception&) {
      return core::fail(ErrorCode::VolumeNotSupported, "its path, device or backing file is not UTF-8");
    }
  }
  return {};
}

core::Result<core::Volume> describe(Topology& topology, const Location& location) {
  const Mount& mount = *location.mount;
  const auto fd = core::open_path(location.path, O_RDONLY | O_DIRECTORY);
  if (!fd) return core::fail(fd.error());
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return core::fail(core::errno_error(errno, "stat " + location.path));

  const auto devices = topology.devices(mount);
  const auto files = BlockDevices::backing_files(devices);
  core::Volume volume;
  volume.path = location.path;
  volume.mount_point = mount.mount_point;
  volume.filesystem = mount.filesystem;
  volume.device = devices.empty() ? mount.source : BlockDevices::node(devices.front());
  volume.superblock = topology.superblock(mount);
  volume.backing_file = files.empty() ? "" : files.front();
  volume.device_number = status.st_dev;
  volume.is_root = topology.carries_root(mount);
  volume.read_only = has_option(mount.super_options, "ro");
  volume.depends_on = topology.depends_on(mount);
  if (is_btrfs(mount)) {
    const auto id = btrfs_subvolume_id(fd->get());
    if (!id) return core::fail(id.error());
    volume.subvolume_id = *id;
    volume.uuid = volume.superblock.starts_with("btrfs:") ? volume.superblock.substr(6) : "";
  } else {
    volume.uuid = filesystem_uuid(fd->get(), BlockDevices::is_suspended(devices) ? "" : volume.device);
  }
  if (auto utf8 = check_utf8(volume); !utf8) return core::fail(std::move(utf8.error()));
  return volume;
}

core::Result<Location> locate(const Topology& topology, const VolumeSources& sources, const Mount& mount,
                              const Place& place) {
  if (auto supported = Topology::supported(mount); !supported) return core::fail(supported.error());
  if (is_within(place.path, sources.runtime_dir)) {
    return core::fail(ErrorCode::VolumeNotSupported, "it lies below " + sources.runtime_dir);
  }
  auto location = is_btrfs(mount) ? locate_subvolume(topology.table(), mount, place)
                                  : locate_filesystem(topology.table(), mount);
  if (!location) {
    return core::fail(ErrorCode::VolumeNotSupported, mount.mount_point + " shows only " + mount.root +
                                                         " of its filesystem, whose root is not mounted");
  }
  return *location;
}
}  // namespace

core::Status check_path(const std::string& path) {
  if (!path.starts_with('/')) return core::fail(ErrorCode::InvalidArgument, "the path is not absolute");
  if (path.size() >= PATH_MAX) {
    return core::fail(ErrorCode::InvalidArgument, "the path is longer than 4095 bytes");
  }
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::any_of(path.begin(), path.end(), is_control)) {
    return core::fail(ErrorCode::InvalidArgument, "the path contains a control character");
  }
  return {};
}

core::Result<core::Volume> resolve_volume(const VolumeSources& sources, const std::string& path) {
  if (auto checked = check_path(path); !checked) return core::fail(std::move(checked.error()));
  const auto in_context = [&](core::Error error) {
    return core::fail(std::move(error).with_context("volume of " + path));
  };
  auto topology = read_topology(sources);
  if (!topology) return in_context(topology.error());
  if (auto reachable = check_reachable(topology->table(), path); !reachable)
    return in_context(reachable.error());
  const auto place = find_place(path);
  if (!place) return in_context(place.error());
  const Mount* mount = topology->table().by_id(place->mount_id);
  if (mount == nullptr) {  // it was mounted after the table was read
    topology = read_topology(sources);
    if (!topology) return in_context(topology.error());
    mount = topology->table().by_id(place->mount_id);
  }
  if (mount == nullptr) return in_context({ErrorCode::ObjectNotFound, "its mount is gone"});
  const auto location = locate(*topology, sources, *mount, *place);
  if (!location) return in_context(location.error());
  auto volume = describe(*topology, *location);
  if (!volume) return in_context(volume.error());
  return volume;
}

core::Result<std::vector<core::Volume>> list_volumes(const VolumeSources& sources) {
  auto topology = read_topology(sources);
  if (!topology) return core::fail(topology.error());
  std::vector<core::Volume> volumes;
  std::set<std::pair<std::string, std::uint64_t>> seen;
  for (const Mount& mount : topology->table().mounts()) {
    const std::string& path = mount.mount_point;
    if (!topology->table().is_visible(mount) || !Topology::supported(mount) ||
        is_within(path, sources.runtime_dir)) {
      continue;
    }
    if (is_btrfs(mount) ? subvolume_root(path, mount) != path : mount.root != "/") continue;
    auto volume = describe(*topology, {path, &mount});
    if (!volume) {
      spdlog::debug("{} is not listed: {}", path, volume.error().message);
      continue;
    }
    if (seen.emplace(volume->superblock, volume->subvolume_id).second) volumes.push_back(std::move(*volume));
  }
  return volumes;
}

core::Status flush_filesystem(const std::string& directory) {
  constexpr int kPasses = 5;
  constexpr std::chrono::milliseconds kQuick{20};
  const auto fd = core::open_path(directory, O_RDONLY | O_DIRECTORY);
  if (!fd) return core::fail(fd.error());
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    if (::syncfs(fd->get()) != 0) return core::fail(core::errno_error(errno, "syncfs " + directory));
    if (std::chrono::steady_clock::now() - start < kQuick) break;
  }
  return {};
}

}  // namespace vss::system
