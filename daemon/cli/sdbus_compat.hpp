// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// All that differs for vssctl between sdbus-c++ 1.2 (Debian 12) and 2.x (Debian 13).

#include <memory>
#include <string>
#include <utility>

#include <sdbus-c++/sdbus-c++.h>

#if __has_include(<sdbus-c++/VTableItems.h>)
#define VSS_CLI_SDBUS_2 1
#endif

namespace vss::cli::compat {

#ifdef VSS_CLI_SDBUS_2
using ServiceName = sdbus::ServiceName;
using Subscription = sdbus::Slot;

template <typename Handler>
[[nodiscard]] Subscription add_match(sdbus::IConnection& connection, const std::string& rule,
                                     Handler handler) {
  return connection.addMatch(rule, std::move(handler), sdbus::return_slot);
}
#else
using ServiceName = std::string;
using Subscription = sdbus::Slot;

template <typename Handler>
[[nodiscard]] Subscription add_match(sdbus::IConnection& connection, const std::string& rule,
                                     Handler handler) {
  return connection.addMatch(rule, std::move(handler));
}
#endif

// The signature of what a variant holds.
[[nodiscard]] inline std::string signature(const sdbus::Variant& value) { return value.peekValueType(); }

}  // namespace vss::cli::compat
