// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/vssd/volumes.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "tests/support/mount_namespace.hpp"
#include "tests/support/run_program.hpp"

namespace vss::test {
namespace {

constexpr const char* kSnapshotDirectory = ".vssd";

// Lines of `text` with `part` in them.
void collect_lines(const std::string& text, const std::string& part, const std::string& what,
                   std::vector<std::string>& found) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(part) != std::string::npos) found.push_back(what + ": " + line);
  }
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Only system calls: the process has threads.
[[noreturn]] void write_and_exit(int directory) {
  constexpr const char* kName = "write-probe";
  const int file = openat(directory, kName, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const bool done = file >= 0 && write(file, kName, 5) == 5 && fsync(file) == 0;
  unlinkat(directory, kName, 0);
  _exit(done ? 0 : 1);
}

}  // namespace

Volumes::Volumes() { private_mount_namespace(); }

Volumes::~Volumes() {
  while (!all_.empty()) all_.pop_back();
}

LoopFilesystem& Volumes::add(const std::string& name, const std::string& type, unsigned size_mib,
                             const LoopFilesystem* on) {
  const auto& where = on == nullptr ? directory_.path() : on->mount_point();
  all_.push_back(std::make_unique<LoopFilesystem>(LoopFilesystem::create(where, name, type, size_mib)));
  return *all_.back();
}

std::vector<std::filesystem::path> Volumes::add_subvolumes(const LoopFilesystem& btrfs, std::size_t count,
                                                           const std::string& prefix) {
  std::vector<std::filesystem::path> made;
  for (std::size_t i = 0; i < count; ++i) {
    made.push_back(btrfs.mount_point() / (prefix + std::to_string(i)));
    run_program({"btrfs", "-q", "subvolume", "create", made.back().string()});
  }
  return made;
}

FreezeGuard Volumes::guard(std::chrono::seconds limit) const {
  std::vector<int> fds;
  for (const auto& filesystem : all_) fds.push_back(filesystem->open_root());
  struct Closer {
    const std::vector<int>& fds;
    ~Closer() {
      for (const int fd : fds) close(fd);
    }
  } const closer{fds};
  return FreezeGuard(fds, limit);
}

std::vector<std::string> Volumes::leftovers(const std::filesystem::path& runtime_dir) const {
  std::vector<std::string> found;
  for (const auto& filesystem : all_) {
    const auto ours = filesystem->mount_point() / kSnapshotDirectory;
    if (filesystem->type() == "btrfs") {
      collect_lines(run_program({"btrfs", "subvolume", "list", filesystem->mount_point().string()}),
                    kSnapshotDirectory, "subvolume", found);
    }
    if (!std::filesystem::exists(ours)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(ours))
      found.push_back("directory: " + entry.path().string());
  }
  collect_lines(run_program({"losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE"}),
                std::string("/") + kSnapshotDirectory + "/", "loop device", found);
  std::erase_if(found, [&](const std::string& line) {  // those of other tests on this machine
    return line.starts_with("loop device") && line.find(directory_.path().string()) == std::string::npos;
  });
  for (const char* directory : {"snapshots", "client-accessible"}) {
    collect_lines(read_text("/proc/self/mountinfo"), (runtime_dir / directory).string() + "/", "mount",
                  found);
  }
  for (const auto& entry : std::filesystem::directory_iterator(runtime_dir)) {
    if (entry.path().filename().string().starts_with("hold.record")) found.push_back(entry.path().string());
  }
  return found;
}

bool write_succeeds(const std::filesystem::path& directory, std::chrono::milliseconds limit) {
  const int root = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) throw std::system_error(errno, std::generic_category(), directory.string());
  const pid_t child = fork();
  if (child == 0) {
    dup2(root, 3);
    close_range(4, ~0U, 0);
    write_and_exit(3);
  }
  close(root);
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  pollfd wait{pidfd, POLLIN, 0};
  int status = 1;
  const bool ended = poll(&wait, 1, static_cast<int>(limit.count())) == 1;
  if (ended) waitpid(child, &status, 0);
  close(pidfd);
  return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string check_filesystem(const std::filesystem::path& image, const std::string& type,
                             const std::filesystem::path& scratch) {
  const auto copy = (scratch / "checked").string();
  const auto mounted = (scratch / "checked.mnt").string();
  std::string said;
  try {
    run_program({"cp", "--reflink=auto", image.string(), copy});
    if (type == "xfs") {  // a frozen xfs has a log, and only a mount replays it
      std::filesystem::create_directory(mounted);
      run_program({"mount", "-o", "loop,nouuid", copy, mounted});
      run_program({"umount", mounted});
      run_program({"xfs_repair", "-n", copy});
    } else {
      run_program({"e2fsck", "-fn", copy});
    }
  } catch (const std::runtime_error& error) {
    said = error.what();
  }
  std::filesystem::remove(mounted);
  std::filesystem::remove(copy);
  return said;
}

std::filesystem::path file_behind(const std::string& device) {
  std::string file = run_program({"losetup", "--noheadings", "--output", "BACK-FILE", device});
  file.erase(file.find_last_not_of(" \n") + 1);
  return file;
}

}  // namespace vss::test
