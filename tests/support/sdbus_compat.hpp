// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What differs for the tests between sdbus-c++ 1.2 and 2.x.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <sdbus-c++/sdbus-c++.h>

namespace vss::test {

#if __has_include(<sdbus-c++/VTableItems.h>)
using ErrorName = sdbus::Error::Name;
using ServiceName = sdbus::ServiceName;
using InterfaceName = sdbus::InterfaceName;
using MethodName = sdbus::MethodName;

inline std::string sender_of(const sdbus::IObject& object) {
  return object.getCurrentlyProcessedMessage().getSender();
}

template <typename Handler>
void register_method(sdbus::IObject& object, const char* interface, const char* name, Handler handler) {
  object.addVTable(sdbus::registerMethod(name).implementedAs(std::move(handler))).forInterface(interface);
}
template <typename Getter>
void register_property(sdbus::IObject& object, const char* interface, const char* name, Getter getter) {
  object.addVTable(sdbus::registerProperty(name).withGetter(std::move(getter))).forInterface(interface);
}
inline void finish_registration(sdbus::IObject&) {}

// `answered(reply, error)`: the error is a pointer, null for success.
template <typename Answered>
void call_async(sdbus::IProxy& proxy, const sdbus::MethodCall& message, Answered answered,
                std::chrono::microseconds limit) {
  const auto handler = [answered](sdbus::MethodReply reply, std::optional<sdbus::Error> error) {
    answered(reply, error ? &*error : nullptr);
  };
  proxy.callMethodAsync(message, handler, static_cast<std::uint64_t>(limit.count()));
}

// Waits for the answer; the connection goes on serving others meanwhile.
template <typename Out, typename... In>
Out call(sdbus::IProxy& proxy, const char* interface, const std::string& method,
         std::chrono::microseconds limit, const In&... in) {
  auto call = proxy.callMethodAsync(method);
  call.onInterface(interface).withTimeout(limit).withArguments(in...);
  return call.template getResultAsFuture<Out>().get();
}
#else
using ErrorName = std::string;
using ServiceName = std::string;
using InterfaceName = std::string;
using MethodName = std::string;

inline std::string sender_of(const sdbus::IObject& object) {
  return object.getCurrentlyProcessedMessage()->getSender();
}

template <typename Handler>
void register_method(sdbus::IObject& object, const char* interface, const char* name, Handler handler) {
  object.registerMethod(name).onInterface(interface).implementedAs(std::move(handler));
}
template <typename Getter>
void register_property(sdbus::IObject& object, const char* interface, const char* name, Getter getter) {
  object.registerProperty(name).onInterface(interface).withGetter(std::move(getter));
}
inline void finish_registration(sdbus::IObject& object) { object.finishRegistration(); }

// `answered(reply, error)`: the error is a pointer, null for success.
template <typename Answered>
void call_async(sdbus::IProxy& proxy, const sdbus::MethodCall& message, Answered answered,
                std::chrono::microseconds limit) {
  proxy.callMethod(message, answered, static_cast<std::uint64_t>(limit.count()));
}

// Waits for the answer; the connection goes on serving others meanwhile.
template <typename Out, typename... In>
Out call(sdbus::IProxy& proxy, const char* interface, const std::string& method,
         std::chrono::microseconds limit, const In&... in) {
  Out out;
  proxy.callMethod(method).onInterface(interface).withTimeout(limit).withArguments(in...).storeResultsTo(out);
  return out;
}
#endif

inline std::unique_ptr<sdbus::IProxy> make_proxy(sdbus::IConnection& connection,
                                                 const std::string& destination, const std::string& path) {
  return sdbus::createProxy(connection, ServiceName(destination), sdbus::ObjectPath(path));
}

}  // namespace vss::test
