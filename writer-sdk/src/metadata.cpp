// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/metadata.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <string_view>

#include "writer-sdk/src/text.hpp"

using nlohmann::json;

vss_metadata::vss_metadata(const vss::WriterConfig& config)
    : document{{"version", 1},
               {"writer",
                {{"class_id", config.class_id},
                 {"instance_name", config.instance_name},
                 {"name", config.name},
                 {"version", config.version},
                 {"level", config.level},
                 {"freeze_timeout_ms", config.freeze_timeout.count()}}},
               {"components", json::array()},
               {"exclude_files", json::array()}} {}

namespace vss {
namespace {

constexpr std::array<std::string_view, 7> kRestoreMethods = {"restore-if-not-there",
                                                             "restore-if-can-replace",
                                                             "stop-restart-service",
                                                             "restore-to-alternate-location",
                                                             "restore-at-reboot",
                                                             "restore-at-reboot-if-cannot-replace",
                                                             "custom"};

std::string_view text_or_empty(const char* text) { return text == nullptr ? std::string_view() : text; }

bool is_path(std::string_view path) { return path.starts_with('/') && is_utf8(path); }
bool is_spec(std::string_view spec) {
  return !spec.empty() && spec.find('/') == std::string_view::npos && is_utf8(spec);
}

json file_set(std::string_view path, std::string_view spec, bool recursive) {
  return {{"path", path}, {"spec", spec}, {"recursive", recursive}};
}

json* find_component(vss_metadata& metadata, std::string_view logical_path, std::string_view name) {
  for (json& component : metadata.document["components"]) {
    if (component["logical_path"] == logical_path && component["name"] == name) return &component;
  }
  return nullptr;
}

std::string_view restore_name(vss_writer_restore restore) {
  switch (restore) {
    case VSS_WRITER_RESTORE_NEVER:
      return "never";
    case VSS_WRITER_RESTORE_IF_REPLACE_FAILS:
      return "if-replace-fails";
    case VSS_WRITER_RESTORE_ALWAYS:
      return "always";
  }
  return "";
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

}  // namespace
}  // namespace vss

using vss::text_or_empty;

extern "C" {

int vss_metadata_fail(vss_metadata* metadata, const char* message) {
  return vss::change(metadata, [&] {
    metadata->failure = vss::to_message(text_or_empty(message));
    return VSS_OK;
  });
}

int vss_metadata_add_component(vss_metadata* metadata, vss_component_type type, const char* logical_path,
                               const char* name, const char* caption, uint32_t flags) {
  return vss::change(metadata, [&]() -> int {
    const std::string_view path = text_or_empty(logical_path);
    const std::string_view component = text_or_empty(name);
    const std::string_view title = text_or_empty(caption);
    const bool known_type = type == VSS_COMPONENT_DATABASE || type == VSS_COMPONENT_FILEGROUP;
    if (!known_type || component.empty() || (flags & ~VSS_COMPONENT_SELECTABLE) != 0 || !vss::is_utf8(path) ||
        !vss::is_utf8(component) || !vss::is_utf8(title)) {
      return VSS_ERR_INVALID_ARGUMENT;
    }
    if (vss::find_component(*metadata, path, component) != nullptr) return VSS_ERR_ALREADY_EXISTS;
    metadata->document["components"].push_back(
        json{{"type", type == VSS_COMPONENT_DATABASE ? "database" : "filegroup"},
             {"logical_path", path},
             {"name", component},
             {"caption", title},
             {"selectable", (flags & VSS_COMPONENT_SELECTABLE) != 0},
             {"files", json::array()}});
    return VSS_OK;
  });
}

int vss_metadata_add_files(vss_metadata* metadata, const char* logical_path, const char* name,
                           const char* path, const char* spec, int recursive) {
  return vss::change(metadata, [&]() -> int {
    if (!vss::is_path(text_or_empty(path)) || !vss::is_spec(text_or_empty(spec)))
      return VSS_ERR_INVALID_ARGUMENT;
    json* component = vss::find_component(*metadata, text_or_empty(logical_path), text_or_empty(name));
    if (component == nullptr) return VSS_ERR_NOT_FOUND;
    (*component)["files"].push_back(vss::file_set(path, spec, recursive != 0));
    return VSS_OK;
  });
}

int vss_metadata_add_exclude(vss_metadata* metadata, const char* path, const char* spec, int recursive) {
  return vss::change(metadata, [&]() -> int {
    if (!vss::is_path(text_or_empty(path)) || !vss::is_spec(text_or_empty(spec)))
      return VSS_ERR_INVALID_ARGUMENT;
    metadata->document["exclude_files"].push_back(vss::file_set(path, spec, recursive != 0));
    return VSS_OK;
  });
}

int vss_metadata_set_restore_method(vss_metadata* metadata, const char* method, const char* service,
                                    const char* user_procedure, vss_writer_restore writer_restore,
                                    int reboot_required) {
  return vss::change(metadata, [&]() -> int {
    const std::string_view unit = text_or_empty(service);
    const std::string_view procedure = text_or_empty(user_procedure);
    const std::string_view restore = vss::restore_name(writer_restore);
    const bool known =
        std::ranges::find(vss::kRestoreMethods, text_or_empty(method)) != vss::kRestoreMethods.end();
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
