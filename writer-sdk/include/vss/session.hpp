// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One event of one operation: the C++ face of the functions that take a vss_session. Since 0.1.

#include <vss/writer.h>
#include <vss/component.hpp>
#include <vss/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace vss {

namespace detail {
inline std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> list;
  for (const std::string& text : texts) list.push_back(text.c_str());
  return list;
}
}  // namespace detail

// One event of one operation; only valid inside the handler. See vss_session.
class Session {
 public:
  explicit Session(vss_session* handle) : handle_(handle) {}

  [[nodiscard]] std::string id() const { return vss_session_id(handle_); }
  // Freeze, Thaw, PostSnapshot only: throws Error elsewhere.
  [[nodiscard]] std::string set_id() const {
    const char* id = nullptr;
    detail::check(vss_session_set_id(handle_, &id), "set_id");
    return id;
  }
  // OnBackupShutdown only: throws Error elsewhere.
  [[nodiscard]] std::string shutdown_set_id() const {
    const char* id = nullptr;
    detail::check(vss_shutdown_set_id(handle_, &id), "shutdown_set_id");
    return id;
  }
  [[nodiscard]] std::vector<std::string> volumes() const {
    std::vector<std::string> volumes;
    for (std::size_t i = 0; i < vss_session_volume_count(handle_); ++i) {
      volumes.emplace_back(vss_session_volume(handle_, i));
    }
    return volumes;
  }
  [[nodiscard]] bool is_path_affected(const std::string& path) const {
    const int answer = vss_is_path_affected(handle_, path.c_str());
    detail::check(answer, "is_path_affected");
    return answer == 1;
  }
  // Those on no volume of the set, in their order. Throws Error if one cannot be looked at.
  [[nodiscard]] std::vector<std::string> unaffected_paths(const std::vector<std::string>& paths) const {
    const std::vector<const char*> list = detail::pointers(paths);
    std::vector<int> affected(paths.size());
    detail::check(vss_affected_paths(handle_, list.data(), list.size(), affected.data()), "unaffected_paths");
    std::vector<std::string> left;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (affected[i] == 0) left.push_back(paths[i]);
    }
    return left;
  }
  // OnPostSnapshot only: throws Error elsewhere and for a volume that is not in the set.
  [[nodiscard]] std::string snapshot_path(const std::string& volume) const {
    const char* path = nullptr;
    detail::check(vss_snapshot_path(handle_, volume.c_str(), &path), "snapshot_path");
    return path;
  }
  // OnPrepareSnapshot, OnPostSnapshot only: throws Error elsewhere and for a path on no volume of the set.
  [[nodiscard]] bool is_one_instant(const std::vector<std::string>& paths) const {
    const std::vector<const char*> list = detail::pointers(paths);
    return detail::check(vss_is_one_instant(handle_, list.data(), list.size()), "is_one_instant") == 1;
  }
  [[nodiscard]] std::vector<Component> components() const {
    std::vector<Component> components;
    for (std::size_t i = 0; i < vss_component_count(handle_); ++i) components.emplace_back(handle_, i);
    return components;
  }
  [[nodiscard]] bool are_components_selected() const { return vss_components_selected(handle_) == 1; }
  [[nodiscard]] std::string backup_type() const { return vss_backup_type(handle_); }
  [[nodiscard]] std::string context() const { return vss_context(handle_); }
  [[nodiscard]] std::string abort_reason() const { return vss_abort_reason(handle_); }

  // Events of a backup only: throw Error elsewhere.
  [[nodiscard]] bool is_bootable_system_state_backed_up() const {
    return detail::check(vss_bootable_system_state(handle_), "is_bootable_system_state_backed_up") == 1;
  }
  [[nodiscard]] bool is_partial_file_support_enabled() const {
    return detail::check(vss_partial_file_support(handle_), "is_partial_file_support_enabled") == 1;
  }
  // Freeze, Thaw only: throws Error elsewhere.
  [[nodiscard]] vss_level current_level() const {
    return static_cast<vss_level>(detail::check(vss_current_level(handle_), "current_level"));
  }
  // PreRestore, PostRestore only: throws Error elsewhere.
  [[nodiscard]] vss_restore_type restore_type() const {
    return static_cast<vss_restore_type>(detail::check(vss_get_restore_type(handle_), "restore_type"));
  }
  // For handlers that take long: the writer is being stopped, give up.
  [[nodiscard]] bool is_writer_shutting_down() const { return vss_is_writer_shutting_down(handle_) == 1; }

  // Reports a failure without a veto. To refuse, throw Veto.
  void fail(vss_writer_error code, const std::string& message, std::int32_t application_code = 0) {
    detail::check(vss_fail(handle_, code, application_code, message.c_str()), "fail");
  }
  [[nodiscard]] vss_session* handle() const noexcept { return handle_; }

 private:
  vss_session* handle_;
};

}  // namespace vss
