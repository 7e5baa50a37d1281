// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The errors of org.vssd.Vss1 as C++ values. Thread rule: pure functions, any thread. Since 0.1.

#include <cstdint>
#include <optional>
#include <string_view>

namespace vss {

enum class ErrorCode : std::uint8_t {
#define VSS_ERROR(name, vss_code, text) name,
#include "error_names.def"
#undef VSS_ERROR
};

inline constexpr std::string_view kErrorPrefix = "org.vssd.Vss1.Error.";

// The short name ("BadState"); static storage.
[[nodiscard]] constexpr std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
#define VSS_ERROR(name, vss_code, text) \
  case ErrorCode::name:                 \
    return #name;
#include "error_names.def"
#undef VSS_ERROR
  }
  return "Unexpected";
}

// The full D-Bus error name ("org.vssd.Vss1.Error.BadState"), NUL-terminated, static storage.
[[nodiscard]] constexpr const char* bus_name(ErrorCode code) noexcept {
  switch (code) {
#define VSS_ERROR(name, vss_code, text) \
  case ErrorCode::name:                 \
    return "org.vssd.Vss1.Error." #name;
#include "error_names.def"
#undef VSS_ERROR
  }
  return "org.vssd.Vss1.Error.Unexpected";
}

// The VSS code of the error, as Windows documents it.
[[nodiscard]] constexpr std::uint32_t vss_code(ErrorCode code) noexcept {
  switch (code) {
#define VSS_ERROR(name, vss_code, text) \
  case ErrorCode::name:                 \
    return vss_code;
#include "error_names.def"
#undef VSS_ERROR
  }
  return 0x80042302;
}

// One sentence that explains the error; static storage.
[[nodiscard]] constexpr std::string_view description(ErrorCode code) noexcept {
  switch (code) {
#define VSS_ERROR(name, vss_code, text) \
  case ErrorCode::name:                 \
    return text;
#include "error_names.def"
#undef VSS_ERROR
  }
  return "";
}

// The code for a short name or a full D-Bus error name; nothing for a foreign one.
[[nodiscard]] constexpr std::optional<ErrorCode> error_from_name(std::string_view name) noexcept {
  if (name.starts_with(kErrorPrefix)) name.remove_prefix(kErrorPrefix.size());
#define VSS_ERROR(error, vss_code, text) \
  if (name == #error) return ErrorCode::error;
#include "error_names.def"
#undef VSS_ERROR
  return std::nullopt;
}

// True for errors after which the whole operation may be tried again (VSS advises ten minutes, three times).
[[nodiscard]] constexpr bool is_transient(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::ProviderVeto:
    case ErrorCode::ProviderInUse:
    case ErrorCode::SnapshotSetInProgress:
    case ErrorCode::FlushWritesTimeout:
    case ErrorCode::HoldWritesTimeout:
    case ErrorCode::InsufficientStorage:
    case ErrorCode::WriterNotResponding:
    case ErrorCode::WriterOutOfResources:
    case ErrorCode::WriterTimeout:
    case ErrorCode::WriterRetryable:
      return true;
    default:
      return false;
  }
}

}  // namespace vss
