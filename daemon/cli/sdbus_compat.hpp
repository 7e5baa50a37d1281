// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// All that differs for vssctl between sdbus-c++ 1.2 (Debian 12) and 2.x (Debian 13).

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <sdbus-c++/sdbus-c++.h>

namespace vss::cli::compat {

using Subscription = sdbus::Slot;

#if __has_include(<sdbus-c++/VTableItems.h>)
using ServiceName = sdbus::ServiceName;
using ReplyError = std::optional<sdbus::Error>;  // of an asynchronous call; none for success

template <typename Handler>
[[nodiscard]] Subscription add_match(sdbus::IConnection& connection, const std::string& rule,
                                     Handler handler) {
  return connection.addMatch(rule, std::move(handler), sdbus::return_slot);
}

// A call that other threads need not wait for: while it runs, they can call as well and signals come in. What
// the generated proxies of 2.x do instead blocks the whole connection until the answer is there.
// Out: void or the one value of the answer.
template <typename Out = void, typename... In>
Out call(sdbus::IProxy& proxy, const char* interface, const char* method, const In&... in) {
  auto call = proxy.callMethodAsync(method);
  call.onInterface(interface).withArguments(in...);
  if constexpr (std::is_void_v<Out>) {
    call.getResultAsFuture().get();
  } else {
    return call.template getResultAsFuture<Out>().get();
  }
}
#else
using ServiceName = std::string;
using ReplyError = const sdbus::Error*;  // of an asynchronous call; nullptr for success

template <typename Handler>
[[nodiscard]] Subscription add_match(sdbus::IConnection& connection, const std::string& rule,
                                     Handler handler) {
  return connection.addMatch(rule, std::move(handler));
}

// A call that other threads need not wait for: while it runs, they can call as well and signals come in.
// Out: void or the one value of the answer.
template <typename Out = void, typename... In>
Out call(sdbus::IProxy& proxy, const char* interface, const char* method, const In&... in) {
  const std::string name(method);  // the invoker keeps a reference
  if constexpr (std::is_void_v<Out>) {
    proxy.callMethod(name).onInterface(interface).withArguments(in...);
  } else {
    Out out;
    proxy.callMethod(name).onInterface(interface).withArguments(in...).storeResultsTo(out);
    return out;
  }
}
#endif

// The signature of what a variant holds.
[[nodiscard]] inline std::string signature(const sdbus::Variant& value) { return value.peekValueType(); }

}  // namespace vss::cli::compat
