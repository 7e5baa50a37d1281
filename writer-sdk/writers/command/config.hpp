// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The TOML file of one command writer; writer-sdk/README.md describes it.

#include <array>
#include <chrono>
#include <compare>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>
#include <vss/writer.hpp>

#include "writer-sdk/writers/command/hook_directory.hpp"

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

struct FileSet {
  std::string path;
  std::string spec;
  bool recursive = true;
};

struct Component {
  vss_component_type type = VSS_COMPONENT_FILEGROUP;
  std::string logical_path;
  std::string name;
  std::string caption;
  bool selectable = true;
  std::vector<FileSet> files;
};

// The component of an entry of `paths`: "/srv/shop" is "shop" below "srv", as a name has no '/'; "/" is ".".
struct ComponentName {
  std::string logical_path;
  std::string name;
  auto operator<=>(const ComponentName&) const = default;
};
[[nodiscard]] ComponentName name_of_path(const std::string& path);

struct Config {
  WriterOptions writer;
  std::vector<std::string> paths;  // one component each
  std::vector<Component> components;
  std::vector<FileSet> excluded;
  bool new_target = false;                                      // its files may be restored to another place
  std::array<std::optional<Command>, kEvents.size()> commands;  // Abort: that of Thaw if it has none
  std::optional<HookSettings> hooks;                            // instead of commands of Freeze, Thaw, Abort

  [[nodiscard]] const std::optional<Command>& command(Event event) const {
    return commands[static_cast<std::size_t>(event)];
  }
};

// The error is one line, "file:line: key: what is wrong".
[[nodiscard]] tl::expected<Config, std::string> load_config(const std::filesystem::path& file);

}  // namespace vss::command
