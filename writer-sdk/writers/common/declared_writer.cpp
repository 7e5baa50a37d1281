// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/declared_writer.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

namespace vss::writers {
namespace {

vss_level level_of(const ConfigTable& file) {
  static const std::map<std::string, vss_level, std::less<>> kLevels = {
      {"front-end", VSS_LEVEL_FRONT_END}, {"back-end", VSS_LEVEL_BACK_END}, {"system", VSS_LEVEL_SYSTEM}};
  const auto found = kLevels.find(file.text("level", "front-end"));
  if (found == kLevels.end()) throw file.error("level", "front-end, back-end or system is needed");
  return found->second;
}

WriterOptions writer_of(const ConfigTable& file) {
  WriterOptions writer;
  writer.name = file.required("name");
  writer.class_id = file.required("class_id");
  if (!is_guid(writer.class_id)) throw file.error("class_id", "a GUID is needed (uuidgen makes one)");
  writer.instance_name = file.text("instance_name");
  writer.version = file.text("version");
  writer.level = level_of(file);
  writer.freeze_timeout =
      file.milliseconds("freeze_timeout_ms", std::chrono::milliseconds(VSS_FREEZE_TIMEOUT_MS));
  return writer;
}

FileSet file_set(const ConfigTable& table) {
  table.only({"path", "spec", "recursive"});
  FileSet files{table.required("path"), table.text("spec", "*"), table.flag("recursive", true)};
  if (!files.path.starts_with('/')) throw table.error("path", "an absolute path is needed");
  if (files.spec.empty() || files.spec.find('/') != std::string::npos) {
    throw table.error("spec", "a file name or pattern is needed");
  }
  return files;
}

DeclaredComponent component_of(const ConfigTable& table) {
  table.only({"type", "logical_path", "name", "caption", "selectable", "files"});
  DeclaredComponent component;
  const std::string type = table.text("type", "filegroup");
  if (type != "filegroup" && type != "database") throw table.error("type", "filegroup or database is needed");
  component.type = type == "database" ? VSS_COMPONENT_DATABASE : VSS_COMPONENT_FILEGROUP;
  component.logical_path = table.text("logical_path");
  component.name = table.required("name");
  if (component.name.find('/') != std::string::npos) throw table.error("name", "a name without / is needed");
  const std::string& above = component.logical_path;
  if (above.starts_with('/') || above.ends_with('/') || above.find("//") != std::string::npos) {
    throw table.error("logical_path", "names with / between them are needed");
  }
  component.caption = table.text("caption");
  component.selectable = table.flag("selectable", true);
  for (const ConfigTable& files : table.tables("files")) component.files.push_back(file_set(files));
  if (component.files.empty()) throw table.error("files", "is required");
  return component;
}

void check_components(const ConfigTable& file, const DeclaredWriter& writer) {
  std::set<ComponentName> names;
  for (const std::string& path : writer.paths) {
    if (!path.starts_with('/')) throw file.error("paths", "absolute paths are needed");
    if (!names.insert(name_of_path(path)).second) throw file.error("paths", path + " is named twice");
  }
  for (const DeclaredComponent& component : writer.components) {
    if (!names.insert({component.logical_path, component.name}).second) {
      throw file.error("component", component.name + " is named twice");
    }
  }
}

}  // namespace

ComponentName name_of_path(const std::string& path) {
  std::filesystem::path whole = std::filesystem::path(path).lexically_normal().relative_path();
  if (!whole.has_filename()) whole = whole.parent_path();  // "/srv/"
  if (whole.empty()) return {"", "."};
  return {whole.parent_path().string(), whole.filename().string()};
}

void read_declared(const ConfigTable& file, DeclaredWriter& writer) {
  writer.writer = writer_of(file);
  writer.paths = file.texts("paths");
  for (const ConfigTable& component : file.tables("component"))
    writer.components.push_back(component_of(component));
  for (const ConfigTable& files : file.tables("exclude")) writer.excluded.push_back(file_set(files));
  writer.new_target = file.flag("new_target", false);
  check_components(file, writer);
}

void declare(const DeclaredWriter& writer, Metadata& metadata) {
  for (const std::string& path : writer.paths) {
    const std::filesystem::path whole(path);
    const ComponentName id = name_of_path(path);
    metadata.add_component(VSS_COMPONENT_FILEGROUP, id.logical_path, id.name, path);
    std::error_code missing;
    if (std::filesystem::is_regular_file(whole, missing)) {
      metadata.add_files(id.logical_path, id.name, whole.parent_path(), whole.filename(), false);
    } else {
      metadata.add_files(id.logical_path, id.name, path);
    }
  }
  for (const DeclaredComponent& component : writer.components) {
    metadata.add_component(component.type, component.logical_path, component.name, component.caption,
                           component.selectable);
    for (const FileSet& files : component.files) {
      metadata.add_files(component.logical_path, component.name, files.path, files.spec, files.recursive);
    }
  }
  if (writer.new_target) metadata.set_backup_schema(VSS_SCHEMA_NEW_TARGET);
  for (const FileSet& files : writer.excluded) metadata.add_exclude(files.path, files.spec, files.recursive);
}

}  // namespace vss::writers
