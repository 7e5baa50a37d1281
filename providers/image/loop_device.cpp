// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/image/loop_device.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "vss/provider_module.hpp"

namespace vss::image {

namespace fs = std::filesystem;

namespace {

constexpr int kMostAttempts = 100;
constexpr std::uint64_t kSector = 512;  // the unit of sysfs, whatever the device's own block size is

std::uint64_t number_in(const fs::path& file) {
  std::uint64_t number = 0;
  std::ifstream(file) >> number;
  return number;
}

fs::path sysfs_of(const std::string& device) {
  struct stat facts {};
  if (::stat(device.c_str(), &facts) != 0) throw_errno(device);
  return fs::canonical("/sys/dev/block/" + std::to_string(major(facts.st_rdev)) + ":" +
                       std::to_string(minor(facts.st_rdev)));
}

[[noreturn]] void unsupported(const std::string& message) {
  throw ProviderError(VSS_PROVIDER_E_VOLUME_NOT_SUPPORTED, message);
}

void check_same_file(const loop_info64& info, const std::string& backing_file) {
  struct stat facts {};
  if (::stat(backing_file.c_str(), &facts) != 0) {
    unsupported("the file behind the loop device is not there (deleted, or out of reach): " + backing_file);
  }
  if (facts.st_dev != info.lo_device || facts.st_ino != info.lo_inode) {
    unsupported(backing_file + " is no longer the file behind the loop device");
  }
}

}  // namespace

LoopExtent loop_extent(const std::string& device, const std::string& backing_file) {
  const fs::path own = sysfs_of(device);
  const bool is_partition = fs::exists(own / "partition");
  const fs::path whole = is_partition ? own.parent_path() : own;
  if (!fs::exists(whole / "loop")) unsupported(device + " is no loop device");

  const UniqueFd fd = open_at(AT_FDCWD, "/dev/" + whole.filename().string(), O_RDONLY);
  loop_info64 info{};
  if (::ioctl(fd.get(), LOOP_GET_STATUS64, &info) != 0) throw_errno("LOOP_GET_STATUS64 " + device);
  check_same_file(info, backing_file);

  LoopExtent extent{info.lo_offset, info.lo_sizelimit,
                    static_cast<std::uint32_t>(number_in(whole / "queue/logical_block_size"))};
  if (is_partition) {
    extent.offset += number_in(own / "start") * kSector;
    extent.size_limit = number_in(own / "size") * kSector;
  }
  return extent;
}

AttachedLoop attach_loop(int backing, const std::string& file, const LoopExtent& extent, bool writable) {
  const UniqueFd control = open_at(AT_FDCWD, "/dev/loop-control", O_RDWR);
  loop_config config{};
  config.fd = static_cast<__u32>(backing);
  config.block_size = extent.block_size;
  config.info.lo_offset = extent.offset;
  config.info.lo_sizelimit = extent.size_limit;
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (writable ? 0 : LO_FLAGS_READ_ONLY);
  file.copy(reinterpret_cast<char*>(config.info.lo_file_name), LO_NAME_SIZE - 1);

  // Others take free devices too: the one that was free may be taken when it is configured.
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) throw_errno("LOOP_CTL_GET_FREE");
    AttachedLoop loop{"/dev/loop" + std::to_string(number), {}};
    loop.fd.reset(::open(loop.device.c_str(), (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC));
    if (!loop.fd && errno != ENXIO && errno != EBUSY) throw_errno(loop.device);
    if (!loop.fd) continue;
    if (::ioctl(loop.fd.get(), LOOP_CONFIGURE, &config) == 0) return loop;
    if (errno != EBUSY) throw_errno("LOOP_CONFIGURE " + loop.device);
  }
  throw ProviderError(VSS_PROVIDER_E_VETO, "no free loop device for " + file);
}

void detach_loops_of(const std::string& file) {
  for (const auto& entry : fs::directory_iterator("/sys/block")) {
    const fs::path attribute = entry.path() / "loop/backing_file";
    std::string shown;
    if (!std::getline(std::ifstream(attribute), shown) || shown != file) continue;
    const UniqueFd fd = open_at_if_exists(AT_FDCWD, "/dev/" + entry.path().filename().string(), O_RDONLY);
    // ENXIO: it detached itself meanwhile.
    if (fd && ::ioctl(fd.get(), LOOP_CLR_FD) != 0 && errno != ENXIO) {
      throw_errno("LOOP_CLR_FD " + entry.path().filename().string());
    }
  }
}

}  // namespace vss::image
