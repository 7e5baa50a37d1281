// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/image/clone_file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <nlohmann/json.hpp>

#include "providers/image/host_filesystem.hpp"
#include "vss/provider_module.hpp"

namespace vss::image {

namespace {
constexpr const char* kDirectory = ".vssd";
constexpr const char* kMark = "trusted.vssd.set";
constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

// btrfs refuses to share blocks between a file with checksums and one without ("chattr +C", usual for
// images).
void copy_no_cow_flag(int source, int destination) {
  int flags = 0;
  if (::ioctl(source, FS_IOC_GETFLAGS, &flags) != 0 || (flags & FS_NOCOW_FL) == 0) return;
  int own = 0;
  if (::ioctl(destination, FS_IOC_GETFLAGS, &own) != 0) throw_errno("FS_IOC_GETFLAGS");
  own |= FS_NOCOW_FL;
  if (::ioctl(destination, FS_IOC_SETFLAGS, &own) != 0) throw_errno("FS_IOC_SETFLAGS");
}
}  // namespace

CloneFile::CloneFile(std::string set_id, std::string snapshot_id, std::string mount_point,
                     std::string host_uuid, LoopExtent extent)
    : set_id_(std::move(set_id)),
      snapshot_id_(std::move(snapshot_id)),
      mount_point_(std::move(mount_point)),
      host_uuid_(std::move(host_uuid)),
      extent_(extent) {
  if (!is_guid_text(set_id_) || !is_guid_text(snapshot_id_)) {
    throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT, "'" + set_id_ + "', '" + snapshot_id_ + "': no ids");
  }
}

CloneFile CloneFile::of_existing(const vss_member& snapshot) {
  try {
    const auto data = nlohmann::json::parse(snapshot.data);
    const LoopExtent extent{data.at("offset"), data.at("size_limit"), data.at("block_size")};
    CloneFile clone(snapshot.set_id, snapshot.snapshot_id, data.at("mount_point"), data.at("host_uuid"),
                    extent);
    if (data.at("path").get<std::string>() != clone.path()) {
      throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT,
                          "data of the snapshot: another path than its ids say");
    }
    const HostFilesystem host = host_of(clone.mount_point_);
    if (host.mount_point != clone.mount_point_ || host.uuid != clone.host_uuid_) {
      throw ProviderError(VSS_PROVIDER_E_VETO, "the filesystem " + clone.host_uuid_ + " is not mounted at " +
                                                   clone.mount_point_ + " now");
    }
    return clone;
  } catch (const nlohmann::json::exception& error) {
    throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT,
                        std::string("data of the snapshot: ") + error.what());
  }
}

std::string CloneFile::path() const {
  const std::string root = mount_point_.ends_with('/') ? mount_point_ : mount_point_ + "/";
  return root + kDirectory + "/" + set_id_ + "/" + file_name();
}

std::string CloneFile::data() const {
  return nlohmann::json{
      {"path", path()},           {"mount_point", mount_point_},      {"host_uuid", host_uuid_},
      {"offset", extent_.offset}, {"size_limit", extent_.size_limit}, {"block_size", extent_.block_size}}
      .dump();
}

UniqueFd CloneFile::create(int source) const {
  const UniqueFd root = open_at(AT_FDCWD, mount_point_, O_RDONLY | O_DIRECTORY);
  const UniqueFd ours = make_private_directory(root.get(), kDirectory);
  const UniqueFd set = make_private_directory(ours.get(), set_id_);
  UniqueFd file = open_at(set.get(), file_name(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (::fsetxattr(file.get(), kMark, set_id_.data(), set_id_.size(), 0) != 0) throw_errno(kMark);
  copy_no_cow_flag(source, file.get());
  return file;
}

bool CloneFile::carries_mark(int file) const {
  std::array<char, 64> value{};
  const ssize_t length = ::fgetxattr(file, kMark, value.data(), value.size());
  return length > 0 && std::string_view(value.data(), static_cast<std::size_t>(length)) == set_id_;
}

CloneFile::Opened CloneFile::open_any(int flags) const {
  Opened opened;
  opened.root = open_at_if_exists(AT_FDCWD, mount_point_, O_RDONLY | O_DIRECTORY);
  if (!opened.root) return opened;
  opened.ours = open_at_if_exists(opened.root.get(), kDirectory, kDirectoryFlags);
  if (!opened.ours) return opened;
  opened.set = open_at_if_exists(opened.ours.get(), set_id_, kDirectoryFlags);
  if (!opened.set) return opened;
  opened.file = open_at_if_exists(opened.set.get(), file_name(), flags | O_NOFOLLOW);
  return opened;
}

CloneFile::Opened CloneFile::open(int flags) const {
  Opened opened = open_any(flags);
  if (opened.file && !carries_mark(opened.file.get())) {
    throw ProviderError(VSS_PROVIDER_E_VETO,
                        path() + ": left alone, it does not carry the mark of set " + set_id_);
  }
  return opened;
}

UniqueFd CloneFile::open_file(int flags) const {
  Opened opened = open(flags);
  if (!opened.file) throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, "the snapshot does not exist");
  return std::move(opened.file);
}

bool CloneFile::exists() const { return static_cast<bool>(open(O_RDONLY).file); }

void CloneFile::finish() const {
  const Opened opened = open(O_RDONLY);
  if (!opened.file) throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, path() + " is gone");
  if (::fchmod(opened.file.get(), 0400) != 0) throw_errno(path());
  make_durable(opened, path());
}

void CloneFile::make_durable(const Opened& opened, const std::string& path) {
  for (const UniqueFd* fd : {&opened.file, &opened.set, &opened.ours, &opened.root}) {
    if (::fsync(fd->get()) != 0) throw_errno("fsync " + path);
  }
}

void CloneFile::break_away(bool writable) const {
  const Opened opened = open_any(O_RDONLY);
  if (!opened.file) throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, path() + " does not exist");
  if (::fchmod(opened.file.get(), writable ? 0600 : 0400) != 0) throw_errno(path());
  if (::fremovexattr(opened.file.get(), kMark) != 0 && errno != ENODATA) throw_errno(kMark);
  make_durable(opened, path());
}

void CloneFile::remove() const {
  const Opened opened = open(O_RDONLY);
  if (opened.file) {
    detach_loops_of(path());
    if (::unlinkat(opened.set.get(), file_name().c_str(), 0) != 0 && errno != ENOENT) throw_errno(path());
  }
  if (opened.set) remove_if_empty(opened.ours.get(), set_id_);
  if (opened.ours) remove_if_empty(opened.root.get(), kDirectory);
}

}  // namespace vss::image
