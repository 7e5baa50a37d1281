// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What arrives from vssd and what is answered, without any D-Bus type.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbus/error_names.hpp"
#include "writer-sdk/src/component.hpp"

namespace vss {

enum class Event : std::uint8_t {
  PrepareForBackup,
  PrepareForSnapshot,
  Freeze,
  Thaw,
  PostSnapshot,
  Abort,
  BackupComplete,
  BackupShutdown,
  PreRestore,
  PostRestore,
  RestoreShutdown
};
inline constexpr std::size_t kEventCount = 11;

// The name on the bus.
[[nodiscard]] constexpr std::string_view to_string(Event event) noexcept {
  switch (event) {
    case Event::PrepareForBackup:
      return "PrepareForBackup";
    case Event::PrepareForSnapshot:
      return "PrepareForSnapshot";
    case Event::Freeze:
      return "Freeze";
    case Event::Thaw:
      return "Thaw";
    case Event::PostSnapshot:
      return "PostSnapshot";
    case Event::Abort:
      return "Abort";
    case Event::BackupComplete:
      return "BackupComplete";
    case Event::BackupShutdown:
      return "BackupShutdown";
    case Event::PreRestore:
      return "PreRestore";
    case Event::PostRestore:
      return "PostRestore";
    case Event::RestoreShutdown:
      return "RestoreShutdown";
  }
  return "";
}

// The arguments of one event; what is absent was not sent.
struct EventArgs {
  doc::SharedComponents components;
  std::optional<bool> select_components;
  std::optional<bool> bootable_system_state;
  std::optional<bool> partial_file_support;
  std::optional<std::uint32_t> restore_type;  // vss_restore_type
  std::optional<std::string> backup_type;
  std::optional<std::string> context;
  std::optional<std::vector<std::string>> volumes;
  std::optional<std::vector<std::vector<std::string>>> instants;  // of these volumes
  std::map<std::string, std::string> snapshots;
  std::optional<std::uint32_t> window_ms;
  std::string reason;
};

// Success; a failure with or without veto; or an error instead of an answer.
struct Answer {
  enum class Kind : std::uint8_t { Success, Failure, Veto, Error };
  Kind kind = Kind::Success;
  ErrorCode code = ErrorCode::Unexpected;
  std::int32_t application_code = 0;
  std::string message;
  std::string document = {};              // Identify; what the handler has set in components, or ""
  doc::SharedComponents components = {};  // with what the handler has set; nothing if it set nothing

  [[nodiscard]] static Answer veto(ErrorCode code, std::string message) {
    return {Kind::Veto, code, 0, std::move(message)};
  }
  [[nodiscard]] static Answer error(ErrorCode code, std::string message) {
    return {Kind::Error, code, 0, std::move(message)};
  }
};

using Reply = std::function<void(const Answer&)>;

inline constexpr std::string_view kNullGuid = "00000000-0000-0000-0000-000000000000";

}  // namespace vss
