// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The TOML file of one command writer; writer-sdk/README.md describes it.

#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "writer-sdk/writers/command/hook_directory.hpp"
#include "writer-sdk/writers/common/declared_writer.hpp"

namespace vss::command {

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

struct EventFacts {
  std::string_view key;   // [events.<key>]
  std::string_view name;  // VSS_EVENT
  std::chrono::milliseconds limit;
};

// In the order of Event. The limits are how long vssd waits.
inline constexpr std::array<EventFacts, 11> kEvents = {
    {{"prepare_for_backup", "PrepareForBackup", std::chrono::minutes(10)},
     {"prepare_for_snapshot", "PrepareForSnapshot", std::chrono::minutes(10)},
     {"freeze", "Freeze", std::chrono::minutes(1)},
     {"thaw", "Thaw", std::chrono::minutes(1)},
     {"post_snapshot", "PostSnapshot", std::chrono::minutes(10)},
     {"abort", "Abort", std::chrono::minutes(1)},
     {"backup_complete", "BackupComplete", std::chrono::minutes(10)},
     {"backup_shutdown", "BackupShutdown", std::chrono::seconds(30)},
     {"pre_restore", "PreRestore", std::chrono::minutes(10)},
     {"post_restore", "PostRestore", std::chrono::minutes(10)},
     {"restore_shutdown", "RestoreShutdown", std::chrono::seconds(30)}}};

struct Command {
  std::vector<std::string> argv;
  std::chrono::milliseconds limit{};
};

struct Config : writers::DeclaredWriter {
  std::array<std::optional<Command>, kEvents.size()> commands;  // Abort: that of Thaw if it has none
  std::optional<HookSettings> hooks;                            // instead of commands of Freeze, Thaw, Abort

  [[nodiscard]] const std::optional<Command>& command(Event event) const {
    return commands[static_cast<std::size_t>(event)];
  }
};

// The error is one line, "file:line: key: what is wrong".
[[nodiscard]] tl::expected<Config, std::string> load_config(const std::filesystem::path& file);

}  // namespace vss::command
