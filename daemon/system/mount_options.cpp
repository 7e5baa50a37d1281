// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/mount_options.hpp"

#include <algorithm>
#include <array>

#include <sys/mount.h>

namespace vss::system {
namespace {
struct Flag {
  std::string_view name;
  unsigned long value;
};
constexpr std::array kFlags = {
    Flag{"bind", MS_BIND},
    Flag{"nosuid", MS_NOSUID},
    Flag{"nodev", MS_NODEV},
    Flag{"noexec", MS_NOEXEC},
    Flag{"noatime", MS_NOATIME},
    Flag{"nodiratime", MS_NODIRATIME},
    Flag{"relatime", MS_RELATIME},
    Flag{"strictatime", MS_STRICTATIME},
    Flag{"lazytime", MS_LAZYTIME},
    Flag{"sync", MS_SYNCHRONOUS},
    Flag{"dirsync", MS_DIRSYNC},
    Flag{"ro", 0},
    Flag{"rw", 0},
    Flag{"defaults", 0},
};
}  // namespace

MountOptions split_mount_options(std::string_view options) {
  MountOptions result;
  while (!options.empty()) {
    const auto comma = options.find(',');
    const std::string_view option = options.substr(0, comma);
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
    const auto flag = std::find_if(kFlags.begin(), kFlags.end(),
                                   [option](const Flag& candidate) { return candidate.name == option; });
    if (flag != kFlags.end()) {
      result.flags |= flag->value;
    } else if (!option.empty()) {
      if (!result.data.empty()) result.data += ',';
      result.data += option;
    }
  }
  return result;
}

}  // namespace vss::system
