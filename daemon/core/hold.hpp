// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Port: the hold. Implemented by daemon/hold, which drives the helper process vssd-hold.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <asio/awaitable.hpp>

#include "daemon/core/error.hpp"
#include "daemon/core/guid.hpp"
#include "daemon/core/provider.hpp"

namespace vss::core {

// One thing to hold: a superblock, by FIFREEZE through its mount point or by suspending the mapped device
// that it is on, which the holder finds by its number.
struct HoldTarget {
  HoldAbility ability = HoldAbility::Freeze;  // Freeze or Suspend
  std::string mount_point;
  std::string superblock;  // for the record
};

// Monotonic times of one hold, as the helper measured them around the system calls.
struct HoldTimes {
  std::chrono::nanoseconds held{};      // when the hold began: writes wait from here
  std::chrono::nanoseconds released{};  // when the release began
  [[nodiscard]] std::chrono::nanoseconds length() const { return released - held; }
};

// The holds of one set. Destroying it releases whatever is held, asynchronously.
class HoldWindow {
 public:
  virtual ~HoldWindow() = default;

  // Holds target `index`. The window's limit starts with the first hold.
  // Errors: VolumeInUse (EBUSY: somebody else holds it), HoldWritesTimeout (the limit passed, everything was
  // let go), or what the system call says. After an error the caller calls finish().
  virtual asio::awaitable<Status> hold(std::size_t index) = 0;

  // Releases target `index`. HoldWritesTimeout if it had been released before this call: by the limit, or
  // because the helper died. Then what was captured since may be torn.
  virtual asio::awaitable<Result<HoldTimes>> release(std::size_t index) = 0;

  // Whether anything has been released for which release() was not called: what has been captured may be
  // torn. It is asked of the record, so it is so as soon as the helper has begun to, whatever it has said by
  // now.
  [[nodiscard]] virtual bool was_let_go() const = 0;

  // Releases everything that is still held, in reverse order, ends the helper and removes the record. Comes
  // back when nothing is held any more, or after the limit with an error that names what could not be
  // released yet (a FIFREEZE that is stuck is released by the helper as soon as it succeeds).
  virtual asio::awaitable<Status> finish() = 0;
};

class Holder {
 public:
  virtual ~Holder() = default;

  // Outside the window, while everything may still block: opens the descriptors, writes the record, starts
  // the helper and hands everything to it. `limit` is the longest time from the first hold to the last
  // release. Errors: what opening or starting says; nothing is held then.
  virtual asio::awaitable<Result<std::unique_ptr<HoldWindow>>> arm(Guid set, std::vector<HoldTarget> targets,
                                                                   std::chrono::milliseconds limit) = 0;
};

}  // namespace vss::core
