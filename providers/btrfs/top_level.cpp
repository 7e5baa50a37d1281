// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/btrfs/top_level.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include <blkid.h>

#include "vss/provider_module.hpp"

namespace vss::btrfs {

namespace {

// The kernel lists the devices of every btrfs that is mounted, in whichever namespace.
std::string mounted_device(const std::string& uuid) {
  std::error_code error;
  const std::filesystem::directory_iterator devices("/sys/fs/btrfs/" + uuid + "/devices", error);
  if (error) return {};
  for (const auto& entry : devices) return "/dev/" + entry.path().filename().string();
  return {};
}

std::string device_with(const std::string& uuid) {
  std::string device = mounted_device(uuid);
  if (!device.empty()) return device;
  const std::unique_ptr<char, decltype(&std::free)> found(blkid_evaluate_tag("UUID", uuid.c_str(), nullptr),
                                                          &std::free);
  if (found) return found.get();
  throw ProviderError(VSS_PROVIDER_E_VETO, "no device with the btrfs " + uuid + " is present");
}

// "major:minor" of every device of the filesystem: a mount may show any of them.
std::set<std::string> device_numbers(const std::string& uuid) {
  std::set<std::string> numbers;
  std::error_code not_mounted;
  const std::filesystem::directory_iterator devices("/sys/fs/btrfs/" + uuid + "/devices", not_mounted);
  if (not_mounted) return numbers;
  for (const auto& entry : devices) {
    std::string number;
    if (std::getline(std::ifstream(entry.path() / "dev"), number)) numbers.insert(number);
  }
  return numbers;
}

// Mounting a read-only superblock a second time, without asking for read-only, would make it writable.
bool is_mounted_read_only(const std::string& uuid) {
  const std::set<std::string> devices = device_numbers(uuid);
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const auto separator = line.find(" - ");
    if (separator == std::string::npos) continue;
    std::istringstream rest(line.substr(separator + 3));
    std::string type;
    std::string source;
    std::string options;
    rest >> type >> source >> options;
    struct stat facts {};
    if (type != "btrfs" || ::stat(source.c_str(), &facts) != 0) continue;
    const std::string number =
        std::to_string(major(facts.st_rdev)) + ":" + std::to_string(minor(facts.st_rdev));
    if (devices.contains(number)) return options == "ro" || options.starts_with("ro,");
  }
  return false;
}

void configure(int context, unsigned command, const char* key, const char* value) {
  if (::fsconfig(context, command, key, value, 0) != 0) {
    throw_errno(std::string("mount the top level: ") + (key == nullptr ? "create" : key));
  }
}

}  // namespace

TopLevel::TopLevel(const std::string& uuid)
    : device_(device_with(uuid)), read_only_(is_mounted_read_only(uuid)) {
  const UniqueFd context(::fsopen("btrfs", FSOPEN_CLOEXEC));
  if (!context) throw_errno("fsopen btrfs");
  configure(context.get(), FSCONFIG_SET_STRING, "source", device_.c_str());
  configure(context.get(), FSCONFIG_SET_STRING, "subvolid", "5");
  if (read_only_) configure(context.get(), FSCONFIG_SET_FLAG, "ro", nullptr);
  configure(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr);
  mount_.reset(
      ::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  if (!mount_) throw_errno("fsmount " + device_);
  directory_ = open_at(mount_.get(), ".", O_RDONLY | O_DIRECTORY);
}

}  // namespace vss::btrfs
