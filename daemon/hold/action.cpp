// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/action.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <algorithm>
#include <cerrno>

namespace vss::hold {

HoldAction::HoldAction(core::HoldAbility ability, core::UniqueFd fd, std::string_view device, dev_t number)
    : ability_(ability), fd_(std::move(fd)), number_(number) {
  std::copy_n(device.begin(), std::min(device.size(), device_.size() - 1), device_.begin());
}

int HoldAction::hold() noexcept {
  return ability_ == core::HoldAbility::Suspend ? suspend() : freeze(FIFREEZE);
}

int HoldAction::release() noexcept {
  return ability_ == core::HoldAbility::Suspend ? resume() : freeze(FITHAW);
}

int HoldAction::freeze(unsigned long request) const noexcept {
  while (ioctl(fd_.get(), request, 0) != 0) {
    if (errno != EINTR) return errno;  // interrupted means nothing was done
  }
  return 0;
}

int HoldAction::suspend() noexcept {
  // Suspending a suspended device succeeds without counting; our resume would then end somebody else's hold.
  if (const int error = look(); error != 0) return error;
  if ((dm_.flags & DM_SUSPEND_FLAG) != 0) return EBUSY;
  return control(DM_DEV_SUSPEND, DM_SUSPEND_FLAG);  // with lockfs and with flush: neither flag against them
}

int HoldAction::resume() noexcept {
  if (const int error = look(); error != 0) return error == ENODEV ? EINVAL : error;
  // lvm resumes an origin by itself when it has captured it: that ends this hold as it should.
  if ((dm_.flags & DM_SUSPEND_FLAG) == 0) return 0;
  return control(DM_DEV_SUSPEND, 0);
}

int HoldAction::look() noexcept {
  const int error = control(DM_DEV_STATUS, 0);
  if (error == ENXIO || (error == 0 && dm_.dev != number_)) return ENODEV;
  return error;
}

int HoldAction::control(unsigned long request, std::uint32_t flags) noexcept {
  dm_ = {};
  dm_.version[0] = 4;  // any 4.x; the kernel refuses a greater minor than its own
  dm_.data_size = sizeof(dm_);
  dm_.data_start = sizeof(dm_);
  dm_.flags = flags;
  std::copy(device_.begin(), device_.end(), std::begin(dm_.name));
  return ioctl(fd_.get(), request, &dm_) == 0 ? 0 : errno;
}

int release_claimed(RecordTarget& target, HoldAction& action, pid_t by) noexcept {
  target.released_ns = monotonic_ns();
  const int error = action.release();
  if (error == 0 || error == EINVAL)
    target.release_done(by);
  else
    target.release_failed(by);
  return error;
}

}  // namespace vss::hold
