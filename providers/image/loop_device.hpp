// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Loop devices: what stands behind one, and how a clone is attached to one. All functions throw
// std::system_error. Thread rule: no shared state.

#include <cstdint>
#include <string>

#include "vss/provider_support.hpp"

namespace vss::image {

// The part of a file that a device (a loop device or a partition of one) shows.
struct LoopExtent {
  std::uint64_t offset = 0;      // bytes
  std::uint64_t size_limit = 0;  // bytes, 0: to the end of the file
  std::uint32_t block_size = 512;
};

// Throws ProviderError VOLUME_NOT_SUPPORTED if the device is no loop device, or if the file at this path is
// no longer the one behind it.
[[nodiscard]] LoopExtent loop_extent(const std::string& device, const std::string& backing_file);

struct AttachedLoop {
  std::string device;  // "/dev/loopN"
  UniqueFd fd;         // the device detaches itself when its last user is gone: this, and then a mount
};
// `backing` is the open file, `file` the name that the device shows for it.
[[nodiscard]] AttachedLoop attach_loop(int backing, const std::string& file, const LoopExtent& extent,
                                       bool writable);

// Detaches every loop device that shows this file; one that is still mounted goes when it is unmounted.
void detach_loops_of(const std::string& file);

}  // namespace vss::image
