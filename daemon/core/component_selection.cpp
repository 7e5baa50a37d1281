// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/component_selection.hpp"

#include <algorithm>

namespace vss::core {
namespace {
bool contains(const std::vector<ComponentId>& ids, const ComponentId& id) {
  return std::ranges::find(ids, id) != ids.end();
}

const ComponentInfo* selectable_ancestor(const WriterMetadata& metadata, const ComponentId& id,
                                         Selectable selectable) {
  const auto at = std::ranges::find_if(metadata.components, [&](const ComponentInfo& other) {
    return other.*selectable && is_below(id, other.id);
  });
  return at == metadata.components.end() ? nullptr : &*at;
}

bool is_included(const WriterSelection& writer, const ComponentId& id) {
  return std::ranges::any_of(writer.added, [&](const ComponentId& added) {
    if (added == id) return true;
    const ComponentInfo* component = writer.metadata->find(added);
    return component != nullptr && component->selectable && is_below(id, added);
  });
}

Status check_required(const WriterSelection& writer) {
  if (writer.added.empty()) return {};
  for (const ComponentInfo& component : writer.metadata->components) {
    if (inclusion_of(*writer.metadata, component) != Inclusion::Required) continue;
    if (contains(writer.added, component.id)) continue;
    return fail(ErrorCode::SelectionIncomplete, "component " + full_name(component.id) + " of writer " +
                                                    writer.name + " is required by every other one of it");
  }
  return {};
}

std::string name_of(const ComponentDependency& dependency) {
  return full_name(dependency.on) + " of writer class " + dependency.class_id.str();
}

// Another instance of the class will do.
bool is_included(const std::vector<WriterSelection>& writers, const ComponentDependency& dependency) {
  return std::ranges::any_of(writers, [&](const WriterSelection& writer) {
    return writer.class_id == dependency.class_id && is_included(writer, dependency.on);
  });
}

Status check_dependencies(const std::vector<WriterSelection>& writers, const WriterSelection& writer) {
  for (const ComponentInfo& component : writer.metadata->components) {
    const bool has_it = is_included(writer, component.id);
    for (const ComponentDependency& dependency : component.dependencies) {
      if (has_it == is_included(writers, dependency)) continue;
      const std::string dependent = full_name(component.id) + " of writer " + writer.name;
      return fail(
          ErrorCode::SelectionIncomplete,
          has_it ? dependent + " depends on " + name_of(dependency) + ", which is not in the backup"
                 : name_of(dependency) + " is in the backup without " + dependent + ", which depends on it");
    }
  }
  return {};
}
}  // namespace

std::string full_name(const ComponentId& id) {
  return id.logical_path.empty() ? id.name : id.logical_path + "/" + id.name;
}

bool is_below(const ComponentId& lower, const ComponentId& upper) {
  const std::string root = full_name(upper);
  return lower.logical_path == root || lower.logical_path.starts_with(root + "/");
}

Inclusion inclusion_of(const WriterMetadata& metadata, const ComponentInfo& component,
                       Selectable selectable) {
  if (component.*selectable) return Inclusion::Optional;
  return selectable_ancestor(metadata, component.id, selectable) == nullptr ? Inclusion::Required
                                                                            : Inclusion::Implicit;
}

Status check_addition(const WriterSelection& writer, const ComponentId& id) {
  const ComponentInfo* component = writer.metadata->find(id);
  if (component == nullptr) {
    return fail(ErrorCode::ObjectNotFound, "writer " + writer.name + " has no component " + full_name(id));
  }
  if (contains(writer.added, id)) {
    return fail(ErrorCode::ObjectAlreadyExists, "component " + full_name(id) + " was added before");
  }
  for (const ComponentId& added : writer.added) {
    const bool above = is_below(id, added);
    if (!above && !is_below(added, id)) continue;
    // A required one stands for itself only: what is below it and selectable has to be added as well.
    const ComponentInfo* upper = writer.metadata->find(above ? added : id);
    if (!upper->selectable) continue;
    return fail(ErrorCode::ObjectAlreadyExists,
                "component " + full_name(above ? id : added) + " comes with " + full_name(upper->id) +
                    (above ? ", which was added before" : ", and was added before"));
  }
  if (inclusion_of(*writer.metadata, *component) == Inclusion::Implicit) {
    const ComponentInfo* root = selectable_ancestor(*writer.metadata, id, &ComponentInfo::selectable);
    return fail(ErrorCode::InvalidArgument,
                "component " + full_name(id) + " comes with " + full_name(root->id) + " only");
  }
  return {};
}

Status check_complete(const std::vector<WriterSelection>& writers) {
  for (const WriterSelection& writer : writers) {
    if (Status required = check_required(writer); !required) return required;
    if (Status dependencies = check_dependencies(writers, writer); !dependencies) return dependencies;
  }
  return {};
}

std::vector<const ComponentInfo*> included(const WriterSelection& writer, bool select) {
  std::vector<const ComponentInfo*> all;
  for (const ComponentInfo& component : writer.metadata->components) {
    if (!select || is_included(writer, component.id)) all.push_back(&component);
  }
  return all;
}

}  // namespace vss::core
