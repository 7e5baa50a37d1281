// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/btrfs/reverts.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>

#include "providers/btrfs/mounts.hpp"
#include "providers/btrfs/parallel_capture.hpp"
#include "providers/btrfs/subvolume.hpp"
#include "providers/btrfs/users.hpp"

namespace vss::btrfs {

namespace {

constexpr const char* kCopyName = "revert";
constexpr std::size_t kMostNamed = 5;
constexpr std::size_t kLongestName = 255;

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (std::size_t i = 0; i < parts.size() && i < kMostNamed; ++i) text += (i == 0 ? "" : ", ") + parts[i];
  return parts.size() > kMostNamed ? text + " and others" : text;
}

// Directories above a subvolume may belong to a user: no link is followed, nothing leaves the filesystem.
UniqueFd open_beneath(int top, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  UniqueFd fd(
      static_cast<int>(::syscall(SYS_openat2, top, path.empty() ? "." : path.c_str(), &how, sizeof how)));
  if (!fd) throw_errno("/" + path);
  return fd;
}

// Where the volume lies.
struct Place {
  std::string path;  // from the top level
  std::string name;
  UniqueFd parent;
  UniqueFd live;

  static Place find(int top, const std::string& path) {
    const auto slash = path.rfind('/');
    Place place;
    place.path = path;
    place.name = slash == std::string::npos ? path : path.substr(slash + 1);
    place.parent = open_beneath(top, slash == std::string::npos ? "" : path.substr(0, slash));
    place.live = open_at_if_exists(place.parent.get(), place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!place.live || !is_subvolume(place.live.get())) {
      throw ProviderError(VSS_PROVIDER_E_VETO, "there is no subvolume at /" + path + " any more");
    }
    return place;
  }
};

// The number of its superblock as mountinfo shows it; "" if it is mounted nowhere.
std::string superblock_of(const std::string& filesystem, const std::vector<Namespace>& namespaces) {
  std::vector<std::string> looked_at;
  for (const Namespace& space : namespaces) {
    for (const Mount& mount : space.mounts) {
      if (mount.type != "btrfs" || std::ranges::find(looked_at, mount.device) != looked_at.end()) continue;
      const UniqueFd root(::open(("/proc/" + space.process + "/root" + mount.point).c_str(),
                                 O_RDONLY | O_NONBLOCK | O_CLOEXEC));
      // Another mount may lie above it: then the next of its mounts tells.
      struct statx facts {};
      if (!root || ::statx(root.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &facts) != 0 ||
          facts.stx_mnt_id != static_cast<std::uint64_t>(mount.id)) {
        continue;
      }
      looked_at.push_back(mount.device);
      if (to_text(filesystem_uuid(root.get())) == filesystem) return mount.device;
    }
  }
  return "";
}

void refuse(const Place& place, const std::string& why) {
  throw ProviderError(VSS_PROVIDER_E_VOLUME_IN_USE, "/" + place.path + ": " + why);
}

// What `force` goes on in spite of.
void check_unused(const Place& place, const std::string& filesystem) {
  const auto nested = nested_subvolumes(place.live.get(), subvolume_of(place.live.get()).id);
  if (!nested.empty()) {
    refuse(place, "subvolumes inside it would stay with its former content: " + joined(nested));
  }
  const std::vector<Namespace> namespaces = read_mounts();
  const std::string superblock = superblock_of(filesystem, namespaces);
  if (!superblock.empty() && !namespaces.empty()) {
    const auto inside = points_within(namespaces.front().mounts, superblock, "/" + place.path);
    if (!inside.empty()) refuse(place, "something is mounted in it: " + joined(inside));
  }
  const auto users = users_of(device_number(place.live.get()), kMostNamed + 1);
  if (!users.empty()) refuse(place, "it is in use: " + joined(users));
}

std::string kept_name(const std::string& name, int attempt) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  (void)std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  const std::string ending =
      ".before-revert-" + std::string(text) + (attempt == 0 ? "" : "-" + std::to_string(attempt));
  return name.substr(0, kLongestName - ending.size()) + ending;
}

// Beside the volume, under a name that is free. Returns that name.
std::string put_beside(int directory, const Place& place) {
  constexpr int kMostAttempts = 100;
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const std::string name = kept_name(place.name, attempt);
    if (::renameat2(directory, kCopyName, place.parent.get(), name.c_str(), RENAME_NOREPLACE) == 0)
      return name;
    if (errno != EEXIST) throw_errno("rename it to " + name);
  }
  throw_errno("rename it beside " + place.path, EEXIST);
}

// An earlier revert was interrupted. What is there is its copy of the snapshot, or, if somebody has written
// to it, what was exchanged for that: it is kept.
void clear_away(const ProviderHost& host, int directory, const Place& place, const Uuid& snapshot) {
  const UniqueFd found = open_at_if_exists(directory, kCopyName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!found) return;
  const Subvolume facts = subvolume_of(found.get());
  if (facts.parent_uuid == snapshot && facts.changed_in == facts.created_in) {
    delete_subvolume(directory, kCopyName);
    return;
  }
  host.warn("an earlier revert of /" + place.path + " was interrupted: what was exchanged is kept as " +
            put_beside(directory, place));
}

// Those that still show the subvolume with this id. Nothing: it does not exist any more.
std::optional<std::vector<std::string>> mounts_of(int top, const std::string& filesystem, std::uint64_t id) {
  const auto path = path_of(top, id);
  if (!path) return std::nullopt;
  const std::vector<Namespace> namespaces = read_mounts();
  const std::string superblock = superblock_of(filesystem, namespaces);
  std::vector<std::string> points;
  if (superblock.empty()) return points;
  for (const Namespace& space : namespaces) {
    for (const std::string& point : points_that_show(space.mounts, superblock, "/" + *path)) {
      if (std::ranges::find(points, point) == points.end()) points.push_back(point);
    }
  }
  return points;
}

std::string remount(const std::vector<std::string>& points) {
  return "its former content is still mounted; unmount it and mount it again: " + joined(points);
}

}  // namespace

std::string Reverts::file_name(const std::string& filesystem, std::uint64_t former) const {
  return runtime_dir_ + "/" + filesystem + "." + std::to_string(former);
}

void Reverts::note(const std::string& filesystem, Exchanged exchanged) const {
  const std::string name = file_name(filesystem, exchanged.former);
  std::ofstream file(name + ".new");
  file << exchanged.present << '\n' << std::flush;
  if (!file.good() || ::rename((name + ".new").c_str(), name.c_str()) != 0) throw_errno(name);
}

void Reverts::revert(const ProviderHost& host, const SnapshotLocation& snapshot, bool force) {
  const TopLevel top(snapshot.filesystem());
  if (top.read_only()) throw ProviderError(VSS_PROVIDER_E_VETO, "the filesystem is read-only");
  const UniqueFd root = snapshot.open(top.directory());
  if (!root) throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, "the snapshot does not exist");
  if (snapshot.source().empty()) {
    throw ProviderError(VSS_PROVIDER_E_NOT_SUPPORTED,
                        "its volume is the top level of the filesystem, which nothing can take the place of");
  }
  const Place place = Place::find(top.directory(), snapshot.source());
  if (!force) check_unused(place, snapshot.filesystem());

  const UniqueFd directory = snapshot.open_directory(top.directory());
  clear_away(host, directory.get(), place, subvolume_of(root.get()).uuid);
  make_snapshot(root.get(), directory.get(), kCopyName);
  const Exchanged exchanged{
      subvolume_of(place.live.get()).id,
      subvolume_of(open_at(directory.get(), kCopyName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).get()).id};
  const bool was_default = default_subvolume(top.directory()) == exchanged.former;
  if (::renameat2(directory.get(), kCopyName, place.parent.get(), place.name.c_str(), RENAME_EXCHANGE) != 0) {
    const int error = errno;
    delete_subvolume(directory.get(), kCopyName);
    if (error == EBUSY) refuse(place, "something is mounted on it, which even force does not take away");
    throw_errno("exchange /" + place.path, error);
  }

  // The volume is reverted. What fails from here on is told, and is no error.
  std::string message;
  const auto attempt = [&](const auto& step) {
    try {
      step();
    } catch (const std::system_error& error) {
      host.warn("/" + place.path + " is reverted, but: " + error.what());
    }
  };
  attempt([&] {
    const auto slash = place.path.rfind('/');
    const std::string parent = slash == std::string::npos ? "" : place.path.substr(0, slash + 1);
    message = "the former content is kept as /" + parent + put_beside(directory.get(), place);
  });
  attempt([&] {
    if (was_default) set_default_subvolume(top.directory(), exchanged.present);
  });
  attempt([&] { sync_filesystem(top.directory()); });
  std::vector<std::string> mounted;
  attempt([&] {
    mounted = mounts_of(top.directory(), snapshot.filesystem(), exchanged.former).value_or(mounted);
    if (!mounted.empty()) note(snapshot.filesystem(), exchanged);
  });
  if (mounted.empty()) return host.set_revert(VSS_REVERT_DONE, 100, message);
  host.set_revert(VSS_REVERT_PENDING_REBOOT, -1, remount(mounted) + (message.empty() ? "" : "; ") + message);
}

void Reverts::report(const ProviderHost& host, const vss_volume& volume) {
  const UniqueFd root = open_at(AT_FDCWD, volume.path, O_RDONLY | O_DIRECTORY);
  const std::string filesystem = to_text(filesystem_uuid(root.get()));
  const std::uint64_t shown = subvolume_of(root.get()).id;
  bool was_one = false;
  for (const auto& entry : std::filesystem::directory_iterator(runtime_dir_)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(filesystem + ".") || name.ends_with(".new")) continue;
    Exchanged exchanged;
    exchanged.former = std::stoull(name.substr(filesystem.size() + 1));
    std::ifstream(entry.path()) >> exchanged.present;
    if (shown != exchanged.former && shown != exchanged.present) continue;
    const TopLevel top(filesystem);
    const auto mounted = mounts_of(top.directory(), filesystem, exchanged.former);
    if (mounted && !mounted->empty()) {
      return host.set_revert(VSS_REVERT_PENDING_REBOOT, -1, remount(*mounted));
    }
    std::filesystem::remove(entry.path());
    was_one = true;
  }
  host.set_revert(was_one ? VSS_REVERT_DONE : VSS_REVERT_NONE, was_one ? 100 : -1, "");
}

}  // namespace vss::btrfs
