// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The selected components: the C++ face of component.h. Functions throw Error, above all for an event in
// which they are not legal. Since 0.1.

#include <vss/writer.h>
#include <vss/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vss {

// See vss_partial_file, vss_differenced_file, vss_mapping, vss_directed_target, vss_failure.
struct PartialFile {
  std::string path;
  std::string file_name;
  std::string ranges;
  std::string metadata = {};
};
struct DifferencedFile {
  std::string path;
  std::string spec;
  bool recursive = false;
  std::int64_t last_modified = 0;
};
struct Mapping {
  std::string path;
  std::string spec;
  bool recursive = false;
  std::string destination;
};
struct DirectedTarget {
  std::string source_path;
  std::string source_file;
  std::string source_ranges;
  std::string destination_path;
  std::string destination_file;
  std::string destination_ranges;
};
struct ComponentFailure {
  std::string error;
  std::int32_t application_code = 0;
  std::string message;
};
struct RollForward {
  vss_roll_forward type = VSS_ROLL_FORWARD_UNDEFINED;
  std::string point;
};

// One selected component; only valid inside the handler. What it returns are copies.
class Component {
 public:
  Component(vss_session* session, std::size_t index)
      : logical_path(detail::text(vss_component_logical_path(session, index))),
        name(detail::text(vss_component_name(session, index))),
        succeeded(vss_component_succeeded(session, index) == 1),
        session_(session),
        index_(index) {}

  std::string logical_path;
  std::string name;
  bool succeeded;  // in OnBackupComplete

  // A vss_component_type, 0 when vssd does not say.
  [[nodiscard]] int type() const { return detail::check(vss_component_get_type(session_, index_), "type"); }

  [[nodiscard]] std::string backup_options() const {
    return get(vss_component_backup_options, "backup_options");
  }
  [[nodiscard]] std::string previous_backup_stamp() const {
    return get(vss_component_previous_backup_stamp, "previous_backup_stamp");
  }
  [[nodiscard]] std::string backup_stamp() const { return get(vss_component_backup_stamp, "backup_stamp"); }
  void set_backup_stamp(const std::string& stamp) {
    set(vss_component_set_backup_stamp, stamp, "set_backup_stamp");
  }
  [[nodiscard]] std::string backup_metadata() const {
    return get(vss_component_backup_metadata, "backup_metadata");
  }
  void set_backup_metadata(const std::string& text) {
    set(vss_component_set_backup_metadata, text, "set_backup_metadata");
  }
  [[nodiscard]] std::string restore_metadata() const {
    return get(vss_component_restore_metadata, "restore_metadata");
  }
  void set_restore_metadata(const std::string& text) {
    set(vss_component_set_restore_metadata, text, "set_restore_metadata");
  }

  [[nodiscard]] std::vector<PartialFile> partial_files() const {
    std::vector<PartialFile> files;
    vss_partial_file file = VSS_PARTIAL_FILE_INIT;
    for (std::size_t i = 0; vss_component_partial_file(session_, index_, i, &file) == VSS_OK; ++i) {
      files.push_back({file.path, file.file_name, file.ranges, file.metadata});
    }
    return files;
  }
  void add_partial_file(const PartialFile& file) {
    const vss_partial_file given{sizeof(vss_partial_file), file.path.c_str(), file.file_name.c_str(),
                                 file.ranges.c_str(), file.metadata.c_str()};
    detail::check(vss_component_add_partial_file(session_, index_, &given), "add_partial_file");
  }
  [[nodiscard]] std::vector<DifferencedFile> differenced_files() const {
    std::vector<DifferencedFile> files;
    vss_differenced_file file = VSS_DIFFERENCED_FILE_INIT;
    for (std::size_t i = 0; vss_component_differenced_file(session_, index_, i, &file) == VSS_OK; ++i) {
      files.push_back({file.path, file.spec, file.recursive != 0, file.last_modified});
    }
    return files;
  }
  // VSS: AddDifferencedFilesByLastModifyTime.
  void add_differenced_file(const DifferencedFile& file) {
    const vss_differenced_file given{sizeof(vss_differenced_file), file.path.c_str(), file.spec.c_str(),
                                     file.recursive ? 1 : 0, file.last_modified};
    detail::check(vss_component_add_differenced_file(session_, index_, &given), "add_differenced_file");
  }

  // This component failed while others are good. VSS: SetFailure.
  void fail(vss_writer_error code, const std::string& message, std::int32_t application_code = 0) {
    detail::check(vss_component_fail(session_, index_, code, application_code, message.c_str()), "fail");
  }
  [[nodiscard]] std::optional<ComponentFailure> failure() const {
    vss_failure found = VSS_FAILURE_INIT;
    if (vss_component_failure(session_, index_, &found) != VSS_OK) return std::nullopt;
    return ComponentFailure{found.error, found.application_code, found.message};
  }
  [[nodiscard]] std::string prepare_for_backup_failure() const {
    return get(vss_component_prepare_for_backup_failure, "prepare_for_backup_failure");
  }
  void set_prepare_for_backup_failure(const std::string& message) {
    set(vss_component_set_prepare_for_backup_failure, message, "set_prepare_for_backup_failure");
  }
  [[nodiscard]] std::string post_snapshot_failure() const {
    return get(vss_component_post_snapshot_failure, "post_snapshot_failure");
  }
  void set_post_snapshot_failure(const std::string& message) {
    set(vss_component_set_post_snapshot_failure, message, "set_post_snapshot_failure");
  }
  [[nodiscard]] std::string pre_restore_failure() const {
    return get(vss_component_pre_restore_failure, "pre_restore_failure");
  }
  void set_pre_restore_failure(const std::string& message) {
    set(vss_component_set_pre_restore_failure, message, "set_pre_restore_failure");
  }
  [[nodiscard]] std::string post_restore_failure() const {
    return get(vss_component_post_restore_failure, "post_restore_failure");
  }
  void set_post_restore_failure(const std::string& message) {
    set(vss_component_set_post_restore_failure, message, "set_post_restore_failure");
  }

  // Restore.
  [[nodiscard]] bool is_selected_for_restore() const {
    return number(vss_component_selected_for_restore, "is_selected_for_restore") == 1;
  }
  [[nodiscard]] bool has_additional_restores() const {
    return number(vss_component_additional_restores, "has_additional_restores") == 1;
  }
  [[nodiscard]] bool is_authoritative_restore() const {
    return number(vss_component_authoritative_restore, "is_authoritative_restore") == 1;
  }
  [[nodiscard]] std::string restore_options() const {
    return get(vss_component_restore_options, "restore_options");
  }
  [[nodiscard]] std::string restore_name() const { return get(vss_component_restore_name, "restore_name"); }
  [[nodiscard]] RollForward roll_forward() const {
    const char* point = nullptr;
    const int type = detail::check(vss_component_roll_forward(session_, index_, &point), "roll_forward");
    return {static_cast<vss_roll_forward>(type), detail::text(point)};
  }
  [[nodiscard]] vss_file_restore_status file_restore_status() const {
    return static_cast<vss_file_restore_status>(
        number(vss_component_file_restore_status, "file_restore_status"));
  }
  // Logical path and name of each.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> restore_subcomponents() const {
    std::vector<std::pair<std::string, std::string>> ids;
    const char* path = nullptr;
    const char* subcomponent = nullptr;
    for (std::size_t i = 0; i < vss_component_restore_subcomponent_count(session_, index_); ++i) {
      detail::check(vss_component_restore_subcomponent(session_, index_, i, &path, &subcomponent),
                    "restore_subcomponents");
      ids.emplace_back(path, subcomponent);
    }
    return ids;
  }
  [[nodiscard]] std::vector<Mapping> new_targets() const { return mappings(vss_component_new_target); }
  [[nodiscard]] std::vector<Mapping> alternate_location_mappings() const {
    return mappings(vss_component_alternate_location_mapping);
  }
  [[nodiscard]] vss_restore_target restore_target() const {
    return static_cast<vss_restore_target>(number(vss_component_get_restore_target, "restore_target"));
  }
  void set_restore_target(vss_restore_target target) {
    detail::check(vss_component_set_restore_target(session_, index_, target), "set_restore_target");
  }
  [[nodiscard]] std::vector<DirectedTarget> directed_targets() const {
    std::vector<DirectedTarget> targets;
    vss_directed_target target = VSS_DIRECTED_TARGET_INIT;
    for (std::size_t i = 0; vss_component_directed_target(session_, index_, i, &target) == VSS_OK; ++i) {
      targets.push_back({target.source_path, target.source_file, target.source_ranges,
                         target.destination_path, target.destination_file, target.destination_ranges});
    }
    return targets;
  }
  void add_directed_target(const DirectedTarget& target) {
    const vss_directed_target given{sizeof(vss_directed_target),      target.source_path.c_str(),
                                    target.source_file.c_str(),       target.source_ranges.c_str(),
                                    target.destination_path.c_str(),  target.destination_file.c_str(),
                                    target.destination_ranges.c_str()};
    detail::check(vss_component_add_directed_target(session_, index_, &given), "add_directed_target");
  }

 private:
  std::string get(const char* (*getter)(const vss_session*, std::size_t), const char* what) const {
    return detail::need(getter(session_, index_), what);
  }
  int number(int (*getter)(const vss_session*, std::size_t), const char* what) const {
    return detail::check(getter(session_, index_), what);
  }
  void set(int (*setter)(vss_session*, std::size_t, const char*), const std::string& text, const char* what) {
    detail::check(setter(session_, index_, text.c_str()), what);
  }
  std::vector<Mapping> mappings(int (*getter)(const vss_session*, std::size_t, std::size_t,
                                              vss_mapping*)) const {
    std::vector<Mapping> found;
    vss_mapping mapping = VSS_MAPPING_INIT;
    for (std::size_t i = 0; getter(session_, index_, i, &mapping) == VSS_OK; ++i) {
      found.push_back({mapping.path, mapping.spec, mapping.recursive != 0, mapping.destination});
    }
    return found;
  }

  vss_session* session_;
  std::size_t index_;
};

}  // namespace vss
