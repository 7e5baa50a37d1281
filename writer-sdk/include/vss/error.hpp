// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What the C++ face throws, and what handlers may throw. Since 0.1.

#include <vss/writer.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace vss {

// A function of the library failed; code is a vss_status.
class Error : public std::runtime_error {
 public:
  Error(int code, const std::string& what)
      : std::runtime_error(what + ": " + vss_strerror(code)), code_(code) {}
  [[nodiscard]] int code() const noexcept { return code_; }

 private:
  int code_;
};

// Thrown by a handler: the answer is no, for this reason.
class Veto : public std::runtime_error {
 public:
  Veto(vss_writer_error code, const std::string& message, std::int32_t application_code = 0)
      : std::runtime_error(message), code_(code), application_code_(application_code) {}
  [[nodiscard]] vss_writer_error code() const noexcept { return code_; }
  [[nodiscard]] std::int32_t application_code() const noexcept { return application_code_; }

 private:
  vss_writer_error code_;
  std::int32_t application_code_;
};

namespace detail {
// What a function of the library returned: a number, or an error to be thrown.
inline int check(int status, const char* what) {
  if (status < 0) throw Error(status, what);
  return status;
}
inline std::string text(const char* text) { return text == nullptr ? std::string() : std::string(text); }
// Text that there is none of in a wrong event, or for a wrong index.
inline std::string need(const char* text, const char* what) {
  if (text == nullptr) throw Error(VSS_ERR_BAD_STATE, what);
  return text;
}
}  // namespace detail

}  // namespace vss
