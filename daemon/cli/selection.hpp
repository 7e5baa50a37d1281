// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Which components of which writers belong to a set: those whose files lie on its volumes. A writer whose
// data lie only partly on them is an error, also if it is a whole component that is missing: silence about
// databases on another volume is how they were lost. One whose data lie elsewhere altogether is left out with
// a warning. Pure.

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
  bool selectable = false;
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
  // Whether it means this component: "WRITER:LOGICAL/PATH:NAME", or "WRITER:LOGICAL/PATH/NAME".
  [[nodiscard]] bool has_component(const std::string& wanted, const std::string& logical_path,
                                   const std::string& name) const;
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

// Each is the name of a writer or of a component.
struct SelectionRules {
  std::vector<std::string> required;   // --writer: must take part
  std::vector<std::string> excluded;   // --exclude-writer
  std::vector<std::string> only = {};  // --component: nothing else takes part, but what belongs to it
};

// The identity of the volume that a path (or, if it does not exist, its nearest existing parent) lies on.
using VolumeLookup = std::function<std::string(const std::string& path)>;

// The writer of an entry, with these components of its metadata document.
[[nodiscard]] WriterMetadata writer_metadata(const Json& writer, const Json& components);
// One entry of GatherWriterMetadata's answer. Throws Failure (InvalidDocument) if its document cannot be
// read.
[[nodiscard]] WriterMetadata parse_writer(const Json& writer);

// Selects from `writers` what lies on `volumes` (identities as `volume_of` gives them): components that stand
// for themselves, each with all that comes with it (vss.md 2.13). Without volumes, for a backup that needs no
// snapshot, what rules.only names. Throws Failure: WriterInconsistentSnapshot (data partly outside; what is
// required has none inside), ObjectNotFound (nothing answers to a name that is required).
[[nodiscard]] Selection select_components(const std::vector<WriterMetadata>& writers,
                                          const std::set<std::string>& volumes, const SelectionRules& rules,
                                          const VolumeLookup& volume_of);

// Lookup on this machine: by st_dev, which tells btrfs subvolumes apart as well.
[[nodiscard]] std::string local_volume_of(const std::string& path);

// The index of the component that a name means, alone among `components`. Throws Failure: ObjectNotFound
// (none), InvalidArgument (several).
[[nodiscard]] std::size_t find_component(const std::vector<SelectedComponent>& components,
                                         const std::vector<WriterMetadata>& writers,
                                         const std::string& wanted);

// "logical/path/name" of a component.
[[nodiscard]] std::string full_name(const std::string& logical_path, const std::string& name);
// Whether what has this logical path is below the component.
[[nodiscard]] bool is_below(const std::string& logical_path, const std::string& upper_path,
                            const std::string& upper_name);

}  // namespace vss::cli
