// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What the files of the command and the unit writer have in common: who the writer is, and where its data
// are.

#include <array>
#include <compare>
#include <string>
#include <string_view>
#include <vector>
#include <vss/writer.hpp>

#include "writer-sdk/writers/common/config_table.hpp"

namespace vss::writers {

struct FileSet {
  std::string path;
  std::string spec;
  bool recursive = true;
};

struct DeclaredComponent {
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

struct DeclaredWriter {
  WriterOptions writer;
  std::vector<std::string> paths;  // one component each
  std::vector<DeclaredComponent> components;
  std::vector<FileSet> excluded;
  bool new_target = false;  // its files may be restored to another place
};

inline constexpr std::array<std::string_view, 10> kDeclaredKeys = {
    "name",  "class_id",  "instance_name", "version",   "level", "freeze_timeout_ms",
    "paths", "component", "exclude",       "new_target"};

// Reads these keys. Throws ConfigError.
void read_declared(const ConfigTable& file, DeclaredWriter& writer);

// The answer to Identify.
void declare(const DeclaredWriter& writer, Metadata& metadata);

}  // namespace vss::writers
