// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What of sdbus-c++ differs between 1.2 and 2.x and is used by the daemon. Nothing else in daemon/bus depends
// on it.

#include <memory>
#include <string>

#include <sdbus-c++/sdbus-c++.h>

namespace vss::bus {

using ReplyError = const sdbus::Error*;  // what uponReplyInvoke gives: nullptr for success

[[nodiscard]] inline sdbus::Error make_error(const char* name, const std::string& message) {
  return {name, message};
}

// Unique name of the caller; legal inside a method handler only.
[[nodiscard]] inline std::string sender_of(const sdbus::IObject& object) {
  const sdbus::Message* message = object.getCurrentlyProcessedMessage();
  return message == nullptr ? std::string() : message->getSender();
}

[[nodiscard]] inline std::unique_ptr<sdbus::IConnection> connect_system_bus() {
  return sdbus::createSystemBusConnection();
}

[[nodiscard]] inline std::unique_ptr<sdbus::IProxy> make_proxy(sdbus::IConnection& connection,
                                                               const std::string& destination,
                                                               const std::string& path) {
  return sdbus::createProxy(connection, destination, path);
}

}  // namespace vss::bus
