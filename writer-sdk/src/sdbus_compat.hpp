// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What differs between sdbus-c++ 1.2 and 2.x, for this library.

#include <sdbus-c++/sdbus-c++.h>

#include <chrono>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace vss::sdbus_compat {

#if __has_include(<sdbus-c++/VTableItems.h>)
using ObjectPath = sdbus::ObjectPath;
using ServiceName = sdbus::ServiceName;
using ErrorName = sdbus::Error::Name;
using CallError = std::optional<sdbus::Error>;
inline std::string sender(sdbus::IObject& object) {
  return object.getCurrentlyProcessedMessage().getSender();
}
inline std::string error_name(const sdbus::Error& error) { return error.getName(); }
// True while there are more messages.
inline bool process(sdbus::IConnection& connection) { return connection.processPendingEvent(); }
// The match lasts as long as what is returned.
template <typename Handler>
[[nodiscard]] sdbus::Slot add_match(sdbus::IConnection& connection, const char* rule, Handler handler) {
  return connection.addMatch(rule, std::move(handler), sdbus::return_slot);
}
struct PollRequest {
  int fd;
  short events;
  std::optional<std::chrono::microseconds> due;  // CLOCK_MONOTONIC
};
inline PollRequest poll_request(sdbus::IConnection& connection) {
  const auto data = connection.getEventLoopPollData();
  if (data.timeout == std::chrono::microseconds::max()) return {data.fd, data.events, std::nullopt};
  return {data.fd, data.events, data.timeout};
}
#else
using ObjectPath = std::string;
using ServiceName = std::string;
using ErrorName = std::string;
using CallError = const sdbus::Error*;
inline std::string sender(sdbus::IObject& object) {
  return object.getCurrentlyProcessedMessage()->getSender();
}
inline std::string error_name(const sdbus::Error& error) { return error.getName(); }
inline bool process(sdbus::IConnection& connection) { return connection.processPendingRequest(); }
template <typename Handler>
[[nodiscard]] sdbus::Slot add_match(sdbus::IConnection& connection, const char* rule, Handler handler) {
  return connection.addMatch(rule, std::move(handler));
}
struct PollRequest {
  int fd;
  short events;
  std::optional<std::chrono::microseconds> due;
};
inline PollRequest poll_request(sdbus::IConnection& connection) {
  const auto data = connection.getEventLoopPollData();
  if (data.timeout_usec == UINT64_MAX) return {data.fd, data.events, std::nullopt};
  return {data.fd, data.events, std::chrono::microseconds(data.timeout_usec)};
}
#endif

}  // namespace vss::sdbus_compat
