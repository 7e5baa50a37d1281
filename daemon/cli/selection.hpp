// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Which components of which writers belong to a set: those whose files lie on its volumes. A writer whose
// data lies only partly on them is an error, for its part of the backup could not be restored. Pure.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "daemon/cli/json.hpp"

namespace vss::cli {

struct Component {
  std::string logical_path;
  std::string name;
  std::vector<std::string> paths;  // every place where it has files
};

// One writer as GatherWriterMetadata gave it.
struct WriterMetadata {
  std::string instance_id;
  std::string class_id;
  std::string name;
  std::string instance_name;
  std::vector<Component> components;

  // Whether a name on the command line means this writer: name, instance name, instance id or class id.
  [[nodiscard]] bool answers_to(const std::string& wanted) const;
};

struct SelectedComponent {
  std::string instance_id;
  std::string writer;
  std::string logical_path;
  std::string name;

  friend bool operator==(const SelectedComponent&, const SelectedComponent&) = default;
};

struct Selection {
  std::vector<SelectedComponent> components;
  std::vector<std::string> warnings;
};

struct SelectionRules {
  std::vector<std::string> required;  // --writer: must take part
  std::vector<std::string> excluded;  // --exclude-writer
};

// The identity of the volume that a path (or, if it does not exist, its nearest existing parent) lies on.
using VolumeLookup = std::function<std::string(const std::string& path)>;

// One entry of GatherWriterMetadata's answer. Throws Failure (InvalidDocument) if its document cannot be
// read.
[[nodiscard]] WriterMetadata parse_writer(const Json& writer);

// Selects from `writers` what lies on `volumes` (identities as `volume_of` gives them).
// Throws Failure: WriterInconsistentSnapshot (data partly outside; a required writer has none inside),
// ObjectNotFound (no writer answers to a required name).
[[nodiscard]] Selection select_components(const std::vector<WriterMetadata>& writers,
                                          const std::set<std::string>& volumes, const SelectionRules& rules,
                                          const VolumeLookup& volume_of);

// Lookup on this machine: by st_dev, which tells btrfs subvolumes apart as well.
[[nodiscard]] std::string local_volume_of(const std::string& path);

// "logical\path\name" of a component, as VSS writes it.
[[nodiscard]] std::string full_name(const std::string& logical_path, const std::string& name);

}  // namespace vss::cli
