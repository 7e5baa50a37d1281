// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The calls of one operation, one after the other: each says what it was when it fails, and none begins once
// the user wants the end.

#include <atomic>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include "daemon/cli/bus.hpp"
#include "daemon/cli/failure.hpp"

namespace vss::cli {

// Thread rule: cancel() from any thread, the rest from one.
class Steps {
 public:
  // attempt() that does not begin once cancel() was called.
  template <typename Function>
  auto operator()(const std::string& what, Function&& function) const {
    if (cancelled_) throw Failure(ErrorCode::Cancelled, what, "interrupted");
    return attempt(what, std::forward<Function>(function));
  }
  void cancel() noexcept { cancelled_ = true; }
  void go_on() noexcept { cancelled_ = false; }

 private:
  std::atomic<bool> cancelled_ = false;
};

// A part of the way out of a failure: an error is reported, and the way goes on.
template <typename Function>
void quietly(const std::string& what, Function&& function) noexcept {
  try {
    attempt(what, std::forward<Function>(function));
  } catch (const Failure& failure) {
    std::fprintf(stderr, "vssctl: %s\n", failure.line().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vssctl: %s: %s\n", what.c_str(), error.what());
  }
}

}  // namespace vss::cli
