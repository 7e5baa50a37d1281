// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The mounts of a mount namespace, as /proc/self/mountinfo lists them. Pure: text in, facts out.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "daemon/core/error.hpp"

namespace vss::system {

struct Mount {
  int id = 0;
  int parent = 0;
  dev_t device = 0;         // of the superblock; anonymous (major 0) for btrfs
  std::string root;         // which directory of the filesystem is mounted
  std::string mount_point;  // where
  std::string filesystem;
  std::string source;
  std::string super_options;
  bool network = false;
};

class MountTable {
 public:
  // Errors: InvalidArgument if the text is no mountinfo.
  [[nodiscard]] static core::Result<MountTable> parse(const std::string& text);
  // Reads the file again if the mounts change meanwhile.
  [[nodiscard]] static core::Result<MountTable> read(const std::string& file);

  [[nodiscard]] const std::vector<Mount>& mounts() const { return mounts_; }
  [[nodiscard]] const Mount* by_id(int id) const;
  // The mount that a path without links lies in: what later mounts hide is never the answer. nullptr if the
  // table has no root.
  [[nodiscard]] const Mount* covering(std::string_view path) const;
  // False if a later mount hides it.
  [[nodiscard]] bool is_visible(const Mount& mount) const { return covering(mount.mount_point) == &mount; }

 private:
  std::vector<Mount> mounts_;
};

// True if `path` is `directory` or lies below it.
[[nodiscard]] bool is_within(std::string_view path, std::string_view directory);
// `path` relative to `directory`, which it lies within; "" for itself.
[[nodiscard]] std::string_view relative_to(std::string_view path, std::string_view directory);
// `directory`/`relative`, without a doubled or trailing slash.
[[nodiscard]] std::string join(std::string_view directory, std::string_view relative);

// The values of an option that may be given more than once, in a list such as "rw,lowerdir=/a:/b".
[[nodiscard]] std::vector<std::string> option_values(std::string_view options, std::string_view name);

}  // namespace vss::system
