// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/snapshot_mounts.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "daemon/system/client_views.hpp"
#include "daemon/system/directories.hpp"
#include "daemon/system/exposure.hpp"
#include "daemon/system/mount_options.hpp"
#include "daemon/system/mount_points.hpp"

namespace vss::system {
namespace {
// Long enough for a journal to be replayed.
constexpr std::chrono::minutes kMountLimit{5};
// A mount point that somebody chose may be anywhere, on a file server that is gone as well.
constexpr std::chrono::seconds kExposureLimit{30};
constexpr unsigned long kAlways = MS_NOSUID | MS_NODEV;

std::string snapshots_dir(const std::string& runtime_dir) { return runtime_dir + "/snapshots"; }

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

core::Status remove_leftover_set(const std::string& set_dir) {
  std::optional<core::Error> failure;
  const auto note = [&](const core::Status& status) {
    if (status) return;
    failure = failure ? std::move(*failure).followed_by(status.error()) : status.error();
  };
  const auto names = names_in(set_dir);
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
  remove_client_views(runtime_dir);
  const std::string base = snapshots_dir(runtime_dir);
  for (const std::string& name : names_in(base)) {
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
    : runtime_dir_(std::move(runtime_dir)), worker_("vssd-mounts"), exposure_worker_("vssd-expose") {}

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

asio::awaitable<core::Result<std::string>> SnapshotMounts::find_mount_point(std::string path) {
  auto work = [runtime_dir = runtime_dir_, path = std::move(path)] {
    return find_exposure(runtime_dir, path);
  };
  co_return co_await exposure_worker_.run(std::move(work), kExposureLimit);
}

asio::awaitable<core::Status> SnapshotMounts::expose(core::Guid snapshot, std::string source,
                                                     std::string target) {
  const auto given_up = std::make_shared<std::atomic<bool>>(false);
  auto work = [runtime_dir = runtime_dir_, snapshot, source = std::move(source), target = std::move(target),
               given_up]() -> core::Status {
    auto mounted = mount_exposure(runtime_dir, snapshot, source, target);
    if (!mounted || !*given_up) return mounted;
    spdlog::warn("{} was mounted too late; it is unmounted", target);
    return unmount_exposure(runtime_dir, snapshot, target, false);
  };
  core::Status exposed = co_await exposure_worker_.run(std::move(work), kExposureLimit);
  if (!exposed) *given_up = true;  // should it still be at it
  co_return exposed;
}

asio::awaitable<core::Status> SnapshotMounts::unexpose(core::Guid snapshot, std::string target, bool force) {
  auto work = [runtime_dir = runtime_dir_, snapshot, target = std::move(target), force] {
    return unmount_exposure(runtime_dir, snapshot, target, force);
  };
  co_return co_await exposure_worker_.run(std::move(work), kExposureLimit);
}

asio::awaitable<core::Result<std::string>> SnapshotMounts::show_to_clients(std::string source,
                                                                           core::ClientName name) {
  auto work = [runtime_dir = runtime_dir_, source = std::move(source), name = std::move(name)] {
    return mount_client_view(runtime_dir, source, name);
  };
  co_return co_await worker_.run(std::move(work), kMountLimit);
}

asio::awaitable<core::Status> SnapshotMounts::hide_from_clients(core::ClientName name) {
  auto work = [runtime_dir = runtime_dir_, name = std::move(name)] {
    return remove_client_view(runtime_dir, name);
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
