// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/writer_metadata.hpp"

#include <algorithm>
#include <set>

#include "daemon/core/component_selection.hpp"
#include "daemon/core/document.hpp"

namespace vss::core {
namespace {
using Json = nlohmann::json;

// All of these have passed the schema: types are right, what is required is there.
const Json& list(const Json& object, const char* key) {
  static const Json kNone = Json::array();
  const auto at = object.find(key);
  return at == object.end() ? kNone : *at;
}

std::vector<std::string> texts(const Json& object, const char* key, std::vector<std::string> otherwise = {}) {
  const auto at = object.find(key);
  return at == object.end() ? std::move(otherwise) : at->get<std::vector<std::string>>();
}

ComponentId component_id(const Json& object) {
  return {object.at("logical_path").get<std::string>(), object.at("name").get<std::string>()};
}

FileSet file_set(const Json& object) {
  return {object.at("path").get<std::string>(), object.at("spec").get<std::string>(),
          object.value("recursive", false)};
}

ComponentInfo component_info(const Json& object) {
  ComponentInfo component{component_id(object),
                          object.value("type", ""),
                          object.value("selectable", false),
                          object.value("selectable_for_restore", false),
                          {},
                          {},
                          texts(object, "flags")};
  for (const Json& files : list(object, "files")) {
    component.files.push_back(
        {file_set(files), files.value("alternate_path", ""),
         texts(files, "snapshot_required", {"full", "differential", "incremental", "log"})});
  }
  for (const Json& dependency : list(object, "dependencies")) {
    component.dependencies.push_back(
        {*Guid::parse(dependency.at("class_id").get<std::string>()), component_id(dependency)});
  }
  return component;
}
}  // namespace

const ComponentInfo* WriterMetadata::find(const ComponentId& id) const {
  const auto at = std::ranges::find(components, id, &ComponentInfo::id);
  return at == components.end() ? nullptr : &*at;
}

bool WriterMetadata::has_files(const ComponentId& id, const FileSet& files) const {
  return std::ranges::any_of(components, [&](const ComponentInfo& component) {
    return (component.id == id || is_below(component.id, id)) &&
           std::ranges::find(component.files, files, &ComponentFiles::set) != component.files.end();
  });
}

bool WriterMetadata::recovers_in(Context context) const {
  const std::string_view flag = context == Context::AppRollback ? "app-rollback-recovery" : "backup-recovery";
  return std::ranges::any_of(components, [&](const ComponentInfo& component) {
    return std::ranges::find(component.flags, flag) != component.flags.end();
  });
}

bool WriterMetadata::supports(std::string_view schema) const {
  return std::ranges::find(backup_schema, schema) != backup_schema.end();
}

std::string WriterMetadata::backup_type_for(const std::string& type) const {
  const bool is_either = type == "incremental" || type == "differential";
  if (!is_either && type != "log") return type;
  const bool known = supports(type) || (is_either && supports("exclusive-incremental-differential"));
  return known ? type : "full";
}

Result<WriterMetadata> parse_writer_metadata(std::string_view text) {
  const Result<Json> document = read_document(DocumentKind::WriterMetadata, text);
  if (!document) return fail(document.error());
  WriterMetadata metadata;
  std::set<ComponentId> seen;
  for (const Json& object : list(*document, "components")) {
    ComponentInfo component = component_info(object);
    if (!seen.insert(component.id).second) {
      return fail(
          ErrorCode::InvalidDocument,
          "writer metadata: /components/" + std::to_string(metadata.components.size()) + ": named twice");
    }
    metadata.components.push_back(std::move(component));
  }
  for (const Json& object : list(*document, "exclude_files_from_snapshot"))
    metadata.excluded_from_snapshot.push_back(file_set(object));
  for (const Json& object : list(*document, "alternate_location_mappings"))
    metadata.alternate_locations.push_back(file_set(object));
  if (const auto method = document->find("restore_method"); method != document->end()) {
    metadata.restore_method = method->at("method").get<std::string>();
    metadata.writer_restore = method->at("writer_restore").get<std::string>();
  }
  metadata.backup_schema = texts(*document, "backup_schema");
  return metadata;
}

}  // namespace vss::core
