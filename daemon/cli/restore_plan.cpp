// SPDX-License-Identifier: LGPL-2.1-or-later
// Which files of the selected components go where.
#include "daemon/cli/restore_plan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/cli/failure.hpp"
#include "daemon/cli/output.hpp"
#include "daemon/cli/restore_document.hpp"
#include "daemon/cli/writer_status.hpp"

namespace vss::cli {
namespace {

FileSetId id_of(const Json& files) {
  return {text(files, "path"), text(files, "spec"), files.value("recursive", false)};
}

bool same(const FileSetId& one, const FileSetId& other) {
  return one.path == other.path && one.spec == other.spec && one.recursive == other.recursive;
}

// Where the mappings send a file set; "" if nowhere.
std::string mapped(const Json& mappings, const FileSetId& files) {
  for (const Json& mapping : mappings) {
    if (same(id_of(mapping), files)) return text(mapping, "destination");
  }
  return "";
}

// The volume of the backup that a path was on; "" if its snapshot was not in the set.
std::string volume_of(const Json& document, const std::string& path) {
  std::string longest;
  for (const Json& snapshot : array_at(document, "snapshots")) {
    const std::string volume = text(snapshot, "volume");
    const bool on_it = volume == "/" || path == volume || path.starts_with(volume + "/");
    if (on_it && volume.size() > longest.size()) longest = volume;
  }
  return longest;
}

// The components of the metadata whose files are restored with this one.
std::vector<const Json*> parts(const Json& metadata, const RestoreComponent& component) {
  std::vector<const Json*> result;
  for (const Json& part : array_at(metadata, "components")) {
    const std::string path = text(part, "logical_path");
    const std::string name = text(part, "name");
    const auto belongs_to = [&](const auto& upper) {
      return (path == upper.logical_path && name == upper.name) ||
             is_below(path, upper.logical_path, upper.name);
    };
    const bool wanted = component.only.empty()
                            ? belongs_to(component)
                            : std::any_of(component.only.begin(), component.only.end(), belongs_to);
    if (wanted) result.push_back(&part);
  }
  return result;
}

Json file_set(const Json& document, const Json& part, const Json& files, std::string destination) {
  const std::string path = text(files, "path");
  const std::string alternate = text(files, "alternate_path");
  return {{"component", full_name(text(part, "logical_path"), text(part, "name"))},
          {"kind", files.value("kind", "files")},
          {"path", path},
          {"spec", text(files, "spec")},
          {"recursive", files.value("recursive", false)},
          {"saved_from", alternate.empty() ? path : alternate},
          {"volume", volume_of(document, alternate.empty() ? path : alternate)},
          {"destination", std::move(destination)}};
}

Json file_sets(const Json& document, const Json& metadata, const Json& saved,
               const RestoreComponent& component) {
  const Json& mappings = array_at(metadata, "alternate_location_mappings");
  const bool alternate =
      text(saved, "restore_target") == "alternate" ||
      text(object_at(metadata, "restore_method"), "method") == "restore-to-alternate-location";
  Json sets = Json::array();
  for (const Json* part : parts(metadata, component)) {
    for (const Json& files : array_at(*part, "files")) {
      const FileSetId id = id_of(files);
      std::string destination = mapped(array_at(saved, "new_targets"), id);
      const bool new_target = !destination.empty();
      std::string other = alternate && !new_target ? mapped(mappings, id) : "";
      Json set = file_set(document, *part, files, new_target ? destination : other.empty() ? id.path : other);
      set["alternate_location"] = !other.empty();
      sets.push_back(std::move(set));
    }
  }
  return sets;
}

Json component_plan(const Json& document, const Json& writer, const Json& saved,
                    const RestoreComponent& component) {
  const Json metadata = metadata_of(writer);
  const Json& method = object_at(metadata, "restore_method");
  Json below = Json::array();
  for (const auto& one : component.only)
    below.push_back({{"logical_path", one.logical_path}, {"name", one.name}});
  Json plan{{"writer", component.writer},
            {"class_id", component.class_id},
            {"instance_name", component.instance_name},
            {"logical_path", component.logical_path},
            {"name", component.name},
            {"type", saved.value("type", "filegroup")},
            {"backup_succeeded", saved.value("backup_succeeded", false)},
            {"backup_stamp", saved.value("backup_stamp", "")},
            {"restore_method", text(method, "method")},
            {"service", text(method, "service")},
            {"user_procedure", text(method, "user_procedure")},
            {"reboot_required", method.value("reboot_required", false)},
            {"restore_target", saved.value("restore_target", "original")},
            {"restore_options", saved.value("restore_options", "")},
            {"restore_name", saved.value("restore_name", "")},
            {"additional_restores", saved.value("additional_restores", false)},
            {"authoritative_restore", saved.value("authoritative_restore", false)},
            {"subcomponents", std::move(below)},
            {"file_sets", file_sets(document, metadata, saved, component)},
            {"exclude", array_at(metadata, "exclude_files")}};
  for (const char* key : {"partial_files", "differenced_files", "directed_targets"})
    plan[key] = array_at(saved, key);
  return plan;
}

}  // namespace

namespace {
// "/" is "".
std::string without_slash(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path;
}
}  // namespace

std::vector<NewTarget> new_targets(const Json& document, const RestoreSelection& selection,
                                   const std::vector<Redirection>& redirections) {
  std::vector<NewTarget> targets;
  for (const Redirection& given : redirections) {
    const Redirection redirection{without_slash(given.from), without_slash(given.to)};
    const std::size_t before = targets.size();
    for (const RestoreComponent& component : selection.components) {
      const Json metadata = metadata_of(writer_of(document, component));
      for (const Json* part : parts(metadata, component)) {
        for (const Json& files : array_at(*part, "files")) {
          const FileSetId id = id_of(files);
          const std::string path = without_slash(id.path);
          const bool below = path == redirection.from || path.starts_with(redirection.from + "/");
          if (!below) continue;
          const std::string to = redirection.to + path.substr(redirection.from.size());
          targets.push_back({component, id, to.empty() ? "/" : to});
        }
      }
    }
    if (targets.size() == before) {
      throw Failure(ErrorCode::ObjectNotFound, "new target of " + given.from,
                    "no selected component has files there");
    }
  }
  return targets;
}

void add_new_targets(Json& document, const std::vector<NewTarget>& targets) {
  for (const NewTarget& target : targets) {
    for (Json& writer : document["writers"]) {
      if (&writer != &writer_of(document, target.component)) continue;
      for (Json& saved : writer["components"]) {
        if (&saved != &component_of(document, target.component)) continue;
        saved["new_targets"].push_back({{"path", target.files.path},
                                        {"spec", target.files.spec},
                                        {"recursive", target.files.recursive},
                                        {"destination", target.destination}});
      }
    }
  }
}

void set_in_component(Json& document, const RestoreComponent& component, const char* key, Json value) {
  for (Json& writer : document["writers"]) {
    if (&writer != &writer_of(document, component)) continue;
    for (Json& saved : writer["components"]) {
      if (&saved == &component_of(document, component)) saved[key] = value;
    }
  }
}

void forget_earlier_restore(Json& document) {
  static constexpr const char* kKeys[] = {
      "selected_for_restore",        "additional_restores", "restore_options",       "restore_name",
      "authoritative_restore",       "roll_forward",        "restore_subcomponents", "new_targets",
      "alternate_location_mappings", "restore_target",      "directed_targets",      "file_restore_status",
      "pre_restore_failure",         "post_restore_failure"};
  for (Json& writer : document["writers"]) {
    for (Json& component : writer["components"]) {
      for (const char* key : kKeys) component.erase(key);
    }
  }
}

Json restore_plan(const Json& document, const RestoreSelection& selection) {
  Json plan{{"version", 1}};
  for (const char* key : {"session_id", "set_id", "machine", "context", "backup_type", "created"})
    plan[key] = document.value(key, Json());
  plan["components"] = Json::array();
  for (const RestoreComponent& component : selection.components) {
    plan["components"].push_back(component_plan(document, writer_of(document, component),
                                                component_of(document, component), component));
  }
  return plan;
}

std::string describe_plan(const Json& plan) {
  std::vector<std::vector<std::string>> rows;
  for (const Json& component : plan.at("components")) {
    const std::string name = full_name(text(component, "logical_path"), text(component, "name"));
    for (const Json& files : component.at("file_sets")) {
      rows.push_back({cell(component.at("writer")), printable(name),
                      printable(text(files, "path") + "/" + text(files, "spec")) +
                          (files.value("recursive", false) ? " and below" : ""),
                      cell(component.at("restore_method")), cell(files.at("destination"))});
    }
    if (component.at("file_sets").empty())
      rows.push_back({cell(component.at("writer")), printable(name), "-", "-", "-"});
  }
  return aligned({"WRITER", "COMPONENT", "FILES", "METHOD", "TO"}, rows);
}

}  // namespace vss::cli
