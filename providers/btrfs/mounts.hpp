// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Which mounts show a subvolume, and what is mounted inside one, in all mount namespaces. A mount shows the
// directory that it was made of wherever that is moved to: a subvolume that was exchanged stays mounted where
// it was.
//
// Pure but for read_mounts().

#include <string>
#include <vector>

namespace vss::btrfs {

// One line of /proc/<pid>/mountinfo.
struct Mount {
  int id = 0;
  int parent = 0;
  std::string device;  // number of the superblock, "0:45"
  std::string root;    // what of the filesystem it shows, from the top level: "/@srv"
  std::string point;
  std::string type;
  std::string source;
};
using Mounts = std::vector<Mount>;  // of one namespace

// Lines that are none are left out.
[[nodiscard]] Mounts parse_mounts(const std::string& mountinfo);

// `path` and what is below it.
[[nodiscard]] bool is_within(const std::string& path, const std::string& directory);

// The mount points of mounts that show `path` ("/@srv") of the filesystem or something within.
[[nodiscard]] std::vector<std::string> points_that_show(const Mounts& mounts, const std::string& device,
                                                        const std::string& path);
// The mount points that lie within `path` of the filesystem, `path` itself included.
[[nodiscard]] std::vector<std::string> points_within(const Mounts& mounts, const std::string& device,
                                                     const std::string& path);

// Each namespace once, our own first; `process`: the number of one that is in it.
struct Namespace {
  std::string process;
  Mounts mounts;
};
[[nodiscard]] std::vector<Namespace> read_mounts();

}  // namespace vss::btrfs
