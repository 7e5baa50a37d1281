// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/mount_points.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

namespace vss::system {

core::Result<std::optional<bool>> is_mount_root(const std::string& path) {
  struct statx facts {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  if (::statx(AT_FDCWD, path.c_str(), flags, STATX_TYPE, &facts) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return core::fail(core::errno_error(errno, "statx " + path));
  }
  return (facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

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

}  // namespace vss::system
