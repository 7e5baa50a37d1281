// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Contexts of VSS (VSS_SNAPSHOT_CONTEXT): which sets involve writers, which persist, which end with their
// session, which are shown to the clients of a file server.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vss::core {

enum class Context : std::uint8_t {
  Backup,
  FileShareBackup,
  NasRollback,
  AppRollback,
  ClientAccessible,
  ClientAccessibleWriters,
};

// VSS_CTX_ALL: in queries every context. No set is made in it.
inline constexpr std::string_view kAllContexts = "all";

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
    case Context::ClientAccessible:
      return "client-accessible";
    case Context::ClientAccessibleWriters:
      return "client-accessible-writers";
  }
  return "";
}

[[nodiscard]] constexpr std::optional<Context> context_from_name(std::string_view name) noexcept {
  for (const Context context :
       {Context::Backup, Context::FileShareBackup, Context::NasRollback, Context::AppRollback,
        Context::ClientAccessible, Context::ClientAccessibleWriters}) {
    if (name == to_string(context)) return context;
  }
  return std::nullopt;
}

// Why no set can be made in a context of this name, which context_from_name() does not know.
[[nodiscard]] inline std::string explain_no_context(std::string_view name) {
  if (name == kAllContexts) return "context \"all\" is for queries only: it lists snapshots of every context";
  return "no context \"" + std::string(name) + "\"";
}

[[nodiscard]] constexpr bool has_writers(Context context) noexcept {
  return context == Context::Backup || context == Context::AppRollback ||
         context == Context::ClientAccessibleWriters;
}
[[nodiscard]] constexpr bool is_client_accessible(Context context) noexcept {
  return context == Context::ClientAccessible || context == Context::ClientAccessibleWriters;
}
[[nodiscard]] constexpr bool is_persistent(Context context) noexcept {
  return context == Context::NasRollback || context == Context::AppRollback || is_client_accessible(context);
}
[[nodiscard]] constexpr bool is_auto_release(Context context) noexcept { return !is_persistent(context); }

}  // namespace vss::core
