// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/selection.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "daemon/cli/failure.hpp"

namespace vss::cli {
namespace {

constexpr const char* kWhat = "select components";

Component parse_component(const Json& json) {
  Component component{text(json, "logical_path"), text(json, "name"), {}};
  if (const auto files = json.find("files"); files != json.end()) {
    for (const Json& file : *files) component.paths.push_back(text(file, "path"));
  }
  return component;
}

bool any_answers_to(const WriterMetadata& writer, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const auto& name) { return writer.answers_to(name); });
}

void warn_of_unknown_exclusions(const std::vector<WriterMetadata>& writers,
                                const std::vector<std::string>& excluded,
                                std::vector<std::string>& warnings) {
  for (const std::string& name : excluded) {
    if (std::none_of(writers.begin(), writers.end(), [&](const auto& w) { return w.answers_to(name); })) {
      warnings.push_back(fmt::format("no writer \"{}\" to exclude", name));
    }
  }
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

void require_writers(const std::vector<WriterMetadata>& writers, const std::vector<std::string>& required,
                     const std::vector<SelectedComponent>& selected) {
  for (const std::string& name : required) {
    bool known = false;
    bool takes_part = false;
    for (const WriterMetadata& writer : writers) {
      if (!writer.answers_to(name)) continue;
      known = true;
      takes_part |= std::any_of(selected.begin(), selected.end(),
                                [&](const auto& one) { return one.instance_id == writer.instance_id; });
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
  return logical_path.empty() ? name : logical_path + "\\" + name;
}

bool WriterMetadata::answers_to(const std::string& wanted) const {
  return wanted == name || wanted == instance_id || wanted == class_id ||
         (!instance_name.empty() && wanted == instance_name);
}

WriterMetadata parse_writer(const Json& writer) {
  WriterMetadata metadata{text(writer, "instance_id"),
                          text(writer, "class_id"),
                          text(writer, "name"),
                          text(writer, "instance_name"),
                          {}};
  const Json document = Json::parse(text(writer, "document"), nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) {
    throw Failure(ErrorCode::InvalidDocument, kWhat,
                  fmt::format("the metadata document of writer \"{}\" is no JSON object", metadata.name));
  }
  if (const auto components = document.find("components"); components != document.end()) {
    for (const Json& component : *components) metadata.components.push_back(parse_component(component));
  }
  return metadata;
}

Selection select_components(const std::vector<WriterMetadata>& writers, const std::set<std::string>& volumes,
                            const SelectionRules& rules, const VolumeLookup& volume_of) {
  Selection selection;
  warn_of_unknown_exclusions(writers, rules.excluded, selection.warnings);
  for (const WriterMetadata& writer : writers) {
    if (any_answers_to(writer, rules.excluded)) continue;
    for (const Component& component : writer.components) {
      const Placement placement = place(component, volumes, volume_of);
      if (placement.any_inside && !placement.outside.empty()) {
        throw Failure(
            ErrorCode::WriterInconsistentSnapshot, kWhat,
            fmt::format("component \"{}\" of writer \"{}\" lies only partly on the volumes of the set: {} "
                        "does not; add its volume with -v, or leave the writer out with --exclude-writer",
                        full_name(component.logical_path, component.name), writer.name, placement.outside));
      }
      if (!placement.any_inside) continue;
      selection.components.push_back(
          {writer.instance_id, writer.name, component.logical_path, component.name});
    }
  }
  require_writers(writers, rules.required, selection.components);
  return selection;
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
