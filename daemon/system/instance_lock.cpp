// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/instance_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "daemon/system/directories.hpp"

namespace vss::system {

core::Result<core::UniqueFd> take_instance_lock(const std::string& runtime_dir) {
  core::Result<core::UniqueFd> directory = make_directory(runtime_dir, 0755);
  if (!directory) return core::fail(std::move(directory.error()));
  core::UniqueFd lock(::openat(directory->get(), "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.get() < 0) return core::fail(core::errno_error(errno, "open " + runtime_dir + "/lock"));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) {
    return core::fail(ErrorCode::ObjectAlreadyExists, "another vssd runs with " + runtime_dir);
  }
  return core::fail(core::errno_error(errno, "lock " + runtime_dir + "/lock"));
}

}  // namespace vss::system
