// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Who uses the files of a subvolume: processes with an open file, a working or root directory, a program or a
// mapped file in it; loop devices and swap files on it. By the device number that every btrfs subvolume has
// for itself, so it makes no difference by which mount, in which namespace, they came to it.
//
// Not seen: what a thread has for itself alone, a file that is passed in a socket and not received yet, an
// export by the kernel's NFS server that nobody reads.

#include <sys/types.h>

#include <string>
#include <vector>

namespace vss::btrfs {

// For people: "postgres (4711): open file". At most `most`; this process is not counted. A process that may
// not be looked at is one of them: nobody knows what it has open.
[[nodiscard]] std::vector<std::string> users_of(dev_t subvolume, std::size_t most);

// The device number that files of the subvolume have, whose root directory `fd` is. Throws std::system_error.
[[nodiscard]] dev_t device_number(int fd);

}  // namespace vss::btrfs
