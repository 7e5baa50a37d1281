// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/command/config.hpp"

#include <toml++/toml.h>
#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>
#include <stdexcept>

namespace vss::command {
namespace {

struct ConfigError : std::runtime_error {
  ConfigError(const toml::source_region& where, const std::string& what)
      : std::runtime_error((where.path ? *where.path : std::string("configuration")) + ":" +
                           std::to_string(where.begin.line) + ": " + what) {}
};

// A table with the name that messages call it by: "" for the file itself, else "events.freeze." and so on.
struct Table {
  const toml::table& table;
  std::string prefix;

  [[nodiscard]] ConfigError error(std::string_view key, const std::string& what) const {
    const toml::node* node = table.get(key);
    return {node == nullptr ? table.source() : node->source(), prefix + std::string(key) + ": " + what};
  }

  void only(std::initializer_list<std::string_view> known) const {
    for (const auto& [key, node] : table) {
      if (std::ranges::find(known, key.str()) == known.end()) throw error(key.str(), "unknown key");
    }
  }

  [[nodiscard]] std::string text(std::string_view key, const std::string& otherwise = {}) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return otherwise;
    if (!node->is_string()) throw error(key, "a string is needed");
    return node->as_string()->get();
  }

  [[nodiscard]] std::string required(std::string_view key) const {
    std::string value = text(key);
    if (value.empty()) throw error(key, "is required");
    return value;
  }

  [[nodiscard]] bool flag(std::string_view key, bool otherwise) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return otherwise;
    if (!node->is_boolean()) throw error(key, "true or false is needed");
    return node->as_boolean()->get();
  }

  [[nodiscard]] std::chrono::milliseconds milliseconds(std::string_view key,
                                                       std::chrono::milliseconds longest) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) return longest;
    const std::int64_t value = node->is_integer() ? node->as_integer()->get() : 0;
    if (value < 1 || value > longest.count()) {
      throw error(key, "a number from 1 to " + std::to_string(longest.count()) + " is needed");
    }
    return std::chrono::milliseconds(value);
  }

  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const {
    std::vector<std::string> values;
    const toml::node* node = table.get(key);
    if (node == nullptr) return values;
    if (!node->is_array()) throw error(key, "an array of strings is needed");
    for (const toml::node& element : *node->as_array()) {
      if (!element.is_string()) throw error(key, "an array of strings is needed");
      values.push_back(element.as_string()->get());
    }
    return values;
  }

  [[nodiscard]] std::vector<Table> tables(std::string_view key) const {
    std::vector<Table> values;
    const toml::node* node = table.get(key);
    if (node == nullptr) return values;
    if (!node->is_array()) throw error(key, "an array of tables is needed");
    for (const toml::node& element : *node->as_array()) {
      if (!element.is_table()) throw error(key, "an array of tables is needed");
      values.push_back({*element.as_table(), prefix + std::string(key) + "."});
    }
    return values;
  }
};

bool is_guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    const bool digit = std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
    if (hyphen ? text[i] != '-' : !digit) return false;
  }
  return true;
}

vss_level level_of(const Table& file) {
  static const std::map<std::string, vss_level, std::less<>> kLevels = {
      {"front-end", VSS_LEVEL_FRONT_END}, {"back-end", VSS_LEVEL_BACK_END}, {"system", VSS_LEVEL_SYSTEM}};
  const auto found = kLevels.find(file.text("level", "front-end"));
  if (found == kLevels.end()) throw file.error("level", "front-end, back-end or system is needed");
  return found->second;
}

WriterOptions writer_of(const Table& file) {
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

FileSet file_set(const Table& table) {
  table.only({"path", "spec", "recursive"});
  FileSet files{table.required("path"), table.text("spec", "*"), table.flag("recursive", true)};
  if (!files.path.starts_with('/')) throw table.error("path", "an absolute path is needed");
  if (files.spec.empty() || files.spec.find('/') != std::string::npos) {
    throw table.error("spec", "a file name or pattern is needed");
  }
  return files;
}

Component component_of(const Table& table) {
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
  for (const Table& files : table.tables("files")) component.files.push_back(file_set(files));
  if (component.files.empty()) throw table.error("files", "is required");
  return component;
}

Command command_of(const Table& table, std::chrono::milliseconds longest) {
  table.only({"command", "timeout_ms"});
  Command command{table.texts("command"), table.milliseconds("timeout_ms", longest)};
  if (command.argv.empty()) throw table.error("command", "is required");
  if (!command.argv.front().starts_with('/'))
    throw table.error("command", "the program needs an absolute path");
  return command;
}

void read_events(const Table& file, Config& config) {
  const toml::node* node = file.table.get("events");
  if (node == nullptr) return;
  if (!node->is_table()) throw file.error("events", "a table is needed");
  const Table events{*node->as_table(), "events."};
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

void read_hooks(const Table& file, Config& config) {
  const toml::node* node = file.table.get("hooks");
  if (node == nullptr) return;
  if (!node->is_table()) throw file.error("hooks", "a table is needed");
  const Table table{*node->as_table(), "hooks."};
  table.only({"directory", "timeout_ms"});
  const std::chrono::milliseconds whole = config.writer.freeze_timeout;
  config.hooks = HookSettings{table.required("directory"), table.milliseconds("timeout_ms", whole), whole};
  if (!config.hooks->directory.is_absolute()) throw table.error("directory", "an absolute path is needed");
  for (const Event event : {Event::Freeze, Event::Thaw, Event::Abort}) {
    if (config.command(event))
      throw file.error("hooks", "these scripts are the commands of freeze, thaw and abort");
  }
}

void check_components(const Table& file, const Config& config) {
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
  const Table file{root, ""};
  file.only({"name", "class_id", "instance_name", "version", "level", "freeze_timeout_ms", "paths",
             "component", "exclude", "events", "hooks", "new_target"});
  Config config;
  config.writer = writer_of(file);
  config.paths = file.texts("paths");
  for (const Table& component : file.tables("component"))
    config.components.push_back(component_of(component));
  for (const Table& files : file.tables("exclude")) config.excluded.push_back(file_set(files));
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
  try {
    return read(toml::parse_file(file.string()));
  } catch (const toml::parse_error& error) {
    return tl::unexpected(file.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                          std::string(error.description()));
  } catch (const std::exception& error) {
    return tl::unexpected(std::string(error.what()));
  }
}

}  // namespace vss::command
