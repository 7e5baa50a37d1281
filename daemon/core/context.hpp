// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Contexts of VSS (VSS_SNAPSHOT_CONTEXT): which sets involve writers, which persist, which end with their
// session.

#include <cstdint>
#include <optional>
#include <string_view>

namespace vss::core {

enum class Context : std::uint8_t { Backup, FileShareBackup, NasRollback, AppRollback };

[[nodiscard]] constexpr std::string_view to_string(Context context) noexcept {
  switch (context) {
    case Context::Backup:
      return "backup";
    case Context::FileShareBackup:
      return "file-share-backup";
    case Context::NasRollback:
      return "nas-rollback";
    case Context::AppRollback:
      return "app-rollback";
  }
  return "";
}

[[nodiscard]] constexpr std::optional<Context> context_from_name(std::string_view name) noexcept {
  for (const Context context :
       {Context::Backup, Context::FileShareBackup, Context::NasRollback, Context::AppRollback}) {
    if (name == to_string(context)) return context;
  }
  return std::nullopt;
}

[[nodiscard]] constexpr bool has_writers(Context context) noexcept {
  return context == Context::Backup || context == Context::AppRollback;
}
[[nodiscard]] constexpr bool is_persistent(Context context) noexcept {
  return context == Context::NasRollback || context == Context::AppRollback;
}
[[nodiscard]] constexpr bool is_auto_release(Context context) noexcept { return !is_persistent(context); }

}  // namespace vss::core
