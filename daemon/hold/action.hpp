// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The two ways to hold a volume. Everything an action needs is there before anything is held: hold() and
// release() allocate nothing and open nothing. They may block for as long as the kernel likes.

#include <linux/dm-ioctl.h>
#include <sys/types.h>
#include <array>
#include <cstdint>
#include <string_view>

#include "daemon/core/provider.hpp"
#include "daemon/hold/record.hpp"
#include "daemon/hold/unique_fd.hpp"

namespace vss::hold {

class HoldAction {
 public:
  // Freeze: `fd` is any descriptor on the filesystem. Suspend: `fd` is /dev/mapper/control and `device` the
  // device-mapper name (at most 127 bytes).
  HoldAction(core::HoldAbility ability, UniqueFd fd, std::string_view device);

  // 0 or an errno. EBUSY: somebody else holds it.
  int hold() noexcept;
  // 0 or an errno. EINVAL: it is not held.
  int release() noexcept;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  int freeze(unsigned long request) const noexcept;
  int suspend() noexcept;
  int resume() noexcept;
  // One device-mapper ioctl on device_; afterwards dm_ has the answer.
  int control(unsigned long request, std::uint32_t flags) noexcept;

  core::HoldAbility ability_;
  UniqueFd fd_;
  std::array<char, DM_NAME_LEN> device_{};
  dm_ioctl dm_{};
};

// Makes the release that `by` has won by claim() or take_over(), and writes the result into the record.
// 0; EINVAL: somebody had let it go before; otherwise it is still held.
int release_claimed(RecordTarget& target, HoldAction& action, pid_t by) noexcept;

}  // namespace vss::hold
