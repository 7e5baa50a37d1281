// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/find_filesystem.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace vss::hold {

using core::errno_error;
using core::fail;

namespace {
// mountinfo writes space, tab, line end and backslash as \ooo.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain.push_back(
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
      i += 3;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

bool is_target(int fd, const RecordTarget& target) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || major(status.st_dev) != target.device_major ||
      minor(status.st_dev) != target.device_minor)
    return false;
  const auto id = filesystem_id(fd);
  return id && *id == target.filesystem_id;
}

core::Result<core::UniqueFd> open_any_mount(const RecordTarget& target) {
  const std::string number = std::to_string(target.device_major) + ":" + std::to_string(target.device_minor);
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, mount_point;
    fields >> id >> parent >> device >> root >> mount_point;
    if (device != number) continue;
    // One that another mount hides opens as that other one: then the next.
    core::UniqueFd fd(open(unescape(mount_point).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd && is_target(fd.get(), target)) return fd;
  }
  return fail(ErrorCode::ObjectNotFound,
              "no mount of this filesystem is left; mount it again (" + number + ") and release it again");
}
}  // namespace

core::Result<std::uint64_t> filesystem_id(int fd) {
  struct statfs status {};
  if (fstatfs(fd, &status) != 0) return fail(errno_error(errno, "fstatfs"));
  std::uint64_t id = 0;
  static_assert(sizeof(status.f_fsid) == sizeof(id));
  std::memcpy(&id, &status.f_fsid, sizeof(id));
  return id;
}

core::Result<std::shared_ptr<HoldAction>> find_target(const RecordTarget& target) {
  const auto ability = static_cast<core::HoldAbility>(target.ability);
  if (ability == core::HoldAbility::Suspend) {
    core::UniqueFd control(open("/dev/mapper/control", O_RDWR | O_CLOEXEC));
    if (!control) return fail(errno_error(errno, "/dev/mapper/control"));
    return std::make_shared<HoldAction>(ability, std::move(control), target.device.data(),
                                        makedev(target.device_major, target.device_minor));
  }
  auto fd = open_any_mount(target);
  if (!fd) return fail(std::move(fd).error());
  return std::make_shared<HoldAction>(ability, std::move(*fd), "", dev_t{});
}

}  // namespace vss::hold
