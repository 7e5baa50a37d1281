// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/snapshot_mounts.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "daemon/system/directories.hpp"
#include "daemon/system/mount_options.hpp"

namespace vss::system {
namespace {
// Long enough for a journal to be replayed.
constexpr std::chrono::minutes kMountLimit{5};
constexpr unsigned long kAlways = MS_NOSUID | MS_NODEV;

std::string snapshots_dir(const std::string& runtime_dir) { return runtime_dir + "/snapshots"; }

// Whether the directory itself is the root of a mount; nothing if it does not exist.
core::Result<std::optional<bool>> is_mount_root(const std::string& path) {
  struct statx facts {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  if (::statx(AT_FDCWD, path.c_str(), flags, STATX_TYPE, &facts) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return core::fail(core::errno_error(errno, "statx " + path));
  }
  return (facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// Only rmdir: whatever goes wrong, nothing inside a snapshot is ever deleted.
core::Status remove_directory(const std::string& path) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
  return core::fail(core::errno_error(errno, "rmdir " + path));
}

core::Status unmount_all(const std::string& path) {
  constexpr int kMostStacked = 16;
  for (int i = 0; i < kMostStacked; ++i) {
    const auto mounted = is_mount_root(path);
    if (!mounted) return core::fail(mounted.error());
    if (!mounted->value_or(false)) return {};
    if (::umount2(path.c_str(), UMOUNT_NOFOLLOW) == 0) continue;
    if (errno != EBUSY) return core::fail(core::errno_error(errno, "umount " + path));
    spdlog::warn("{} is in use; it is detached and goes away with its last user", path);
    if (::umount2(path.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH) != 0) {
      return core::fail(core::errno_error(errno, "detach " + path));
    }
  }
  return core::fail(ErrorCode::VolumeInUse, path + ": mounted over again and again");
}

core::Status unmount_snapshot(const std::string& set_dir, const std::string& path) {
  if (auto unmounted = unmount_all(path); !unmounted) return unmounted;
  if (auto removed = remove_directory(path); !removed) return removed;
  // The set's directory goes with its last snapshot.
  if (::rmdir(set_dir.c_str()) == 0 || errno == ENOENT || errno == ENOTEMPTY) return {};
  return core::fail(core::errno_error(errno, "rmdir " + set_dir));
}

core::Status bind(const core::MountSpec& spec, const std::string& path, unsigned long flags) {
  if (::mount(spec.source.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return core::fail(core::errno_error(errno, "bind " + spec.source + " to " + path));
  }
  // A bind mount takes its flags only when it is mounted again.
  if (::mount(nullptr, path.c_str(), nullptr, flags | MS_BIND | MS_REMOUNT, nullptr) != 0) {
    return core::fail(core::errno_error(errno, "set the flags of " + path));
  }
  return {};
}

core::Status mount_at(const core::MountSpec& spec, const std::string& path, bool writable) {
  const MountOptions options = split_mount_options(spec.options);
  const unsigned long flags =
      options.flags | kAlways | (writable ? 0UL : static_cast<unsigned long>(MS_RDONLY));
  if ((options.flags & MS_BIND) != 0) return bind(spec, path, flags);
  if (::mount(spec.source.c_str(), path.c_str(), spec.filesystem.c_str(), flags, options.data.c_str()) != 0) {
    return core::fail(
        core::errno_error(errno, "mount " + spec.source + " (" + spec.filesystem + ") at " + path));
  }
  return {};
}

// Whether what is mounted there has the wanted mode already. What has not, is unmounted.
core::Result<bool> is_mounted_as(const std::string& path, bool writable) {
  const auto mounted = is_mount_root(path);
  if (!mounted) return core::fail(mounted.error());
  if (!mounted->value_or(false)) return false;
  struct statvfs facts {};
  if (::statvfs(path.c_str(), &facts) != 0) return core::fail(core::errno_error(errno, "statvfs " + path));
  if (((facts.f_flag & ST_RDONLY) == 0) == writable) return true;
  if (auto unmounted = unmount_all(path); !unmounted) return core::fail(unmounted.error());
  return false;
}

core::Result<std::string> mount_snapshot(const std::string& runtime_dir, const core::Guid& set,
                                         const core::Guid& snapshot, const core::MountSpec& spec,
                                         bool writable) {
  const std::string base = snapshots_dir(runtime_dir);
  const std::string set_dir = base + "/" + set.str();
  const std::string path = set_dir + "/" + snapshot.str();
  const auto as_wanted = is_mounted_as(path, writable);
  if (!as_wanted) return core::fail(as_wanted.error());
  if (*as_wanted) return path;
  const std::pair<std::string, mode_t> directories[] = {
      {runtime_dir, 0755}, {base, 0700}, {set_dir, 0700}, {path, 0700}};
  for (const auto& [directory, mode] : directories) {
    if (const auto made = make_directory(directory, mode); !made) return core::fail(made.error());
  }
  auto mounted = mount_at(spec, path, writable);
  if (mounted) return path;
  core::Error error = std::move(mounted.error());
  if (const auto undone = unmount_snapshot(set_dir, path); !undone) {
    error = std::move(error).followed_by(undone.error());
  }
  return core::fail(std::move(error));
}

std::vector<std::string> subdirectories(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  if (error && error != std::errc::no_such_file_or_directory)
    spdlog::warn("read {}: {}", path, error.message());
  return names;
}

core::Status remove_leftover_set(const std::string& set_dir) {
  std::optional<core::Error> failure;
  const auto note = [&](const core::Status& status) {
    if (status) return;
    failure = failure ? std::move(*failure).followed_by(status.error()) : status.error();
  };
  const auto names = subdirectories(set_dir);
  for (const std::string& name : names) {
    const std::string path = set_dir + "/" + name;
    spdlog::info("{} was left behind; unmounting it", path);
    note(unmount_snapshot(set_dir, path));
  }
  if (names.empty()) note(remove_directory(set_dir));
  return failure ? core::Status(core::fail(std::move(*failure))) : core::Status();
}

core::Status remove_all_leftovers(const std::string& runtime_dir, const std::vector<core::Guid>& known) {
  std::optional<core::Error> failure;
  const std::string base = snapshots_dir(runtime_dir);
  for (const std::string& name : subdirectories(base)) {
    const auto set = core::Guid::parse(name);
    if (!set) {
      spdlog::warn("{}/{} is not ours; it is left alone", base, name);
      continue;
    }
    if (std::find(known.begin(), known.end(), *set) != known.end()) continue;
    if (const auto removed = remove_leftover_set(base + "/" + name); !removed) {
      failure = failure ? std::move(*failure).followed_by(removed.error()) : removed.error();
    }
  }
  return failure ? core::Status(core::fail(std::move(*failure))) : core::Status();
}
}  // namespace

SnapshotMounts::SnapshotMounts(std::string runtime_dir)
    : runtime_dir_(std::move(runtime_dir)), worker_("vssd-mounts") {}

asio::awaitable<core::Result<std::string>> SnapshotMounts::mount(core::Guid set, core::Guid snapshot,
                                                                 core::MountSpec spec, bool writable) {
  auto work = [runtime_dir = runtime_dir_, set, snapshot, spec = std::move(spec), writable] {
    return mount_snapshot(runtime_dir, set, snapshot, spec, writable);
  };
  co_return co_await worker_.run(std::move(work), kMountLimit);
}

asio::awaitable<core::Status> SnapshotMounts::unmount(core::Guid set, core::Guid snapshot) {
  auto work = [base = snapshots_dir(runtime_dir_), set, snapshot] {
    const std::string set_dir = base + "/" + set.str();
    return unmount_snapshot(set_dir, set_dir + "/" + snapshot.str());
  };
  co_return co_await worker_.run(std::move(work), kMountLimit);
}

asio::awaitable<core::Status> SnapshotMounts::remove_leftovers(std::vector<core::Guid> known) {
  auto work = [runtime_dir = runtime_dir_, known = std::move(known)] {
    return remove_all_leftovers(runtime_dir, known);
  };
  co_return co_await worker_.run(std::move(work), kMountLimit);
}

}  // namespace vss::system
