// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/btrfs/subvolume.hpp"

#include <linux/btrfs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include <btrfsutil.h>

#include "vss/provider_support.hpp"

namespace vss::btrfs {

namespace {

void check(btrfs_util_error error, const char* what) {
  if (error == BTRFS_UTIL_OK) return;
  const int number = errno;
  const char* const text = btrfs_util_strerror(error);
  throw_errno(std::string(what) + ": " + (text == nullptr ? "unknown error" : text), number);
}

Uuid uuid_of(const std::uint8_t (&bytes)[16]) {
  Uuid uuid;
  std::copy(std::begin(bytes), std::end(bytes), uuid.begin());
  return uuid;
}

Subvolume subvolume_from(const struct btrfs_util_subvolume_info& info) {
  Subvolume subvolume;
  subvolume.id = info.id;
  subvolume.uuid = uuid_of(info.uuid);
  subvolume.parent_uuid = uuid_of(info.parent_uuid);
  subvolume.received_uuid = uuid_of(info.received_uuid);
  subvolume.created_in = info.otransid;
  subvolume.changed_in = info.generation;
  return subvolume;
}

int hex_digit(char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; }

}  // namespace

std::string to_text(const Uuid& uuid) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[uuid[i] >> 4U];
    text += kDigits[uuid[i] & 15U];
  }
  return text;
}

Uuid uuid_from(const std::string& text) {
  Uuid uuid{};
  std::size_t digit = 0;
  for (const char c : text) {
    if (c == '-') continue;
    std::uint8_t& byte = uuid.at(digit++ / 2);
    byte = static_cast<std::uint8_t>(byte * 16 + hex_digit(c));
  }
  return uuid;
}

Uuid filesystem_uuid(int fd) {
  btrfs_ioctl_fs_info_args info{};
  if (::ioctl(fd, BTRFS_IOC_FS_INFO, &info) != 0) throw_errno("BTRFS_IOC_FS_INFO");
  return uuid_of(info.fsid);
}

bool is_subvolume(int fd) {
  const btrfs_util_error error = btrfs_util_is_subvolume_fd(fd);
  if (error == BTRFS_UTIL_ERROR_NOT_BTRFS || error == BTRFS_UTIL_ERROR_NOT_SUBVOLUME) return false;
  check(error, "is it a subvolume");
  return true;
}

Subvolume subvolume_of(int fd) {
  struct btrfs_util_subvolume_info info {};
  check(btrfs_util_subvolume_info_fd(fd, 0, &info), "facts about a subvolume");
  return subvolume_from(info);
}

std::vector<std::string> nested_subvolumes(int fd, std::uint64_t id) {
  btrfs_util_subvolume_iterator* raw = nullptr;
  check(btrfs_util_create_subvolume_iterator_fd(fd, id, 0, &raw), "list of nested subvolumes");
  const std::unique_ptr<btrfs_util_subvolume_iterator, decltype(&btrfs_util_destroy_subvolume_iterator)>
      iterator(raw, &btrfs_util_destroy_subvolume_iterator);
  std::vector<std::string> paths;
  while (true) {
    char* path = nullptr;
    std::uint64_t nested = 0;
    const btrfs_util_error error = btrfs_util_subvolume_iterator_next(raw, &path, &nested);
    if (error == BTRFS_UTIL_ERROR_STOP_ITERATION) return paths;
    check(error, "list of nested subvolumes");
    const std::unique_ptr<char, decltype(&std::free)> owner(path, &std::free);
    paths.emplace_back(path);
  }
}

void set_read_only(int fd, bool read_only) {
  check(btrfs_util_set_subvolume_read_only_fd(fd, read_only), "make the snapshot read-only or writable");
}

std::vector<Entry> all_subvolumes(int top) {
  constexpr std::uint64_t kTopLevel = 5;
  btrfs_util_subvolume_iterator* raw = nullptr;
  check(btrfs_util_create_subvolume_iterator_fd(top, kTopLevel, 0, &raw), "list of subvolumes");
  const std::unique_ptr<btrfs_util_subvolume_iterator, decltype(&btrfs_util_destroy_subvolume_iterator)>
      iterator(raw, &btrfs_util_destroy_subvolume_iterator);
  std::vector<Entry> all;
  while (true) {
    char* path = nullptr;
    struct btrfs_util_subvolume_info info {};
    const btrfs_util_error error = btrfs_util_subvolume_iterator_next_info(raw, &path, &info);
    if (error == BTRFS_UTIL_ERROR_STOP_ITERATION) return all;
    check(error, "list of subvolumes");
    const std::unique_ptr<char, decltype(&std::free)> owner(path, &std::free);
    all.push_back({path, subvolume_from(info)});
  }
}

std::optional<std::string> path_of(int fd, std::uint64_t id) {
  char* path = nullptr;
  const btrfs_util_error error = btrfs_util_subvolume_path_fd(fd, id, &path);
  if (error == BTRFS_UTIL_ERROR_SUBVOLUME_NOT_FOUND) return std::nullopt;
  check(error, "path of a subvolume");
  const std::unique_ptr<char, decltype(&std::free)> owner(path, &std::free);
  return std::string(path);
}

void make_snapshot(int source, int directory, const std::string& name) {
  check(btrfs_util_create_snapshot_fd2(source, directory, name.c_str(), 0, nullptr, nullptr),
        "make a snapshot of the snapshot");
}

std::uint64_t default_subvolume(int fd) {
  std::uint64_t id = 0;
  check(btrfs_util_get_default_subvolume_fd(fd, &id), "which subvolume is the default");
  return id;
}

void set_default_subvolume(int fd, std::uint64_t id) {
  check(btrfs_util_set_default_subvolume_fd(fd, id), "set the default subvolume");
}

void sync_filesystem(int fd) { check(btrfs_util_sync_fd(fd), "sync"); }

void set_marker(int fd, const Uuid& marker) {
  btrfs_ioctl_received_subvol_args arguments{};
  std::copy(marker.begin(), marker.end(), arguments.uuid);
  if (::ioctl(fd, BTRFS_IOC_SET_RECEIVED_SUBVOL, &arguments) != 0) {
    throw_errno("BTRFS_IOC_SET_RECEIVED_SUBVOL");
  }
}

void delete_subvolume(int directory, const std::string& name) {
  btrfs_util_error error = btrfs_util_delete_subvolume_fd(directory, name.c_str(), 0);
  if (error != BTRFS_UTIL_OK && errno == ENOENT) return;
  if (error != BTRFS_UTIL_OK && errno == ENOTEMPTY) {
    // Something made a subvolume in it while it was writable; it cannot be taken out of a read-only one.
    const UniqueFd inside = open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    set_read_only(inside.get(), false);
    error = btrfs_util_delete_subvolume_fd(directory, name.c_str(), BTRFS_UTIL_DELETE_SUBVOLUME_RECURSIVE);
  }
  check(error, "delete the snapshot");
}

}  // namespace vss::btrfs
