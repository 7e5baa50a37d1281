// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/client_views.hpp"

#include <cerrno>

#include <unistd.h>

#include <spdlog/spdlog.h>

#include "daemon/system/bind_mount.hpp"
#include "daemon/system/directories.hpp"
#include "daemon/system/mount_points.hpp"

namespace vss::system {
namespace {
constexpr mode_t kForEverybody = 0755;

std::string views_dir(const std::string& runtime_dir) { return runtime_dir + "/client-accessible"; }

core::Status mount_view(const std::string& source, const std::string& path) {
  const auto directory = make_directory(path, kForEverybody);
  if (!directory) return core::fail(directory.error());
  const auto copy = copy_mount(source);
  if (!copy) return core::fail(copy.error());
  return attach_mount(*copy, *directory, path);
}
}  // namespace

core::Result<std::string> mount_client_view(const std::string& runtime_dir, const std::string& source,
                                            const core::ClientName& name) {
  const std::string views = views_dir(runtime_dir);
  const std::string of_volume = views + "/" + name.volume;
  const std::string path = of_volume + "/" + name.snapshot;
  if (auto unmounted = unmount_all(path); !unmounted) return core::fail(std::move(unmounted.error()));
  for (const std::string& directory : {runtime_dir, views, of_volume}) {
    if (const auto made = make_directory(directory, kForEverybody); !made) return core::fail(made.error());
  }
  core::Status mounted = mount_view(source, path);
  if (mounted) return path;
  core::Error error = std::move(mounted.error());
  if (const auto undone = remove_client_view(runtime_dir, name); !undone) {
    error = std::move(error).followed_by(undone.error());
  }
  return core::fail(std::move(error));
}

core::Status remove_client_view(const std::string& runtime_dir, const core::ClientName& name) {
  const std::string of_volume = views_dir(runtime_dir) + "/" + name.volume;
  const std::string path = of_volume + "/" + name.snapshot;
  if (auto unmounted = unmount_all(path); !unmounted) return unmounted;
  if (auto removed = remove_directory(path); !removed) return removed;
  if (::rmdir(of_volume.c_str()) == 0 || errno == ENOENT || errno == ENOTEMPTY) return {};
  return core::fail(core::errno_error(errno, "rmdir " + of_volume));
}

void remove_client_views(const std::string& runtime_dir) {
  const std::string views = views_dir(runtime_dir);
  const auto note = [](const core::Status& removed) {
    if (!removed) spdlog::warn("{}", removed.error().message);
  };
  for (const std::string& volume : names_in(views)) {
    const auto snapshots = names_in(views + "/" + volume);
    if (snapshots.empty()) note(remove_directory(views + "/" + volume));
    for (const std::string& snapshot : snapshots) note(remove_client_view(runtime_dir, {volume, snapshot}));
  }
}

}  // namespace vss::system
