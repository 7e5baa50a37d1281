// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/command/config.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "writer-sdk/writers/common/config_table.hpp"

namespace vss::command {
namespace {

using writers::ConfigTable;

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
  if (!writers::is_guid(writer.class_id)) throw file.error("class_id", "a GUID is needed (uuidgen makes one)");
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

Component component_of(const ConfigTable& table) {
  table.only({"type", "logical_path", "name", "caption", "selectable", "files"});
  Component component;
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

Command command_of(const ConfigTable& table, std::chrono::milliseconds longest) {
  table.only({"command", "timeout_ms"});
  Command command{table.command("command"), table.milliseconds("timeout_ms", longest)};
  if (command.argv.empty()) throw table.error("command", "is required");
  return command;
}

void read_events(const ConfigTable& file, Config& config) {
  const ConfigTable events = file.section("events");
  for (const auto& [key, value] : events.table) {
    const auto facts = std::ranges::find(kEvents, key.str(), &EventFacts::key);
    if (facts == kEvents.end()) throw events.error(key.str(), "no such event");
    if (!value.is_table()) throw events.error(key.str(), "a table is needed");
    const auto index = static_cast<std::size_t>(facts - kEvents.begin());
    const bool frozen = facts->key == "freeze";
    config.commands[index] = command_of({*value.as_table(), "events." + std::string(key.str()) + "."},
                                        frozen ? config.writer.freeze_timeout : facts->limit);
  }
  auto& abort = config.commands[static_cast<std::size_t>(Event::Abort)];
  if (!abort) abort = config.command(Event::Thaw);
  if (config.command(Event::Freeze) && !abort)
    throw events.error("freeze", "freeze needs thaw or abort, else nothing undoes it");
}

void read_hooks(const ConfigTable& file, Config& config) {
  if (file.table.get("hooks") == nullptr) return;
  const ConfigTable table = file.section("hooks");
  table.only({"directory", "timeout_ms"});
  const std::chrono::milliseconds whole = config.writer.freeze_timeout;
  config.hooks = HookSettings{table.required("directory"), table.milliseconds("timeout_ms", whole), whole};
  if (!config.hooks->directory.is_absolute()) throw table.error("directory", "an absolute path is needed");
  for (const Event event : {Event::Freeze, Event::Thaw, Event::Abort}) {
    if (config.command(event))
      throw file.error("hooks", "these scripts are the commands of freeze, thaw and abort");
  }
}

void check_components(const ConfigTable& file, const Config& config) {
  std::set<ComponentName> names;
  for (const std::string& path : config.paths) {
    if (!path.starts_with('/')) throw file.error("paths", "absolute paths are needed");
    if (!names.insert(name_of_path(path)).second) throw file.error("paths", path + " is named twice");
  }
  for (const Component& component : config.components) {
    if (!names.insert({component.logical_path, component.name}).second) {
      throw file.error("component", component.name + " is named twice");
    }
  }
}

Config read(const toml::table& root) {
  const ConfigTable file{root, ""};
  file.only({"name", "class_id", "instance_name", "version", "level", "freeze_timeout_ms", "paths",
             "component", "exclude", "events", "hooks", "new_target"});
  Config config;
  config.writer = writer_of(file);
  config.paths = file.texts("paths");
  for (const ConfigTable& component : file.tables("component"))
    config.components.push_back(component_of(component));
  for (const ConfigTable& files : file.tables("exclude")) config.excluded.push_back(file_set(files));
  config.new_target = file.flag("new_target", false);
  check_components(file, config);
  read_events(file, config);
  read_hooks(file, config);
  return config;
}

}  // namespace

ComponentName name_of_path(const std::string& path) {
  std::filesystem::path whole = std::filesystem::path(path).lexically_normal().relative_path();
  if (!whole.has_filename()) whole = whole.parent_path();  // "/srv/"
  if (whole.empty()) return {"", "."};
  return {whole.parent_path().string(), whole.filename().string()};
}

tl::expected<Config, std::string> load_config(const std::filesystem::path& file) {
  return writers::read_config<Config>(file, &read);
}

}  // namespace vss::command
