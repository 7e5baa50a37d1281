// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// An error is a code of the one list and a message that says what was being done. Functions that can fail
// return Result<T>; each layer adds its context on the way up. A failure of clean-up is appended and never
// hides the cause.

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "dbus/error_names.hpp"

namespace vss::core {

struct Error {
  ErrorCode code = ErrorCode::Unexpected;
  std::string message;

  // "context: message", with the same code.
  [[nodiscard]] Error with_context(std::string_view context) &&;
  // Keeps this error and appends what else went wrong while cleaning up.
  [[nodiscard]] Error followed_by(const Error& later) &&;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

// "what: text of errno", with the code that fits: AccessDenied, ObjectNotFound, InsufficientStorage,
// OutOfMemory, ...
[[nodiscard]] Error errno_error(int error_number, std::string_view what);

}  // namespace vss::core
