// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/loop_device.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "tests/support/freeze_guard.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {

namespace {
[[noreturn]] void raise(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

unsigned least_size(const std::string& type) {
  if (type == "xfs") return 300;
  return type == "btrfs" ? 128 : 16;
}

void make_filesystem(const std::string& type, const std::string& image) {
  const std::string quiet_and_force = type == "ext4" ? "-F" : "-f";
  run_program({"mkfs." + type, "-q", quiet_and_force, image});
}

// What a FIFREEZE keeps out waits for the superblock's s_writers, which are a percpu_rw_semaphore
// (fs/super.c, include/linux/fs/super.h).
bool waits_for_a_thaw(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/wchan");
  std::string where;
  std::getline(file, where);
  // A kernel that does not tell says 0: then the time that it waits has to do.
  return where == "0" || where.find("percpu") != std::string::npos;
}
}  // namespace

LoopFilesystem LoopFilesystem::create(const std::filesystem::path& directory, const std::string& name,
                                      const std::string& type, unsigned size_mib) {
  LoopFilesystem made;
  made.type_ = type;
  made.image_ = directory / (name + ".img");
  made.mount_point_ = directory / name;
  std::ofstream(made.image_).close();
  std::filesystem::resize_file(made.image_, std::uintmax_t{std::max(size_mib, least_size(type))} << 20U);
  make_filesystem(type, made.image_.string());
  std::filesystem::create_directory(made.mount_point_);
  made.attach();
  made.mount();
  return made;
}

LoopFilesystem::LoopFilesystem(LoopFilesystem&& other) noexcept
    : image_(std::exchange(other.image_, {})),
      mount_point_(std::exchange(other.mount_point_, {})),
      device_(std::exchange(other.device_, {})),
      type_(std::exchange(other.type_, {})),
      device_fd_(std::exchange(other.device_fd_, -1)),
      mounted_(std::exchange(other.mounted_, false)) {}

void LoopFilesystem::attach() {
  const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) raise("/dev/loop-control");
  const int file = open(image_.c_str(), O_RDWR | O_CLOEXEC);
  loop_config config{};
  config.fd = static_cast<__u32>(file);
  // With this flag the kernel detaches the device when its last user is gone, even if the test is killed.
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  // Others take free devices too: between the two calls ours may have gone.
  for (int attempt = 0; attempt < 100 && device_fd_ < 0; ++attempt) {
    device_ = "/dev/loop" + std::to_string(ioctl(control, LOOP_CTL_GET_FREE));
    device_fd_ = open(device_.c_str(), O_RDWR | O_CLOEXEC);
    if (device_fd_ >= 0 && ioctl(device_fd_, LOOP_CONFIGURE, &config) != 0) {
      close(std::exchange(device_fd_, -1));
      poll(nullptr, 0, 10);
    }
  }
  const int error = errno;
  close(file);
  close(control);
  if (device_fd_ < 0)
    throw std::system_error(error, std::generic_category(), "no loop device for " + image_.string());
}

void LoopFilesystem::mount(const std::string& options) {
  if (::mount(device_.c_str(), mount_point_.c_str(), type_.c_str(), 0, options.c_str()) != 0)
    raise("mount " + mount_point_.string());
  mounted_ = true;
}

void LoopFilesystem::unmount() {
  if (umount2(mount_point_.c_str(), 0) != 0) raise("umount " + mount_point_.string());
  mounted_ = false;
}

int LoopFilesystem::open_root() const {
  const int fd = open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) raise("open " + mount_point_.string());
  return fd;
}

bool LoopFilesystem::is_frozen() const {
  const int root = open_root();
  const std::string probe = ".frozen-probe-" + std::to_string(getpid());
  const pid_t child = fork();
  if (child == 0) {
    // Only the descriptor that it needs: a child stuck here must not keep sockets of the test open.
    dup2(root, 3);
    close_range(4, ~0U, 0);
    mkdirat(3, probe.c_str(), 0700);
    unlinkat(3, probe.c_str(), AT_REMOVEDIR);
    _exit(0);
  }
  close(root);
  if (child < 0) raise("fork");
  const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  if (pidfd < 0) raise("pidfd_open");
  // Slow is not frozen: a busy disk keeps a mkdir waiting for longer than any short limit.
  pollfd end{pidfd, POLLIN, 0};
  bool ended = false;
  bool frozen = false;
  for (int round = 0; round < 200 && !ended && !frozen; ++round) {
    ended = poll(&end, 1, 150) == 1;
    frozen = !ended && waits_for_a_thaw(child);
  }
  close(pidfd);
  if (ended) waitpid(child, nullptr, 0);
  errno = ETIMEDOUT;
  if (!ended && !frozen) raise(mount_point_.string() + ": mkdir neither ends nor waits for a thaw");
  return frozen;
}

LoopFilesystem::~LoopFilesystem() {
  if (image_.empty()) return;
  if (mounted_) {
    // What a failed test left frozen.
    const int root = open(mount_point_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < kMostNestedHolds && ioctl(root, FITHAW, 0) == 0; ++i) {
    }
    close(root);
    if (umount2(mount_point_.c_str(), 0) != 0 && umount2(mount_point_.c_str(), MNT_DETACH) != 0)
      std::perror(mount_point_.c_str());
  }
  if (device_fd_ >= 0) close(device_fd_);
  std::error_code error;
  std::filesystem::remove(mount_point_, error);
  std::filesystem::remove(image_, error);
  if (error) std::fprintf(stderr, "%s: %s\n", image_.c_str(), error.message().c_str());
}

}  // namespace vss::test
