// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What of sdbus-c++ differs between 1.2 and 2.x and is used by the daemon. Nothing else in daemon/bus depends
// on it.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sdbus-c++/sdbus-c++.h>

namespace vss::bus {

#if __has_include(<sdbus-c++/VTableItems.h>)
using ReplyError = std::optional<sdbus::Error>;  // what uponReplyInvoke gives: none for success
using ErrorName = sdbus::Error::Name;
using ServiceName = sdbus::ServiceName;
using InterfaceName = sdbus::InterfaceName;
using SignalName = sdbus::SignalName;
using PropertyName = sdbus::PropertyName;

// Unique name of the caller; legal inside a method handler only.
[[nodiscard]] inline std::string sender_of(const sdbus::IObject& object) {
  const sdbus::Message message = object.getCurrentlyProcessedMessage();
  return message.isValid() ? std::string(message.getSender()) : std::string();
}

// The match lasts as long as what is returned.
template <typename Handler>
[[nodiscard]] sdbus::Slot add_match(sdbus::IConnection& connection, const std::string& rule,
                                    Handler handler) {
  return connection.addMatch(
      rule, [handler](sdbus::Message message) { handler(message); }, sdbus::return_slot);
}

// True while there are more messages.
inline bool process_pending(sdbus::IConnection& connection) { return connection.processPendingEvent(); }

// How long to wait at most, if there is a limit.
[[nodiscard]] inline std::optional<std::chrono::microseconds> relative_timeout(
    const sdbus::IConnection::PollData& data) {
  const std::chrono::microseconds timeout = data.getRelativeTimeout();
  if (timeout == std::chrono::microseconds::max()) return std::nullopt;
  return timeout;
}
#else
using ReplyError = const sdbus::Error*;  // what uponReplyInvoke gives: nullptr for success
using ErrorName = std::string;
using ServiceName = std::string;
using InterfaceName = std::string;
using SignalName = std::string;
using PropertyName = std::string;

// Unique name of the caller; legal inside a method handler only.
[[nodiscard]] inline std::string sender_of(const sdbus::IObject& object) {
  const sdbus::Message* message = object.getCurrentlyProcessedMessage();
  return message == nullptr ? std::string() : message->getSender();
}

// The match lasts as long as what is returned.
template <typename Handler>
[[nodiscard]] sdbus::Slot add_match(sdbus::IConnection& connection, const std::string& rule,
                                    Handler handler) {
  return connection.addMatch(rule, std::move(handler));
}

// True while there are more messages.
inline bool process_pending(sdbus::IConnection& connection) { return connection.processPendingRequest(); }

// How long to wait at most, if there is a limit.
[[nodiscard]] inline std::optional<std::chrono::microseconds> relative_timeout(
    const sdbus::IConnection::PollData& data) {
  return data.getRelativeTimeout();
}
#endif

[[nodiscard]] inline sdbus::Error make_error(const char* name, const std::string& message) {
  return sdbus::Error(ErrorName(name), message);
}

[[nodiscard]] inline std::unique_ptr<sdbus::IConnection> connect_system_bus() {
  return sdbus::createSystemBusConnection();
}

[[nodiscard]] inline std::unique_ptr<sdbus::IProxy> make_proxy(sdbus::IConnection& connection,
                                                               const std::string& destination,
                                                               const std::string& path) {
  return sdbus::createProxy(connection, ServiceName(destination), sdbus::ObjectPath(path));
}

[[nodiscard]] inline sdbus::Signal make_signal(sdbus::IObject& object, const char* interface,
                                               const char* name) {
  return object.createSignal(InterfaceName(interface), SignalName(name));
}

inline void emit_properties_changed(sdbus::IObject& object, const char* interface,
                                    std::initializer_list<const char*> names) {
  object.emitPropertiesChangedSignal(InterfaceName(interface),
                                     std::vector<PropertyName>(names.begin(), names.end()));
}

}  // namespace vss::bus
