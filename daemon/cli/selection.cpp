// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/selection.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "daemon/cli/failure.hpp"

namespace vss::cli {
namespace {

constexpr const char* kWhat = "select components";

Component parse_component(const Json& json) {
  Component component{text(json, "logical_path"), text(json, "name"), {}, false};
  if (const auto selectable = json.find("selectable"); selectable != json.end() && selectable->is_boolean())
    component.selectable = selectable->get<bool>();
  if (const auto files = json.find("files"); files != json.end()) {
    for (const Json& file : *files) component.paths.push_back(text(file, "path"));
  }
  return component;
}

bool any_answers_to(const WriterMetadata& writer, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const auto& name) { return writer.answers_to(name); });
}

bool any_names(const WriterMetadata& writer, const Component& component,
               const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const auto& name) {
    return writer.has_component(name, component.logical_path, component.name);
  });
}

bool knows(const WriterMetadata& writer, const std::string& name) {
  return writer.answers_to(name) ||
         std::any_of(writer.components.begin(), writer.components.end(), [&](const Component& component) {
           return writer.has_component(name, component.logical_path, component.name);
         });
}

void warn_of_unknown_exclusions(const std::vector<WriterMetadata>& writers,
                                const std::vector<std::string>& excluded,
                                std::vector<std::string>& warnings) {
  for (const std::string& name : excluded) {
    if (std::none_of(writers.begin(), writers.end(), [&](const auto& w) { return knows(w, name); })) {
      warnings.push_back(fmt::format("no writer \"{}\" to exclude", name));
    }
  }
}

// Comes with a selectable one above it.
bool is_implicit(const WriterMetadata& writer, const Component& component) {
  return std::any_of(writer.components.begin(), writer.components.end(), [&](const Component& other) {
    return other.selectable && is_below(component.logical_path, other.logical_path, other.name);
  });
}

// With the files of all that comes with it.
Component with_descendants(const WriterMetadata& writer, Component component) {
  if (!component.selectable) return component;
  for (const Component& other : writer.components) {
    if (is_below(other.logical_path, component.logical_path, component.name))
      component.paths.insert(component.paths.end(), other.paths.begin(), other.paths.end());
  }
  return component;
}

// Where the files of one component lie, seen from the set.
struct Placement {
  bool any_inside = false;
  std::string outside;  // the first path that is not on the set
};

Placement place(const Component& component, const std::set<std::string>& volumes,
                const VolumeLookup& volume_of) {
  Placement placement;
  for (const std::string& path : component.paths) {
    if (volumes.contains(volume_of(path))) {
      placement.any_inside = true;
    } else if (placement.outside.empty()) {
      placement.outside = path;
    }
  }
  return placement;
}

[[noreturn]] void refuse(const WriterMetadata& writer, const Component& component,
                         const std::string& outside) {
  throw Failure(
      ErrorCode::WriterInconsistentSnapshot, kWhat,
      fmt::format("component \"{}\" of writer \"{}\" lies only partly on the volumes of the set: {} "
                  "does not; add its volume with -v, or leave the component or the writer out with "
                  "--exclude-writer",
                  full_name(component.logical_path, component.name), writer.name, outside));
}

// What of the writer is selected: all that has data. Only a writer whose data lie elsewhere altogether is
// left out, and that with a warning.
std::vector<const Component*> inside(const WriterMetadata& writer, const std::set<std::string>& volumes,
                                     const SelectionRules& rules, const VolumeLookup& volume_of,
                                     std::vector<std::string>& warnings) {
  std::vector<const Component*> chosen;
  std::vector<const Component*> without_data;
  const Component* missing = nullptr;
  std::string outside;
  for (const Component& component : writer.components) {
    if (is_implicit(writer, component) || any_names(writer, component, rules.excluded)) continue;
    const Placement placement = place(with_descendants(writer, component), volumes, volume_of);
    if (placement.any_inside && !placement.outside.empty()) refuse(writer, component, placement.outside);
    if (placement.any_inside) {
      chosen.push_back(&component);
    } else if (!placement.outside.empty()) {
      if (missing == nullptr) {
        missing = &component;
        outside = placement.outside;
      }
    } else if (!component.selectable) {
      without_data.push_back(&component);  // required with anything else of the writer
    }
  }
  if (chosen.empty()) {
    if (missing != nullptr)
      warnings.push_back(
          fmt::format("writer \"{}\" takes no part: its data are not on the volumes of the set ({})",
                      writer.name, outside));
    return chosen;
  }
  if (missing != nullptr) refuse(writer, *missing, outside);
  chosen.insert(chosen.end(), without_data.begin(), without_data.end());
  return chosen;
}

// What of the writer the names mean, with what has to be in if anything is.
std::vector<const Component*> named(const WriterMetadata& writer, const std::set<std::string>& volumes,
                                    const SelectionRules& rules, const VolumeLookup& volume_of) {
  const bool whole = any_answers_to(writer, rules.only);
  std::vector<const Component*> chosen;
  std::vector<const Component*> belonging;
  for (const Component& component : writer.components) {
    if (any_names(writer, component, rules.excluded)) continue;
    const bool stands_alone = !is_implicit(writer, component);
    if (any_names(writer, component, rules.only) || (whole && stands_alone)) {
      chosen.push_back(&component);
    } else if (stands_alone && !component.selectable) {
      belonging.push_back(&component);
    }
  }
  if (chosen.empty()) return chosen;
  chosen.insert(chosen.end(), belonging.begin(), belonging.end());
  if (volumes.empty()) return chosen;
  for (const Component* component : chosen) {
    const Placement placement = place(with_descendants(writer, *component), volumes, volume_of);
    if (!placement.outside.empty()) refuse(writer, *component, placement.outside);
  }
  return chosen;
}

// Whether a selected component is what the name means, or brings it with it.
bool fulfils(const WriterMetadata& writer, const SelectedComponent& selected, const std::string& name) {
  if (selected.instance_id != writer.instance_id) return false;
  if (writer.answers_to(name) || writer.has_component(name, selected.logical_path, selected.name))
    return true;
  return std::any_of(writer.components.begin(), writer.components.end(), [&](const Component& component) {
    return is_below(component.logical_path, selected.logical_path, selected.name) &&
           writer.has_component(name, component.logical_path, component.name);
  });
}

void require(const std::vector<WriterMetadata>& writers, const std::vector<std::string>& required,
             const std::vector<SelectedComponent>& selected) {
  for (const std::string& name : required) {
    bool known = false;
    bool takes_part = false;
    for (const WriterMetadata& writer : writers) {
      if (!knows(writer, name)) continue;
      known = true;
      takes_part |= std::any_of(selected.begin(), selected.end(),
                                [&](const auto& one) { return fulfils(writer, one, name); });
    }
    if (!known) {
      throw Failure(ErrorCode::ObjectNotFound, kWhat, fmt::format("no writer \"{}\" has answered", name));
    }
    if (!takes_part) {
      throw Failure(ErrorCode::WriterInconsistentSnapshot, kWhat,
                    fmt::format("writer \"{}\" has no component on the volumes of the set", name));
    }
  }
}

}  // namespace

std::string full_name(const std::string& logical_path, const std::string& name) {
  return logical_path.empty() ? name : logical_path + "/" + name;
}

bool is_below(const std::string& logical_path, const std::string& upper_path, const std::string& upper_name) {
  const std::string root = full_name(upper_path, upper_name);
  return logical_path == root || logical_path.starts_with(root + "/");
}

bool WriterMetadata::answers_to(const std::string& wanted) const {
  return wanted == name || wanted == instance_id || wanted == class_id ||
         (!instance_name.empty() && wanted == instance_name);
}

bool WriterMetadata::has_component(const std::string& wanted, const std::string& logical_path,
                                   const std::string& component) const {
  for (const std::string& id : {name, instance_name, instance_id, class_id}) {
    if (id.empty() || !wanted.starts_with(id + ":")) continue;
    const std::string rest = wanted.substr(id.size() + 1);
    if (rest == full_name(logical_path, component) || rest == logical_path + ":" + component) return true;
  }
  return false;
}

WriterMetadata writer_metadata(const Json& writer, const Json& components) {
  WriterMetadata metadata{text(writer, "instance_id"),
                          text(writer, "class_id"),
                          text(writer, "name"),
                          text(writer, "instance_name"),
                          {}};
  for (const Json& component : components) metadata.components.push_back(parse_component(component));
  return metadata;
}

WriterMetadata parse_writer(const Json& writer) {
  const Json document = Json::parse(text(writer, "document"), nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) {
    throw Failure(
        ErrorCode::InvalidDocument, kWhat,
        fmt::format("the metadata document of writer \"{}\" is no JSON object", text(writer, "name")));
  }
  return writer_metadata(writer, document.value("components", Json::array()));
}

Selection select_components(const std::vector<WriterMetadata>& writers, const std::set<std::string>& volumes,
                            const SelectionRules& rules, const VolumeLookup& volume_of) {
  Selection selection;
  warn_of_unknown_exclusions(writers, rules.excluded, selection.warnings);
  for (const WriterMetadata& writer : writers) {
    if (any_answers_to(writer, rules.excluded)) continue;
    const auto chosen = rules.only.empty() ? inside(writer, volumes, rules, volume_of, selection.warnings)
                                           : named(writer, volumes, rules, volume_of);
    for (const Component* component : chosen) {
      selection.components.push_back(
          {writer.instance_id, writer.name, component->logical_path, component->name});
    }
  }
  require(writers, rules.only, selection.components);
  require(writers, rules.required, selection.components);
  return selection;
}

std::size_t find_component(const std::vector<SelectedComponent>& components,
                           const std::vector<WriterMetadata>& writers, const std::string& wanted) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < components.size(); ++i) {
    const SelectedComponent& one = components[i];
    const bool means = std::any_of(writers.begin(), writers.end(), [&](const WriterMetadata& writer) {
      return writer.instance_id == one.instance_id &&
             (writer.answers_to(wanted) || writer.has_component(wanted, one.logical_path, one.name));
    });
    if (!means) continue;
    if (found) {
      throw Failure(ErrorCode::InvalidArgument, "component " + wanted,
                    "that means several; write WRITER:LOGICAL/PATH:NAME");
    }
    found = i;
  }
  if (!found)
    throw Failure(ErrorCode::ObjectNotFound, "component " + wanted, "no such component is selected");
  return *found;
}

std::string local_volume_of(const std::string& path) {
  namespace fs = std::filesystem;
  for (fs::path at(path);; at = at.parent_path()) {
    struct stat info {};
    if (::stat(at.c_str(), &info) == 0) return fmt::format("{}", info.st_dev);
    if (at == at.parent_path()) return "";
  }
}

}  // namespace vss::cli
