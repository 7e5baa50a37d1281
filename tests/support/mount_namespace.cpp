// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/mount_namespace.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <cerrno>
#include <system_error>

namespace vss::test {

void private_mount_namespace() {
  static bool done = false;
  if (done) return;
  if (unshare(CLONE_NEWNS) != 0) throw std::system_error(errno, std::generic_category(), "unshare");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    throw std::system_error(errno, std::generic_category(), "make mounts private");
  done = true;
}

}  // namespace vss::test
