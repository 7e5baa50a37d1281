// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// lvm's own lock of a volume group (lvm2, lib/locking/file_locking.c): while we have it, no lvm command
// changes the group. A command of ours that runs meanwhile takes its locks elsewhere: --nolocking is refused
// for snapshots, and without effect in a process that has taken a lock before.

#include <string>

#include "providers/lvm/command_process.hpp"
#include "vss/provider_support.hpp"

namespace vss::lvm {

class VolumeGroupLock {
 public:
  // Waits for it as long as `patience` allows. ProviderError VETO, which names who has it, if that is not
  // enough, and if it is not known where lvm has its locks. `locking_dir`: see CommandProcess.
  VolumeGroupLock(const std::string& locking_dir, const std::string& volume_group, const Patience& patience);

  // Whoever keeps it open as well has the lock as well.
  [[nodiscard]] int descriptor() const noexcept { return file_.get(); }

 private:
  UniqueFd file_;  // the lock ends with it
};

// "<command> (pid <n>)" of another process that has the lock of a volume group, "" if none or unknown. A lock
// that was ours is another's as long as a killed vssd-lvm, to which it may have been given, is still there.
[[nodiscard]] std::string lock_holder(const std::string& locking_dir, const std::string& volume_group);

}  // namespace vss::lvm
