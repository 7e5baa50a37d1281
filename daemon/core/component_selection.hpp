// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What is in a backup when components are selected: vss.md 2.13. Pure. Components form a tree: the children
// of one have its logical path and name as their logical path. VSS:
// https://learn.microsoft.com/windows/win32/vss/working-with-selectability-for-backup

#include <string>
#include <vector>

#include "daemon/core/error.hpp"
#include "daemon/core/writer_metadata.hpp"

namespace vss::core {

// How a component may get into a backup.
enum class Inclusion : std::uint8_t {
  Optional,  // selectable: may be added; it brings with it all that is below
  Required,  // not selectable, no selectable ancestor: has to be added if anything of the writer is
  Implicit,  // not selectable below a selectable one: comes with that one only
};

// "logical_path/name".
[[nodiscard]] std::string full_name(const ComponentId& id);
[[nodiscard]] bool is_below(const ComponentId& lower, const ComponentId& upper);

// In a backup a component's own "selectable" counts, in a restore "selectable_for_restore".
using Selectable = bool ComponentInfo::*;
[[nodiscard]] Inclusion inclusion_of(const WriterMetadata& metadata, const ComponentInfo& component,
                                     Selectable selectable = &ComponentInfo::selectable);

// What a writer has and what of it was added.
struct WriterSelection {
  Guid class_id;
  std::string name;
  const WriterMetadata* metadata = nullptr;
  std::vector<ComponentId> added;
};

// Whether the component can be added beside what was. Errors: ObjectNotFound, ObjectAlreadyExists (also: it
// comes with one that was added, or one that was added would come with it), InvalidArgument (it comes with
// another one only).
[[nodiscard]] Status check_addition(const WriterSelection& writer, const ComponentId& id);

// Whether all that belongs to what was added was added: required components, and dependencies between writers
// (both or neither). SelectionIncomplete names what is missing.
[[nodiscard]] Status check_complete(const std::vector<WriterSelection>& writers);

// What was added with all that comes with it; all components if the backup takes whole volumes (`select` is
// false).
[[nodiscard]] std::vector<const ComponentInfo*> included(const WriterSelection& writer, bool select);

}  // namespace vss::core
