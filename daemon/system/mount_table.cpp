// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/mount_table.hpp"

#include <cstdio>
#include <memory>

#include <libmount/libmount.h>
#include <poll.h>

#include "daemon/core/unique_fd.hpp"
#include "daemon/system/read_file.hpp"

namespace vss::system {
namespace {
struct Release {
  void operator()(libmnt_table* table) const { mnt_unref_table(table); }
  void operator()(libmnt_iter* iterator) const { mnt_free_iter(iterator); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using TablePtr = std::unique_ptr<libmnt_table, Release>;
using IteratorPtr = std::unique_ptr<libmnt_iter, Release>;
using FilePtr = std::unique_ptr<std::FILE, Release>;

std::string text_of(const char* text) { return text == nullptr ? std::string() : std::string(text); }

int refuse_line(libmnt_table*, const char*, int) { return -1; }

Mount mount_from(libmnt_fs* entry) {
  Mount mount;
  mount.id = mnt_fs_get_id(entry);
  mount.parent = mnt_fs_get_parent_id(entry);
  mount.device = mnt_fs_get_devno(entry);
  mount.root = text_of(mnt_fs_get_root(entry));
  mount.mount_point = text_of(mnt_fs_get_target(entry));
  mount.filesystem = text_of(mnt_fs_get_fstype(entry));
  mount.source = text_of(mnt_fs_get_source(entry));
  mount.super_options = text_of(mnt_fs_get_fs_options(entry));
  mount.network = mnt_fs_is_netfs(entry) == 1;
  return mount;
}
}  // namespace

core::Result<MountTable> MountTable::parse(const std::string& text) {
  MountTable result;
  if (text.empty()) return result;
  const TablePtr table(mnt_new_table());
  const IteratorPtr iterator(mnt_new_iter(MNT_ITER_FORWARD));
  const FilePtr stream(::fmemopen(const_cast<char*>(text.data()), text.size(), "r"));
  if (!table || !iterator || !stream) return core::fail(ErrorCode::OutOfMemory, "parse mountinfo");
  mnt_table_set_parser_errcb(table.get(), refuse_line);
  if (mnt_table_parse_stream(table.get(), stream.get(), "mountinfo") != 0) {
    return core::fail(ErrorCode::InvalidArgument, "malformed mountinfo");
  }
  libmnt_fs* entry = nullptr;
  while (mnt_table_next_fs(table.get(), iterator.get(), &entry) == 0) {
    if (mnt_fs_get_target(entry) == nullptr || mnt_fs_get_root(entry) == nullptr) {
      return core::fail(ErrorCode::InvalidArgument, "malformed mountinfo");
    }
    result.mounts_.push_back(mount_from(entry));
  }
  return result;
}

core::Result<MountTable> MountTable::read(const std::string& file) {
  constexpr int kAttempts = 10;
  core::Result<std::string> text;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto fd = core::open_path(file, O_RDONLY);
    if (!fd) return core::fail(fd.error());
    text = read_to_end(fd->get());
    if (!text) return core::fail(std::move(text.error()).with_context(file));
    // The kernel reports POLLPRI if a mount came or went since the file was opened.
    pollfd changed{fd->get(), POLLPRI, 0};
    if (::poll(&changed, 1, 0) <= 0 || (changed.revents & POLLPRI) == 0) break;
  }
  return parse(*text);
}

const Mount* MountTable::by_id(int id) const {
  for (const Mount& mount : mounts_) {
    if (mount.id == id) return &mount;
  }
  return nullptr;
}

const Mount* MountTable::covering(std::string_view path) const {
  const Mount* current = nullptr;
  for (const Mount& mount : mounts_) {
    const bool topmost = mount.parent == mount.id || by_id(mount.parent) == nullptr;
    if (mount.mount_point == "/" && topmost) current = &mount;
  }
  // From the root on, step into the nearest child in whose way the path leads.
  const Mount* next = current;
  while (next != nullptr) {
    current = next;
    next = nullptr;
    for (const Mount& child : mounts_) {
      if (child.parent != current->id || child.id == current->id || !is_within(path, child.mount_point))
        continue;
      if (next == nullptr || child.mount_point.size() <= next->mount_point.size()) next = &child;
    }
  }
  return current;
}

bool is_within(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string_view relative_to(std::string_view path, std::string_view directory) {
  path.remove_prefix(directory.size());
  while (path.starts_with('/')) path.remove_prefix(1);
  return path;
}

std::string join(std::string_view directory, std::string_view relative) {
  while (relative.starts_with('/')) relative.remove_prefix(1);
  std::string path(directory);
  if (relative.empty()) return path;
  if (!path.ends_with('/')) path += '/';
  return path.append(relative);
}

std::vector<std::string> option_values(std::string_view options, std::string_view name) {
  std::vector<std::string> values;
  while (!options.empty()) {
    const auto comma = options.find(',');
    const std::string_view option = options.substr(0, comma);
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
    if (option.starts_with(name) && option.size() > name.size() && option[name.size()] == '=') {
      values.emplace_back(option.substr(name.size() + 1));
    }
  }
  return values;
}

}  // namespace vss::system
