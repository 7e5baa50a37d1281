// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Opening a directory without being led astray, and what is needed to read one.

#include <cstdint>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/core/unique_fd.hpp"

namespace vss::system {

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

// openat2(2), for which glibc has no function. `flags` as of open(2), `resolve` as RESOLVE_*. Errors: errno.
[[nodiscard]] inline core::UniqueFd open_resolved(int at, const char* path, std::uint64_t flags,
                                                  std::uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve;
  return core::UniqueFd(static_cast<int>(::syscall(SYS_openat2, at, path, &how, sizeof how)));
}

}  // namespace vss::system
