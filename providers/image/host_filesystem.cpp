// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/image/host_filesystem.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <memory>

#include <blkid.h>
#include <libmount.h>

#include "vss/provider_module.hpp"
#include "vss/provider_support.hpp"

namespace vss::image {

namespace {

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

std::string uuid_on(const std::string& device) {
  const std::unique_ptr<blkid_struct_probe, decltype(&blkid_free_probe)> probe(
      blkid_new_probe_from_filename(device.c_str()), &blkid_free_probe);
  const char* uuid = nullptr;
  if (!probe || blkid_do_safeprobe(probe.get()) != 0) return {};
  if (blkid_probe_lookup_value(probe.get(), "UUID", &uuid, nullptr) != 0) return {};
  return text_or_empty(uuid);
}

}  // namespace

HostFilesystem host_of(const std::string& path) {
  const std::unique_ptr<libmnt_table, decltype(&mnt_unref_table)> mounts(
      mnt_new_table_from_file("/proc/self/mountinfo"), &mnt_unref_table);
  if (!mounts) throw_errno("/proc/self/mountinfo");
  libmnt_fs* const mount = mnt_table_find_mountpoint(mounts.get(), path.c_str(), MNT_ITER_BACKWARD);
  if (mount == nullptr) {
    throw ProviderError(VSS_PROVIDER_E_VETO, path + ": is not there, or no mount leads there");
  }
  return {text_or_empty(mnt_fs_get_target(mount)), text_or_empty(mnt_fs_get_fstype(mount)),
          uuid_on(text_or_empty(mnt_fs_get_source(mount)))};
}

bool can_share_blocks(const std::string& mount_point) {
  const auto nameless = [&] {
    return UniqueFd(::open(mount_point.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  };
  const UniqueFd from = nameless();
  if (!from && (errno == EOPNOTSUPP || errno == EISDIR)) return false;
  // The question is the ability. That there is no room now is an error of its own, when the set is made.
  if (!from && errno == ENOSPC) return true;
  if (!from) throw_errno(mount_point);
  const UniqueFd to = nameless();
  if (!to && errno == ENOSPC) return true;
  if (!to) throw_errno(mount_point);
  if (::ioctl(to.get(), FICLONE, from.get()) == 0) return true;
  if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL) return false;
  throw_errno("FICLONE on " + mount_point);
}

}  // namespace vss::image
