// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A component of the backup components document, and what a handler has changed in it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Apart from vss::Component and the like of the C++ face, which are views of these.
namespace vss::doc {

// The keys of a component. The texts come first; from BackupMetadata on they are the writer's to set.
enum class Key : std::uint8_t {
  BackupOptions,
  PreviousBackupStamp,
  RestoreOptions,
  RestoreName,
  BackupMetadata,
  RestoreMetadata,
  BackupStamp,
  PrepareForBackupFailure,
  PostSnapshotFailure,
  PreRestoreFailure,
  PostRestoreFailure,
  PartialFiles,
  DifferencedFiles,
  Failure,
  RestoreTarget,
  DirectedTargets
};
inline constexpr std::array<std::string_view, 16> kKeys = {
    "backup_options",        "previous_backup_stamp",
    "restore_options",       "restore_name",
    "backup_metadata",       "restore_metadata",
    "backup_stamp",          "prepare_for_backup_failure",
    "post_snapshot_failure", "pre_restore_failure",
    "post_restore_failure",  "partial_files",
    "differenced_files",     "failure",
    "restore_target",        "directed_targets"};
inline constexpr std::size_t kTextCount = static_cast<std::size_t>(Key::PostRestoreFailure) + 1;

[[nodiscard]] constexpr std::string_view to_string(Key key) noexcept {
  return kKeys[static_cast<std::size_t>(key)];
}

struct ComponentId {
  std::string logical_path;
  std::string name;
};

struct PartialFile {
  std::string path;
  std::string file_name;
  std::string ranges;
  std::string metadata;
};

struct DifferencedFile {
  std::string path;
  std::string spec;
  bool recursive = false;
  std::int64_t last_modified = 0;  // 0: not said
};

struct Mapping {
  std::string path;
  std::string spec;
  bool recursive = false;
  std::string destination;
};

struct DirectedTarget {
  std::string source_path;
  std::string source_file;
  std::string source_ranges;
  std::string destination_path;
  std::string destination_file;
  std::string destination_ranges;
};

struct ComponentFailure {
  std::string error;  // short name
  std::int32_t application_code = 0;
  std::string message;
};

// Numbers are those of the C interface, 0 where the document says nothing.
struct Component {
  ComponentId id;
  std::uint32_t type = 0;
  bool succeeded = false;
  std::array<std::string, kTextCount> texts;
  std::vector<PartialFile> partial_files;
  std::vector<DifferencedFile> differenced_files;
  std::optional<ComponentFailure> failure;

  bool selected_for_restore = false;
  bool additional_restores = false;
  bool authoritative_restore = false;
  std::uint32_t roll_forward = 0;
  std::string roll_forward_point;
  std::uint32_t file_restore_status = 0;
  std::vector<ComponentId> restore_subcomponents;
  std::vector<Mapping> new_targets;
  std::vector<Mapping> alternate_location_mappings;
  std::uint32_t restore_target = 0;
  std::vector<DirectedTarget> directed_targets;

  [[nodiscard]] std::string& text(Key key) { return texts[static_cast<std::size_t>(key)]; }
  [[nodiscard]] const std::string& text(Key key) const { return texts[static_cast<std::size_t>(key)]; }
};

using Components = std::vector<Component>;
// Shared by the events of a session, which do not change it.
using SharedComponents = std::shared_ptr<const Components>;

// What one handler has changed, by index.
struct ComponentEdit {
  Component component;
  std::uint32_t keys = 0;  // bit 1 << Key

  void mark(Key key) { keys |= 1U << static_cast<unsigned>(key); }
  [[nodiscard]] bool has(Key key) const { return (keys & (1U << static_cast<unsigned>(key))) != 0; }
};
using ComponentEdits = std::map<std::size_t, ComponentEdit>;

}  // namespace vss::doc
