// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/filesystem_identity.hpp"

#include <memory>
#include <span>

#include <blkid/blkid.h>
#include <btrfsutil.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <spdlog/spdlog.h>

#include "daemon/core/unique_fd.hpp"

namespace vss::system {
namespace {
// FS_IOC_GETFSUUID of Linux 6.9; younger than the headers of the distributions we build on.
struct FsUuid {
  std::uint8_t length;
  std::uint8_t uuid[16];
};
constexpr unsigned long kGetFsUuid = _IOR(0x15, 0, FsUuid);

struct FreeProbe {
  void operator()(blkid_probe probe) const { blkid_free_probe(probe); }
};

std::string uuid_text(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    if (text.size() == 8 || text.size() == 13 || text.size() == 18 || text.size() == 23) text += '-';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0x0f];
  }
  return text;
}

std::string uuid_on_device(const std::string& device) {
  const std::unique_ptr<std::remove_pointer_t<blkid_probe>, FreeProbe> probe(
      blkid_new_probe_from_filename(device.c_str()));
  if (!probe) {
    spdlog::debug("{}: no UUID: {}", device, core::errno_error(errno, "open").message);
    return {};
  }
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_UUID);
  const char* value = nullptr;
  if (blkid_do_safeprobe(probe.get()) != 0 ||
      blkid_probe_lookup_value(probe.get(), "UUID", &value, nullptr) != 0) {
    return {};
  }
  return value;
}
}  // namespace

core::Result<std::string> btrfs_fsid(int directory) {
  btrfs_ioctl_fs_info_args info{};
  if (::ioctl(directory, BTRFS_IOC_FS_INFO, &info) != 0) {
    return core::fail(core::errno_error(errno, "BTRFS_IOC_FS_INFO"));
  }
  return uuid_text(info.fsid);
}

core::Result<std::uint64_t> btrfs_subvolume_id(int directory) {
  std::uint64_t id = 0;
  if (btrfs_util_subvolume_id_fd(directory, &id) != BTRFS_UTIL_OK) {
    return core::fail(core::errno_error(errno, "read the id of the subvolume"));
  }
  return id;
}

std::string read_fsid(const MountTable& table, const Mount& mount) {
  for (const Mount& candidate : table.mounts()) {
    if (candidate.device != mount.device || !table.is_visible(candidate)) continue;
    const auto fd = core::open_path(candidate.mount_point, O_RDONLY | O_NONBLOCK);
    if (!fd) continue;
    if (auto fsid = btrfs_fsid(fd->get())) return *fsid;
  }
  spdlog::warn("{}: the id of this btrfs cannot be read", mount.mount_point);
  return {};
}

std::string filesystem_uuid(int directory, const std::string& device) {
  FsUuid answer{};
  if (::ioctl(directory, kGetFsUuid, &answer) == 0 && answer.length == sizeof answer.uuid) {
    return uuid_text(answer.uuid);
  }
  return device.empty() ? std::string() : uuid_on_device(device);
}

}  // namespace vss::system
