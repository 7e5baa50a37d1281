// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/exposure.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/core/unique_fd.hpp"
#include "daemon/system/bind_mount.hpp"
#include "daemon/system/directories.hpp"
#include "daemon/system/directory_stream.hpp"
#include "daemon/system/mount_table.hpp"

namespace vss::system {
namespace {
constexpr const char* kNothing = "";

std::string marks_dir(const std::string& runtime_dir) { return runtime_dir + "/exposed"; }

// Opens a directory that was found without links in its way. None may have come since: whoever owns a part of
// the path could lead us elsewhere.
core::Result<core::UniqueFd> open_without_links(const std::string& path) {
  core::UniqueFd fd = open_resolved(AT_FDCWD, path.c_str(), O_PATH | O_DIRECTORY,
                                    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
  if (!fd) return core::fail(core::errno_error(errno, "open " + path));
  return fd;
}

struct Seen {
  DirectoryIdentity identity;
  bool is_mount_root = false;
};

// What is at `name` below the directory, or the directory itself if `name` is "". Nothing if it does not
// exist.
core::Result<std::optional<Seen>> look_at(const core::UniqueFd& directory, const char* name) {
  struct statx facts {};
  const int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  if (::statx(directory.get(), name, flags, STATX_TYPE | STATX_INO, &facts) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return core::fail(core::errno_error(errno, std::string("statx ") + name));
  }
  const dev_t device = makedev(facts.stx_dev_major, facts.stx_dev_minor);
  return Seen{{device, facts.stx_ino}, (facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0};
}

core::Result<bool> is_empty(const core::UniqueFd& directory, const std::string& path) {
  auto readable = core::open_at(directory.get(), ".", O_RDONLY | O_DIRECTORY);
  if (!readable) return core::fail(std::move(readable.error()).with_context(path));
  const DirectoryStream stream(::fdopendir(readable->get()));
  if (!stream) return core::fail(core::errno_error(errno, "read " + path));
  (void)readable->release();  // the stream closes it
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  if (errno != 0) return core::fail(core::errno_error(errno, "read " + path));
  return true;
}

core::Status check_free(const core::UniqueFd& directory, const std::string& path) {
  const auto place = look_at(directory, kNothing);
  if (!place) return core::fail(place.error());
  if (*place && (*place)->is_mount_root) {
    return core::fail(ErrorCode::VolumeInUse, path + " is a mount point already");
  }
  const auto empty = is_empty(directory, path);
  if (!empty) return core::fail(empty.error());
  if (!*empty) return core::fail(ErrorCode::VolumeInUse, path + " is not empty");
  return {};
}

core::Result<std::string> path_of(const core::UniqueFd& fd, const std::string& given) {
  std::array<char, PATH_MAX> buffer{};
  const std::string link = fmt::format("/proc/self/fd/{}", fd.get());
  const ssize_t size = ::readlink(link.c_str(), buffer.data(), buffer.size());
  if (size < 0) return core::fail(core::errno_error(errno, "find the path of " + given));
  return std::string(buffer.data(), static_cast<std::size_t>(size));
}

// A path that leads through /proc to another mount namespace is not where we would mount.
core::Status check_same(const core::UniqueFd& fd, const std::string& resolved, const std::string& given) {
  const auto again = open_without_links(resolved);
  const auto found = look_at(fd, kNothing);
  if (!found) return core::fail(found.error());
  if (again) {
    const auto here = look_at(*again, kNothing);
    if (here && *here && *found && (*here)->identity == (*found)->identity) return {};
  }
  return core::fail(ErrorCode::InvalidArgument, given + " cannot be reached without links");
}

// What we have mounted for a snapshot since the machine started; in a link, for that is made at once or not.
class Mark {
 public:
  Mark(const std::string& runtime_dir, const core::Guid& snapshot)
      : directory_(marks_dir(runtime_dir)), path_(directory_ + "/" + snapshot.str()) {}

  [[nodiscard]] core::Status write(const DirectoryIdentity& identity) const {
    if (const auto made = make_directory(directory_, 0700); !made) return core::fail(made.error());
    erase();
    if (::symlink(text(identity).c_str(), path_.c_str()) == 0) return {};
    return core::fail(core::errno_error(errno, "make " + path_));
  }
  [[nodiscard]] bool is_of(const DirectoryIdentity& identity) const {
    std::array<char, 64> buffer{};
    const ssize_t size = ::readlink(path_.c_str(), buffer.data(), buffer.size());
    return size > 0 && text(identity) == std::string_view(buffer.data(), static_cast<std::size_t>(size));
  }
  void erase() const {
    if (::unlink(path_.c_str()) == 0 || errno == ENOENT) return;
    spdlog::warn("{}", core::errno_error(errno, "remove " + path_).message);
  }

 private:
  static std::string text(const DirectoryIdentity& identity) {
    return fmt::format("{}:{}", identity.device, identity.inode);
  }
  std::string directory_;
  std::string path_;
};

// The path leads nowhere, or through a link that was not there when the snapshot was exposed.
bool is_gone(const core::Error& error) {
  return error.code == ErrorCode::ObjectNotFound || error.code == ErrorCode::InvalidArgument;
}

core::Status unmount_at(const core::UniqueFd& parent, const std::string& name, const std::string& target,
                        bool force) {
  const std::string path = fmt::format("/proc/self/fd/{}/{}", parent.get(), name);
  if (::umount2(path.c_str(), UMOUNT_NOFOLLOW) == 0) return {};
  if (errno != EBUSY) return core::fail(core::errno_error(errno, "umount " + target));
  if (!force) return core::fail(ErrorCode::VolumeInUse, target + ", where it is exposed, is in use");
  spdlog::warn("{} is in use; it is detached and goes away with its last user", target);
  if (::umount2(path.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH) == 0) return {};
  return core::fail(core::errno_error(errno, "detach " + target));
}
}  // namespace

core::Result<std::string> find_exposure(const std::string& runtime_dir, const std::string& path) {
  const core::UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && (errno == ENOTDIR || errno == ELOOP)) {
    return core::fail(ErrorCode::InvalidArgument, path + " is no directory, or a link");
  }
  if (!fd) return core::fail(core::errno_error(errno, "open " + path));
  auto resolved = path_of(fd, path);
  if (!resolved) return resolved;
  if (auto same = check_same(fd, *resolved, path); !same) return core::fail(std::move(same.error()));
  std::error_code error;
  const std::string ours = std::filesystem::weakly_canonical(runtime_dir, error).string();
  if (error) return core::fail(core::errno_error(error.value(), "resolve " + runtime_dir));
  if (is_within(*resolved, ours)) {
    return core::fail(ErrorCode::InvalidArgument, path + " is in vssd's own directory");
  }
  if (auto free = check_free(fd, path); !free) return core::fail(std::move(free.error()));
  return resolved;
}

core::Status mount_exposure(const std::string& runtime_dir, const core::Guid& snapshot,
                            const std::string& source, const std::string& target) {
  const auto directory = open_without_links(target);
  if (!directory) return core::fail(directory.error());
  const Mark mark(runtime_dir, snapshot);
  const auto place = look_at(*directory, kNothing);
  if (!place) return core::fail(place.error());
  // A former run has mounted it, and whoever uses it goes on.
  if (*place && (*place)->is_mount_root && mark.is_of((*place)->identity)) return {};
  if (auto free = check_free(*directory, target); !free) return free;
  const auto copy = copy_mount(source);
  if (!copy) return core::fail(copy.error());
  if (auto marked = mark.write(copy->identity); !marked) return marked;
  auto mounted = attach_mount(*copy, *directory, target);
  if (!mounted) mark.erase();
  return mounted;
}

core::Status unmount_exposure(const std::string& runtime_dir, const core::Guid& snapshot,
                              const std::string& target, bool force) {
  const std::filesystem::path path(target);
  const Mark mark(runtime_dir, snapshot);
  const auto parent = open_without_links(path.parent_path().string());
  if (!parent && !is_gone(parent.error())) return core::fail(parent.error());
  core::Result<std::optional<Seen>> place = std::optional<Seen>();
  if (parent) place = look_at(*parent, path.filename().c_str());
  if (!place) return core::fail(std::move(place.error()).with_context(target));
  if (!*place || !(*place)->is_mount_root) {
    spdlog::info("snapshot {} was not mounted at {} any more", snapshot.str(), target);
  } else if (!mark.is_of((*place)->identity)) {
    spdlog::warn("what is mounted at {} is not snapshot {}; it is left alone", target, snapshot.str());
  } else if (auto unmounted = unmount_at(*parent, path.filename().string(), target, force); !unmounted) {
    return unmounted;
  }
  mark.erase();
  return {};
}

}  // namespace vss::system
