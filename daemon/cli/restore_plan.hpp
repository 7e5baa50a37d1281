// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What of a backup components document is restored, and which files go where: vss.md 1.5 and 2.13. Pure.

#include <string>
#include <vector>

#include "daemon/cli/json.hpp"
#include "daemon/cli/selection.hpp"

namespace vss::cli {

// A component that was explicitly in the backup, as the members of Restore address it.
struct RestoreComponent {
  std::string class_id;
  std::string instance_name;
  std::string writer;
  std::string logical_path;
  std::string name;
  struct Below {
    std::string logical_path;
    std::string name;
  };
  std::vector<Below> only;  // of what is below it; none: all of it

  [[nodiscard]] std::string title() const { return writer + ":" + full_name(logical_path, name); }
  // Of this one alone in the document.
  [[nodiscard]] std::string key() const {
    return class_id + "|" + instance_name + "|" + full_name(logical_path, name);
  }
};

struct RestoreSelection {
  std::vector<RestoreComponent> components;
  std::vector<std::string> warnings;
};

// Takes out what an earlier restore from the document has decided and reported, as vssd does it at
// GatherWriterMetadata.
void forget_earlier_restore(Json& document);

// `text` as JSON. Throws Failure (InvalidDocument). Whether it is a document is for vssd to say, before
// anything here looks into it.
[[nodiscard]] Json parse_backup_document(const std::string& text);

// The names are those of writers and components. Without rules.only: all whose files were saved. Throws
// Failure (ObjectNotFound): a name of rules.only or rules.required means nothing in the document; nothing is
// left.
[[nodiscard]] RestoreSelection select_for_restore(const Json& document, const SelectionRules& rules);

// The selected components that a name means. Throws Failure (ObjectNotFound).
[[nodiscard]] std::vector<RestoreComponent> find_selected(const RestoreSelection& selection,
                                                          const std::string& wanted);

struct FileSetId {
  std::string path;
  std::string spec;
  bool recursive = false;
};

struct Redirection {
  std::string from;
  std::string to;
};

struct NewTarget {
  RestoreComponent component;
  FileSetId files;
  std::string destination;
};

// The file sets at or below each `from`, and where they go then. Throws Failure (ObjectNotFound): there are
// none.
[[nodiscard]] std::vector<NewTarget> new_targets(const Json& document, const RestoreSelection& selection,
                                                 const std::vector<Redirection>& redirections);
// Writes `value` into a component of the document, as the setters of Restore do.
void set_in_component(Json& document, const RestoreComponent& component, const char* key, Json value);
// Writes them into the document, as AddNewTarget does.
void add_new_targets(Json& document, const std::vector<NewTarget>& targets);

// Who restores what into which directory: VSS_RESTORE_PLAN of vssctl(1) describes it. `document` with what
// the restore has written into it so far.
[[nodiscard]] Json restore_plan(const Json& document, const RestoreSelection& selection);
// For people.
[[nodiscard]] std::string describe_plan(const Json& plan);

}  // namespace vss::cli
