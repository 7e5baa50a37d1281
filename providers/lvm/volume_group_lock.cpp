// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/volume_group_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>

#include "vss/provider_module.hpp"

namespace vss::lvm {

namespace {

constexpr timespec kBetweenTries{0, 5'000'000};  // flock() has no limit of its own

std::string lock_file(const std::string& locking_dir, const std::string& volume_group) {
  return locking_dir + "/V_" + volume_group;
}

// Who lets go of a lock removes its file: a lock on a file that is gone counts for nothing.
bool is_still_there(const UniqueFd& file, const std::string& path) {
  struct stat ours {};
  struct stat present {};
  return ::fstat(file.get(), &ours) == 0 && ::stat(path.c_str(), &present) == 0 &&
         ours.st_dev == present.st_dev && ours.st_ino == present.st_ino;
}

}  // namespace

VolumeGroupLock::VolumeGroupLock(const std::string& locking_dir, const std::string& volume_group,
                                 const Patience& patience) {
  if (locking_dir.empty())
    throw ProviderError(VSS_PROVIDER_E_VETO,
                        "lvm does not tell its global/locking_dir, so it cannot be locked");
  const std::string path = lock_file(locking_dir, volume_group);
  for (;;) {
    file_ = open_at(AT_FDCWD, path, O_CREAT | O_RDWR | O_APPEND, 0600);
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0 && is_still_there(file_, path)) return;
    if (patience.is_over()) {
      const std::string holder = lock_holder(locking_dir, volume_group);
      throw ProviderError(VSS_PROVIDER_E_VETO, "the volume group " + volume_group + " is locked" +
                                                   (holder.empty() ? "" : " by " + holder));
    }
    ::nanosleep(&kBetweenTries, nullptr);
  }
}

std::string lock_holder(const std::string& locking_dir, const std::string& volume_group) {
  struct stat lock {};
  if (locking_dir.empty() || ::stat(lock_file(locking_dir, volume_group).c_str(), &lock) != 0) return "";
  std::array<char, 64> wanted{};
  std::snprintf(wanted.data(), wanted.size(), "%02x:%02x:%lu", major(lock.st_dev), minor(lock.st_dev),
                static_cast<unsigned long>(lock.st_ino));
  // "1: FLOCK  ADVISORY  WRITE 1234 00:1a:5678 0 EOF"; a waiting one has "->" in second place.
  std::ifstream locks("/proc/locks");
  const std::string ours = std::to_string(::getpid());
  std::string number, kind, mode, access, pid, file, rest;
  while (locks >> number >> kind >> mode >> access >> pid >> file && std::getline(locks, rest)) {
    if (kind != "FLOCK" || file != wanted.data()) continue;
    if (pid == ours) {  // who took it, whoever else has it open
      if (one_outlives_its_end()) return "a killed vssd-lvm that does not end";
      continue;
    }
    std::ifstream comm("/proc/" + pid + "/comm");
    std::string name;
    std::getline(comm, name);
    return (name.empty() ? "a process" : name) + " (pid " + pid + ")";
  }
  return "";
}

}  // namespace vss::lvm
