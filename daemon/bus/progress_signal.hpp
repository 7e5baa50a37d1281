// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The signal Progress of Backup and Restore, to their owner only.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/bus/sdbus_compat.hpp"

namespace vss::bus {

inline void emit_progress(sdbus::IObject& object, const char* interface, const std::string& owner,
                          std::string_view phase, std::size_t done, std::size_t total,
                          const std::vector<std::string>& waiting_for) {
  auto signal = make_signal(object, interface, "Progress");
  signal.setDestination(owner);
  signal << std::string(phase) << static_cast<std::uint32_t>(done) << static_cast<std::uint32_t>(total)
         << waiting_for;
  object.emitSignal(signal);
}

}  // namespace vss::bus
