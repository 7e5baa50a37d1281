// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// How volumes on LVM can be held on this kernel.

#include <string>

namespace vss::lvm {

// Whether device-mapper may freeze a filesystem that is frozen already, as lvm has it do for each snapshot:
// since Linux 6.8, where block devices ask their holder to freeze (fs/super.c, fs_bdev_freeze). The kernel is
// asked for that function and not for its version: distributions carry such things back.
[[nodiscard]] bool kernel_nests_freezes(const std::string& kallsyms = "/proc/kallsyms");

// Whether the filesystem with this path carries programs and settings that lvm or udev read: while its device
// is suspended, nothing could be read from it, and so nothing could resume it. The same for a file that is
// swapped to. `program`: what runs the commands.
[[nodiscard]] bool carries_the_system(const std::string& path, const std::string& program);

}  // namespace vss::lvm
