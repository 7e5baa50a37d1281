// SPDX-License-Identifier: LGPL-2.1-or-later
// The functions of metadata.h. What they make is valid by dbus/schema/writer-metadata-1.schema.json.
#include <algorithm>
#include <array>
#include <exception>
#include <string>
#include <string_view>

#include "writer-sdk/include/vss/writer.h"
#include "writer-sdk/src/metadata.hpp"
#include "writer-sdk/src/names.hpp"
#include "writer-sdk/src/text.hpp"

using nlohmann::json;

namespace vss {
namespace {

constexpr std::size_t kComponentLimit = 4096;
constexpr std::uint32_t kRequiredMask =
    VSS_BACKUP_REQUIRED_ALL | VSS_SNAPSHOT_REQUIRED_ALL | VSS_CREATED_DURING_BACKUP;
constexpr std::uint32_t kComponentMask = VSS_COMPONENT_SELECTABLE | VSS_COMPONENT_SELECTABLE_FOR_RESTORE |
                                         VSS_COMPONENT_NOTIFY_ON_BACKUP_COMPLETE | mask_of(kComponentFlags);
constexpr std::array<std::string_view, 8> kRestoreMethods = {"restore-if-not-there",
                                                             "restore-if-can-replace",
                                                             "stop-restart-service",
                                                             "restore-to-alternate-location",
                                                             "restore-at-reboot",
                                                             "restore-at-reboot-if-cannot-replace",
                                                             "custom",
                                                             "restore-stop-start"};

bool is_path(std::string_view path) { return path.starts_with('/') && is_utf8(path); }
bool is_name(std::string_view name) {
  return !name.empty() && name.find('/') == std::string_view::npos && is_utf8(name);
}
// Names with '/' between them, or nothing.
bool is_logical_path(std::string_view path) {
  return path.empty() || (!path.starts_with('/') && !path.ends_with('/') &&
                          path.find("//") == std::string_view::npos && is_utf8(path));
}
bool is_file_set(const char* path, const char* spec) { return is_path(given(path)) && is_name(given(spec)); }

json file_set(std::string_view path, std::string_view spec, int recursive) {
  return {{"path", path}, {"spec", spec}, {"recursive", recursive != 0}};
}

bool is_same_set(const json& a, const json& b) {
  return a["path"] == b["path"] && a["spec"] == b["spec"] && a["recursive"] == b["recursive"];
}

template <std::size_t Size>
json names_in(const std::array<Name, Size>& names, std::uint32_t mask) {
  json list = json::array();
  for (const Name& name : names) {
    if ((mask & name.number) != 0) list.push_back(name.text);
  }
  return list;
}

json* find_described(vss_metadata& metadata, const char* logical_path, const char* name) {
  const auto found = metadata.components.find({std::string(given(logical_path)), std::string(given(name))});
  return found == metadata.components.end() ? nullptr : &metadata.document["components"][found->second];
}

bool has_files(const json& document, const json& set) {
  return std::ranges::any_of(document["components"], [&](const json& component) {
    return std::ranges::any_of(component["files"],
                               [&](const json& files) { return is_same_set(files, set); });
  });
}

// What all functions on vss_metadata share: the thread rule and the wall against exceptions.
template <typename Body>
int change(vss_metadata* metadata, Body body) {
  if (metadata == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (metadata->thread != std::this_thread::get_id()) return VSS_ERR_BAD_STATE;
  try {
    return body();
  } catch (const std::exception&) {
    return VSS_ERR_OUT_OF_MEMORY;
  }
}

int add_to_list(vss_metadata* metadata, const char* list, const char* path, const char* spec, int recursive) {
  return change(metadata, [&]() -> int {
    if (!is_file_set(path, spec)) return VSS_ERR_INVALID_ARGUMENT;
    metadata->document[list].push_back(file_set(path, spec, recursive));
    return VSS_OK;
  });
}

// Only what is not the default of the schema.
json described_files(vss_file_kind kind, json files, const char* alternate_path, std::uint32_t required) {
  const std::uint32_t backup = required & VSS_BACKUP_REQUIRED_ALL;
  const std::uint32_t snapshot = (required & VSS_SNAPSHOT_REQUIRED_ALL) >> kSnapshotShift;
  if (kind != VSS_FILES) files["kind"] = name_of(kFileKinds, kind);
  if (alternate_path != nullptr) files["alternate_path"] = alternate_path;
  if (backup != VSS_BACKUP_REQUIRED_ALL) files["backup_required"] = names_in(kBackupTypes, backup);
  if (snapshot != VSS_BACKUP_REQUIRED_ALL) files["snapshot_required"] = names_in(kBackupTypes, snapshot);
  if ((required & VSS_CREATED_DURING_BACKUP) != 0) files["created_during_backup"] = true;
  return files;
}

}  // namespace
}  // namespace vss

using vss::given;

extern "C" {

int vss_metadata_fail(vss_metadata* metadata, const char* message) {
  return vss::change(metadata, [&] {
    metadata->failure = vss::to_message(given(message));
    return VSS_OK;
  });
}

int vss_metadata_add_component(vss_metadata* metadata, vss_component_type type, const char* logical_path,
                               const char* name, const char* caption, uint32_t flags) {
  return vss::change(metadata, [&]() -> int {
    const std::string path(given(logical_path));
    const std::string component(given(name));
    const std::string_view title = given(caption);
    const std::string_view type_name = vss::name_of(vss::kComponentTypes, type);
    if (type_name.empty() || !vss::is_name(component) || !vss::is_logical_path(path) ||
        !vss::is_utf8(title) || (flags & ~vss::kComponentMask) != 0) {
      return VSS_ERR_INVALID_ARGUMENT;
    }
    if (vss::find_described(*metadata, logical_path, name) != nullptr) return VSS_ERR_ALREADY_EXISTS;
    json& list = metadata->document["components"];
    if (list.size() >= vss::kComponentLimit) return VSS_ERR_INVALID_ARGUMENT;
    json added{{"type", type_name},
               {"logical_path", path},
               {"name", component},
               {"caption", title},
               {"selectable", (flags & VSS_COMPONENT_SELECTABLE) != 0},
               {"selectable_for_restore", (flags & VSS_COMPONENT_SELECTABLE_FOR_RESTORE) != 0},
               {"notify_on_backup_complete", (flags & VSS_COMPONENT_NOTIFY_ON_BACKUP_COMPLETE) != 0},
               {"flags", vss::names_in(vss::kComponentFlags, flags)},
               {"files", json::array()}};
    list.push_back(std::move(added));
    metadata->components.emplace(std::pair(path, component), list.size() - 1);
    return VSS_OK;
  });
}

int vss_metadata_set_restore_metadata(vss_metadata* metadata, const char* logical_path, const char* name,
                                      const char* text) {
  return vss::change(metadata, [&]() -> int {
    if (text == nullptr || !vss::is_utf8(text)) return VSS_ERR_INVALID_ARGUMENT;
    json* component = vss::find_described(*metadata, logical_path, name);
    if (component == nullptr) return VSS_ERR_NOT_FOUND;
    (*component)["restore_metadata"] = text;
    return VSS_OK;
  });
}

int vss_metadata_add_files(vss_metadata* metadata, const char* logical_path, const char* name,
                           const char* path, const char* spec, int recursive) {
  return vss_metadata_add_file_set(metadata, logical_path, name, VSS_FILES, path, spec, recursive, nullptr,
                                   VSS_REQUIRED_DEFAULT);
}

int vss_metadata_add_file_set(vss_metadata* metadata, const char* logical_path, const char* name,
                              vss_file_kind kind, const char* path, const char* spec, int recursive,
                              const char* alternate_path, uint32_t required) {
  return vss::change(metadata, [&]() -> int {
    if (vss::name_of(vss::kFileKinds, kind).empty() || !vss::is_file_set(path, spec) ||
        (alternate_path != nullptr && !vss::is_path(alternate_path)) ||
        (required & ~vss::kRequiredMask) != 0) {
      return VSS_ERR_INVALID_ARGUMENT;
    }
    json* component = vss::find_described(*metadata, logical_path, name);
    if (component == nullptr) return VSS_ERR_NOT_FOUND;
    if (kind != VSS_FILES && (*component)["type"] != "database") return VSS_ERR_INVALID_ARGUMENT;
    (*component)["files"].push_back(
        vss::described_files(kind, vss::file_set(path, spec, recursive), alternate_path, required));
    return VSS_OK;
  });
}

int vss_metadata_add_exclude(vss_metadata* metadata, const char* path, const char* spec, int recursive) {
  return vss::add_to_list(metadata, "exclude_files", path, spec, recursive);
}

int vss_metadata_add_exclude_from_snapshot(vss_metadata* metadata, const char* path, const char* spec,
                                           int recursive) {
  return vss::add_to_list(metadata, "exclude_files_from_snapshot", path, spec, recursive);
}

int vss_metadata_add_alternate_location_mapping(vss_metadata* metadata, const char* path, const char* spec,
                                                int recursive, const char* destination) {
  return vss::change(metadata, [&]() -> int {
    if (!vss::is_file_set(path, spec) || !vss::is_path(given(destination))) return VSS_ERR_INVALID_ARGUMENT;
    json mapping = vss::file_set(path, spec, recursive);
    if (!vss::has_files(metadata->document, mapping)) return VSS_ERR_NOT_FOUND;
    json& list = metadata->document["alternate_location_mappings"];
    if (std::ranges::any_of(list, [&](const json& known) { return vss::is_same_set(known, mapping); }))
      return VSS_ERR_ALREADY_EXISTS;
    mapping["destination"] = destination;
    list.push_back(std::move(mapping));
    return VSS_OK;
  });
}

int vss_metadata_add_dependency(vss_metadata* metadata, const char* logical_path, const char* name,
                                const char* class_id, const char* on_logical_path, const char* on_name) {
  return vss::change(metadata, [&]() -> int {
    const std::string on_class = vss::to_lower(given(class_id));
    const std::string_view on_path = given(on_logical_path);
    const std::string_view on_component = given(on_name);
    if (!vss::is_guid(on_class) || metadata->document["writer"]["class_id"] == on_class ||
        !vss::is_logical_path(on_path) || !vss::is_name(on_component)) {
      return VSS_ERR_INVALID_ARGUMENT;
    }
    json* component = vss::find_described(*metadata, logical_path, name);
    if (component == nullptr) return VSS_ERR_NOT_FOUND;
    json dependency{{"class_id", on_class}, {"logical_path", on_path}, {"name", on_component}};
    json& list = (*component)["dependencies"];
    if (std::ranges::find(list, dependency) != list.end()) return VSS_ERR_ALREADY_EXISTS;
    list.push_back(std::move(dependency));
    return VSS_OK;
  });
}

int vss_metadata_set_backup_schema(vss_metadata* metadata, uint32_t schema) {
  return vss::change(metadata, [&]() -> int {
    if ((schema & ~vss::mask_of(vss::kSchemas)) != 0) return VSS_ERR_INVALID_ARGUMENT;
    metadata->document["backup_schema"] = vss::names_in(vss::kSchemas, schema);
    return VSS_OK;
  });
}

int vss_metadata_set_restore_method(vss_metadata* metadata, const char* method, const char* service,
                                    const char* user_procedure, vss_writer_restore writer_restore,
                                    int reboot_required) {
  return vss::change(metadata, [&]() -> int {
    const std::string_view unit = given(service);
    const std::string_view procedure = given(user_procedure);
    const std::string_view restore = vss::name_of(vss::kWriterRestores, writer_restore);
    const bool known = std::ranges::find(vss::kRestoreMethods, given(method)) != vss::kRestoreMethods.end();
    if (!known || restore.empty() || !vss::is_utf8(unit) || !vss::is_utf8(procedure)) {
      return VSS_ERR_INVALID_ARGUMENT;
    }
    metadata->document["restore_method"] = json{{"method", method},
                                                {"service", unit},
                                                {"user_procedure", procedure},
                                                {"writer_restore", restore},
                                                {"reboot_required", reboot_required != 0}};
    return VSS_OK;
  });
}

}  // extern "C"
