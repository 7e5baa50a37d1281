// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/bind_mount.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

namespace vss::system {

core::Result<DetachedMount> copy_mount(const std::string& source) {
  constexpr unsigned kFlags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW;
  DetachedMount copy{core::UniqueFd(::open_tree(AT_FDCWD, source.c_str(), kFlags)), {}};
  if (!copy.fd) return core::fail(core::errno_error(errno, "copy the mount of " + source));
  // Private: what happens at the copy is of no interest to the mount that it comes from.
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  attributes.propagation = MS_PRIVATE;
  if (::mount_setattr(copy.fd.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return core::fail(core::errno_error(errno, "make the copy of " + source + " read-only"));
  }
  struct stat facts {};
  if (::fstat(copy.fd.get(), &facts) != 0) return core::fail(core::errno_error(errno, "stat " + source));
  copy.identity = {facts.st_dev, facts.st_ino};
  return copy;
}

core::Status attach_mount(const DetachedMount& mount, const core::UniqueFd& directory,
                          const std::string& target) {
  constexpr unsigned kFlags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  if (::move_mount(mount.fd.get(), "", directory.get(), "", kFlags) == 0) return {};
  return core::fail(core::errno_error(errno, "mount at " + target));
}

}  // namespace vss::system
