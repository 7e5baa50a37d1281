// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The writer metadata document: the C++ face of metadata.h. All functions throw Error. Since 0.1.

#include <vss/writer.h>
#include <vss/error.hpp>

#include <cstdint>
#include <string>

namespace vss {

// Only valid inside on_identify. See vss_metadata.
class Metadata {
 public:
  explicit Metadata(vss_metadata* handle) : handle_(handle) {}

  void add_component(vss_component_type type, const std::string& logical_path, const std::string& name,
                     const std::string& caption = {}, bool selectable = true) {
    add_component(type, logical_path, name, caption, selectable ? VSS_COMPONENT_SELECTABLE : 0U);
  }
  // `flags`: VSS_COMPONENT_*.
  void add_component(vss_component_type type, const std::string& logical_path, const std::string& name,
                     const std::string& caption, std::uint32_t flags) {
    detail::check(
        vss_metadata_add_component(handle_, type, logical_path.c_str(), name.c_str(), caption.c_str(), flags),
        "add_component");
  }
  void set_restore_metadata(const std::string& logical_path, const std::string& name,
                            const std::string& text) {
    detail::check(
        vss_metadata_set_restore_metadata(handle_, logical_path.c_str(), name.c_str(), text.c_str()),
        "set_restore_metadata");
  }
  void add_files(const std::string& logical_path, const std::string& name, const std::string& path,
                 const std::string& spec = "*", bool recursive = true) {
    add_file_set(logical_path, name, VSS_FILES, path, spec, recursive);
  }
  // For components of type database.
  void add_database_files(const std::string& logical_path, const std::string& name, const std::string& path,
                          const std::string& spec = "*", bool recursive = true) {
    add_file_set(logical_path, name, VSS_FILES_DATABASE, path, spec, recursive);
  }
  void add_database_log_files(const std::string& logical_path, const std::string& name,
                              const std::string& path, const std::string& spec = "*", bool recursive = true) {
    add_file_set(logical_path, name, VSS_FILES_LOG, path, spec, recursive);
  }
  // `alternate_path`: "" for none. `required`: VSS_BACKUP_REQUIRED_* and so on.
  void add_file_set(const std::string& logical_path, const std::string& name, vss_file_kind kind,
                    const std::string& path, const std::string& spec, bool recursive,
                    const std::string& alternate_path = {}, std::uint32_t required = VSS_REQUIRED_DEFAULT) {
    detail::check(vss_metadata_add_file_set(
                      handle_, logical_path.c_str(), name.c_str(), kind, path.c_str(), spec.c_str(),
                      recursive ? 1 : 0, alternate_path.empty() ? nullptr : alternate_path.c_str(), required),
                  "add_file_set");
  }
  void add_exclude(const std::string& path, const std::string& spec = "*", bool recursive = true) {
    detail::check(vss_metadata_add_exclude(handle_, path.c_str(), spec.c_str(), recursive ? 1 : 0),
                  "add_exclude");
  }
  void add_exclude_from_snapshot(const std::string& path, const std::string& spec = "*",
                                 bool recursive = true) {
    detail::check(
        vss_metadata_add_exclude_from_snapshot(handle_, path.c_str(), spec.c_str(), recursive ? 1 : 0),
        "add_exclude_from_snapshot");
  }
  void add_alternate_location_mapping(const std::string& path, const std::string& spec, bool recursive,
                                      const std::string& destination) {
    detail::check(vss_metadata_add_alternate_location_mapping(handle_, path.c_str(), spec.c_str(),
                                                              recursive ? 1 : 0, destination.c_str()),
                  "add_alternate_location_mapping");
  }
  void add_dependency(const std::string& logical_path, const std::string& name, const std::string& class_id,
                      const std::string& on_logical_path, const std::string& on_name) {
    detail::check(vss_metadata_add_dependency(handle_, logical_path.c_str(), name.c_str(), class_id.c_str(),
                                              on_logical_path.c_str(), on_name.c_str()),
                  "add_dependency");
  }
  // `schema`: VSS_SCHEMA_*.
  void set_backup_schema(std::uint32_t schema) {
    detail::check(vss_metadata_set_backup_schema(handle_, schema), "set_backup_schema");
  }
  void set_restore_method(const std::string& method, const std::string& service = {},
                          const std::string& user_procedure = {},
                          vss_writer_restore writer_restore = VSS_WRITER_RESTORE_NEVER,
                          bool reboot_required = false) {
    detail::check(
        vss_metadata_set_restore_method(handle_, method.c_str(), service.c_str(), user_procedure.c_str(),
                                        writer_restore, reboot_required ? 1 : 0),
        "set_restore_method");
  }
  [[nodiscard]] vss_metadata* handle() const noexcept { return handle_; }

 private:
  vss_metadata* handle_;
};

}  // namespace vss
