// SPDX-License-Identifier: LGPL-2.1-or-later
// What a backup components document contains, and what of it is selected.
#include "daemon/cli/restore_document.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "daemon/cli/failure.hpp"

namespace vss::cli {
namespace {

constexpr const char* kSelectForRestore = "select components";

const Json& empty_array() {
  static const Json kEmpty = Json::array();
  return kEmpty;
}

const Json& empty_object() {
  static const Json kEmpty = Json::object();
  return kEmpty;
}

struct Names {
  const WriterMetadata& writer;
  const std::vector<std::string>& names;
  std::set<std::string>& used;

  [[nodiscard]] bool mean_writer() const {
    return any([&](const std::string& name) { return writer.answers_to(name); });
  }
  [[nodiscard]] bool mean(const std::string& logical_path, const std::string& component) const {
    return any([&](const std::string& name) { return writer.has_component(name, logical_path, component); });
  }
  // Every name is looked at, so that each that means something is known to.
  template <typename Condition>
  bool any(Condition condition) const {
    bool found = false;
    for (const std::string& name : names) {
      if (!condition(name)) continue;
      used.insert(name);
      found = true;
    }
    return found;
  }
};

class Selector {
 public:
  Selector(const SelectionRules& rules, RestoreSelection& selection) : rules_(rules), selection_(selection) {}

  void look_at(const Json& writer) {
    const Json metadata = metadata_of(writer);
    const WriterMetadata names = writer_metadata(writer, array_at(metadata, "components"));
    const bool required = Names{names, rules_.required, used_}.mean_writer();
    if (Names{names, rules_.excluded, used_}.mean_writer()) return;
    const bool whole = rules_.only.empty() || Names{names, rules_.only, used_}.mean_writer();
    if (!rules_.required.empty() && !required) return;
    for (const Json& component : array_at(writer, "components")) take(names, component, whole);
  }

  void check_names() const {
    for (const auto* names : {&rules_.only, &rules_.required, &rules_.excluded}) {
      for (const std::string& name : *names) {
        if (!used_.contains(name))
          throw Failure(ErrorCode::ObjectNotFound, kSelectForRestore,
                        fmt::format("no \"{}\" is in the document", name));
      }
    }
    if (selection_.components.empty())
      throw Failure(ErrorCode::ObjectNotFound, kSelectForRestore, "the document has nothing to be restored");
  }

 private:
  void take(const WriterMetadata& writer, const Json& component, bool whole) {
    RestoreComponent chosen{writer.class_id,
                            writer.instance_name,
                            writer.name,
                            text(component, "logical_path"),
                            text(component, "name"),
                            {}};
    const bool named = Names{writer, rules_.only, used_}.mean(chosen.logical_path, chosen.name);
    if (Names{writer, rules_.excluded, used_}.mean(chosen.logical_path, chosen.name)) return;
    if (named) {
      selection_.components.push_back(std::move(chosen));
      return;
    }
    add_what_is_below(writer, chosen);
    if (!chosen.only.empty()) {
      selection_.components.push_back(std::move(chosen));
    } else if (whole && component.value("backup_succeeded", false)) {
      selection_.components.push_back(std::move(chosen));
    } else if (whole) {
      selection_.warnings.push_back(
          fmt::format("{} was not saved; it is restored only if --component names it", chosen.title()));
    }
  }

  void add_what_is_below(const WriterMetadata& writer, RestoreComponent& chosen) {
    for (const Component& below : writer.components) {
      if (!is_below(below.logical_path, chosen.logical_path, chosen.name)) continue;
      if (Names{writer, rules_.only, used_}.mean(below.logical_path, below.name))
        chosen.only.push_back({below.logical_path, below.name});
    }
  }

  const SelectionRules& rules_;
  RestoreSelection& selection_;
  std::set<std::string> used_;
};

}  // namespace

const Json& array_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : empty_array();
}

const Json& object_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : empty_object();
}

Json metadata_of(const Json& writer) {
  Json metadata = Json::parse(text(writer, "metadata"), nullptr, /*allow_exceptions=*/false);
  return metadata.is_object() ? metadata : empty_object();
}

const Json& writer_of(const Json& document, const RestoreComponent& component) {
  for (const Json& writer : array_at(document, "writers")) {
    if (text(writer, "class_id") == component.class_id &&
        text(writer, "instance_name") == component.instance_name)
      return writer;
  }
  return empty_object();
}

const Json& component_of(const Json& document, const RestoreComponent& component) {
  for (const Json& one : array_at(writer_of(document, component), "components")) {
    if (text(one, "logical_path") == component.logical_path && text(one, "name") == component.name)
      return one;
  }
  return empty_object();
}

Json parse_backup_document(const std::string& text) {
  Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_object()) return document;
  throw Failure(ErrorCode::InvalidDocument, "document", "is no JSON object, or only a part of one");
}

RestoreSelection select_for_restore(const Json& document, const SelectionRules& rules) {
  RestoreSelection selection;
  Selector selector(rules, selection);
  for (const Json& writer : array_at(document, "writers")) selector.look_at(writer);
  selector.check_names();
  return selection;
}

std::vector<RestoreComponent> find_selected(const RestoreSelection& selection, const std::string& wanted) {
  std::vector<RestoreComponent> found;
  for (const RestoreComponent& component : selection.components) {
    const WriterMetadata writer{"", component.class_id, component.writer, component.instance_name, {}};
    if (writer.answers_to(wanted) || writer.has_component(wanted, component.logical_path, component.name))
      found.push_back(component);
  }
  if (found.empty())
    throw Failure(ErrorCode::ObjectNotFound, "component " + wanted, "no such component is selected");
  return found;
}

}  // namespace vss::cli
