// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The writer metadata document: what a writer answers to Identify, as far as vssd acts on it. Its form is
// dbus/schema/writer-metadata-1.schema.json. VSS: IVssExamineWriterMetadata.

#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/context.hpp"
#include "daemon/core/error.hpp"
#include "daemon/core/guid.hpp"
#include "daemon/core/writer.hpp"

namespace vss::core {

struct FileSet {
  std::string path;
  std::string spec;
  bool recursive = false;
  bool operator==(const FileSet&) const = default;
};

struct ComponentFiles {
  FileSet set;
  std::string alternate_path;  // where they are found for a backup instead, "" if nowhere else
  std::vector<std::string> snapshot_required;  // backup types: to be copied from a snapshot

  [[nodiscard]] const std::string& source() const {
    return alternate_path.empty() ? set.path : alternate_path;
  }
};

struct ComponentDependency {
  Guid class_id;
  ComponentId on;
};

struct ComponentInfo {
  ComponentId id;
  std::string type;
  bool selectable = false;
  bool selectable_for_restore = false;
  std::vector<ComponentFiles> files;
  std::vector<ComponentDependency> dependencies;
  std::vector<std::string> flags;
};

struct WriterMetadata {
  std::vector<ComponentInfo> components;
  std::vector<FileSet> excluded_from_snapshot;
  std::vector<FileSet> alternate_locations;  // those that may be restored to another place
  std::vector<std::string> backup_schema;
  std::string restore_method;  // "" if the writer has named none
  std::string writer_restore;  // "never", "if-replace-fails", "always", ""

  [[nodiscard]] const ComponentInfo* find(const ComponentId& id) const;
  // Of the component or of one below it.
  [[nodiscard]] bool has_files(const ComponentId& id, const FileSet& files) const;
  // Whether data are recovered on the snapshot, in PostSnapshot, in this context.
  [[nodiscard]] bool recovers_in(Context context) const;
  [[nodiscard]] bool supports(std::string_view schema) const;
  // What a backup of this type is for the writer: one of a type that it does not support is a full one. A
  // copy stays a copy: it is done as a full one, and a full one would truncate logs that nobody meant to
  // lose. vss.md 2.8.
  [[nodiscard]] std::string backup_type_for(const std::string& type) const;
};

// InvalidDocument names the place of the fault.
[[nodiscard]] Result<WriterMetadata> parse_writer_metadata(std::string_view text);

}  // namespace vss::core
