// SPDX-License-Identifier: LGPL-2.1-or-later
// The functions of component.h that say something about a component.
#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <utility>

#include "writer-sdk/include/vss/writer.h"
#include "writer-sdk/src/legality.hpp"
#include "writer-sdk/src/names.hpp"
#include "writer-sdk/src/session.hpp"
#include "writer-sdk/src/text.hpp"

namespace vss {
namespace {

using doc::Component;
using doc::ComponentEdit;
using doc::Key;

bool is_directory(std::string_view path) { return path.starts_with('/') && is_utf8(path); }
bool is_file_name(std::string_view name) {
  return !name.empty() && name.find('/') == std::string_view::npos && is_utf8(name);
}

// The component as the handler sees it, to be changed; made of what is known at its first change.
ComponentEdit& editable(vss_session& session, std::size_t index, const Component& known) {
  const auto found = session.edits.find(index);
  if (found != session.edits.end()) return found->second;
  return session.edits.emplace(index, ComponentEdit{known, 0}).first->second;
}

// What all setters share: legality, the thread rule, the wall against exceptions. `read` makes a value of the
// arguments, or nothing if they are not good; a copy, for they may point into what `store` changes.
template <typename Read, typename Store>
int set_value(vss_session* session, Call call, std::size_t index, Key key, Read read, Store store) {
  if (session == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (session->thread != std::this_thread::get_id()) return VSS_ERR_BAD_STATE;
  if (!is_legal(call, session->event)) return VSS_ERR_BAD_STATE;
  try {
    const Component* known = find_component(session, index);
    if (known == nullptr) return VSS_ERR_NOT_FOUND;
    auto value = read();
    if (!value) return VSS_ERR_INVALID_ARGUMENT;
    ComponentEdit& edit = editable(*session, index, *known);
    store(edit.component, std::move(*value));
    edit.mark(key);
    return VSS_OK;
  } catch (const std::exception&) {
    return VSS_ERR_OUT_OF_MEMORY;
  }
}

int set_text(vss_session* session, Call call, std::size_t index, Key key, const char* text) {
  return set_value(
      session, call, index, key,
      [text] { return text != nullptr && is_utf8(text) ? std::optional<std::string>(text) : std::nullopt; },
      [key](Component& component, std::string&& value) { component.text(key) = std::move(value); });
}

int set_message(vss_session* session, Call call, std::size_t index, Key key, const char* message) {
  return set_value(
      session, call, index, key,
      [message] { return message == nullptr ? std::nullopt : std::optional(to_message(message)); },
      [key](Component& component, std::string&& value) { component.text(key) = std::move(value); });
}

template <typename Element, typename Read>
int add_element(vss_session* session, Call call, std::size_t index, Key key,
                std::vector<Element> Component::*list, Read read) {
  return set_value(session, call, index, key, read, [list](Component& component, Element&& element) {
    (component.*list).push_back(std::move(element));
  });
}

// What the caller's structure does not have is zero.
template <typename Struct>
Struct read_struct(const Struct* from) {
  Struct to{};
  if (from == nullptr || from->struct_size < sizeof from->struct_size) return to;
  std::memcpy(&to, from, std::min(from->struct_size, sizeof to));
  return to;
}

std::optional<doc::PartialFile> read_partial_file(const vss_partial_file* file) {
  const vss_partial_file from = read_struct(file);
  const std::string_view ranges = given(from.ranges);
  if (!is_directory(given(from.path)) || !is_file_name(given(from.file_name)) ||
      (!is_ranges(ranges) && !is_directory(ranges)) || !is_utf8(given(from.metadata))) {
    return std::nullopt;
  }
  return doc::PartialFile{from.path, from.file_name, from.ranges, std::string(given(from.metadata))};
}

std::optional<doc::DifferencedFile> read_differenced_file(const vss_differenced_file* file) {
  const vss_differenced_file from = read_struct(file);
  if (!is_directory(given(from.path)) || !is_file_name(given(from.spec))) return std::nullopt;
  return doc::DifferencedFile{from.path, from.spec, from.recursive != 0, from.last_modified};
}

std::optional<doc::DirectedTarget> read_directed_target(const vss_directed_target* target) {
  const vss_directed_target from = read_struct(target);
  const bool source_is_good = is_directory(given(from.source_path)) &&
                              is_file_name(given(from.source_file)) && is_ranges(given(from.source_ranges));
  const bool destination_is_good = is_directory(given(from.destination_path)) &&
                                   is_file_name(given(from.destination_file)) &&
                                   is_ranges(given(from.destination_ranges));
  if (!source_is_good || !destination_is_good) return std::nullopt;
  return doc::DirectedTarget{from.source_path,      from.source_file,      from.source_ranges,
                             from.destination_path, from.destination_file, from.destination_ranges};
}

}  // namespace
}  // namespace vss

using vss::Call;
using vss::doc::Component;
using vss::doc::Key;

extern "C" {

int vss_component_set_backup_stamp(vss_session* session, size_t index, const char* stamp) {
  return vss::set_text(session, Call::SetBackupStamp, index, Key::BackupStamp, stamp);
}
int vss_component_set_backup_metadata(vss_session* session, size_t index, const char* text) {
  return vss::set_text(session, Call::SetBackupMetadata, index, Key::BackupMetadata, text);
}
int vss_component_set_restore_metadata(vss_session* session, size_t index, const char* text) {
  return vss::set_text(session, Call::SetRestoreMetadata, index, Key::RestoreMetadata, text);
}

int vss_component_set_prepare_for_backup_failure(vss_session* session, size_t index, const char* message) {
  return vss::set_message(session, Call::SetPrepareForBackupFailure, index, Key::PrepareForBackupFailure,
                          message);
}
int vss_component_set_post_snapshot_failure(vss_session* session, size_t index, const char* message) {
  return vss::set_message(session, Call::SetPostSnapshotFailure, index, Key::PostSnapshotFailure, message);
}
int vss_component_set_pre_restore_failure(vss_session* session, size_t index, const char* message) {
  return vss::set_message(session, Call::SetPreRestoreFailure, index, Key::PreRestoreFailure, message);
}
int vss_component_set_post_restore_failure(vss_session* session, size_t index, const char* message) {
  return vss::set_message(session, Call::SetPostRestoreFailure, index, Key::PostRestoreFailure, message);
}

int vss_component_add_partial_file(vss_session* session, size_t index, const vss_partial_file* file) {
  // Where vss_partial_file_support() is an error the setter is not legal either.
  if (session != nullptr && vss_partial_file_support(session) != 1) return VSS_ERR_BAD_STATE;
  return vss::add_element(session, Call::AddPartialFile, index, Key::PartialFiles, &Component::partial_files,
                          [file] { return vss::read_partial_file(file); });
}

int vss_component_add_differenced_file(vss_session* session, size_t index, const vss_differenced_file* file) {
  return vss::add_element(session, Call::AddDifferencedFile, index, Key::DifferencedFiles,
                          &Component::differenced_files, [file] { return vss::read_differenced_file(file); });
}

int vss_component_fail(vss_session* session, size_t index, vss_writer_error code, int32_t application_code,
                       const char* message) {
  return vss::set_value(
      session, Call::FailComponent, index, Key::Failure,
      [&]() -> std::optional<vss::doc::ComponentFailure> {
        const auto error = vss::to_error_code(code);
        if (!error) return std::nullopt;
        return vss::doc::ComponentFailure{std::string(to_string(*error)), application_code,
                                          vss::to_message(vss::given(message))};
      },
      [](Component& component, vss::doc::ComponentFailure&& failure) {
        component.failure = std::move(failure);
      });
}

int vss_component_set_restore_target(vss_session* session, size_t index, vss_restore_target target) {
  return vss::set_value(
      session, Call::SetRestoreTarget, index, Key::RestoreTarget,
      [target] {
        const bool is_known = !vss::name_of(vss::kRestoreTargets, target).empty();
        return is_known ? std::optional<std::uint32_t>(target) : std::nullopt;
      },
      [](Component& component, std::uint32_t value) { component.restore_target = value; });
}

int vss_component_add_directed_target(vss_session* session, size_t index, const vss_directed_target* target) {
  return vss::add_element(session, Call::AddDirectedTarget, index, Key::DirectedTargets,
                          &Component::directed_targets,
                          [target] { return vss::read_directed_target(target); });
}

}  // extern "C"
