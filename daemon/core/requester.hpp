// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

namespace vss::core {

// Who a session belongs to.
struct Requester {
  std::string bus_name;  // unique name of the connection
  std::string client;    // what it calls itself
  std::uint32_t uid = 0;
  std::uint32_t pid = 0;
  std::string unit;
};

}  // namespace vss::core
