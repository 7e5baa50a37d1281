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
#include "daemon/core/unique_fd.hpp"
#include "daemon/hold/record.hpp"

namespace vss::hold {

class HoldAction {
 public:
  // Freeze: `fd` is any descriptor on the filesystem. Suspend: `fd` is /dev/mapper/control, `device` the
  // device-mapper name (at most 127 bytes) and `number` that of the device: a name can pass on to another.
  HoldAction(core::HoldAbility ability, core::UniqueFd fd, std::string_view device, dev_t number);

  // 0 or an errno. EBUSY: somebody else holds it.
  int hold() noexcept;
  // 0 or an errno. EINVAL: it is not held, or the mapped device is gone.
  int release() noexcept;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  int freeze(unsigned long request) const noexcept;
  int suspend() noexcept;
  int resume() noexcept;
  // Asks for the state of the device: 0 with dm_ filled, ENODEV if there is no such device any more, ...
  int look() noexcept;
  // One device-mapper ioctl on device_; afterwards dm_ has the answer.
  int control(unsigned long request, std::uint32_t flags) noexcept;

  core::HoldAbility ability_;
  core::UniqueFd fd_;
  std::array<char, DM_NAME_LEN> device_{};
  dev_t number_;
  dm_ioctl dm_{};
};

// Makes the release that `by` has won by claim() or take_over(), and writes the result into the record.
// 0; EINVAL: somebody had let it go before; otherwise it is still held.
int release_claimed(RecordTarget& target, HoldAction& action, pid_t by) noexcept;

}  // namespace vss::hold
