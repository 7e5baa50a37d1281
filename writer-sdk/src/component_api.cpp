// SPDX-License-Identifier: LGPL-2.1-or-later
// The functions of component.h that only look.
#include <algorithm>
#include <cstring>

#include "writer-sdk/include/vss/writer.h"
#include "writer-sdk/src/legality.hpp"
#include "writer-sdk/src/session.hpp"

namespace vss {

const doc::Component* find_component(const vss_session* session, std::size_t index) {
  if (session == nullptr) return nullptr;
  const auto edited = session->edits.find(index);
  if (edited != session->edits.end()) return &edited->second.component;
  const doc::SharedComponents& known = session->data.known.components;
  return known && index < known->size() ? &(*known)[index] : nullptr;
}

namespace {

using doc::Component;
using doc::Key;

const char* text_of(const vss_session* session, std::size_t index, Key key) {
  const Component* component = find_component(session, index);
  return component == nullptr ? nullptr : component->text(key).c_str();
}

bool in_restore(const vss_session* session) {
  return session != nullptr && is_legal(Call::RestoreGetters, session->event);
}

const char* restore_text_of(const vss_session* session, std::size_t index, Key key) {
  return in_restore(session) ? text_of(session, index, key) : nullptr;
}

// What `get` makes of the component, or an error.
template <typename Get>
int restore_number_of(const vss_session* session, std::size_t index, Get get) {
  if (session == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (!in_restore(session)) return VSS_ERR_BAD_STATE;
  const Component* component = find_component(session, index);
  return component == nullptr ? static_cast<int>(VSS_ERR_NOT_FOUND) : static_cast<int>(get(*component));
}

template <typename Element>
std::size_t count_of(const vss_session* session, std::size_t index, std::vector<Element> Component::*list) {
  const Component* component = find_component(session, index);
  return component == nullptr ? 0 : (component->*list).size();
}

template <typename Element>
std::size_t restore_count_of(const vss_session* session, std::size_t index,
                             std::vector<Element> Component::*list) {
  return in_restore(session) ? count_of(session, index, list) : 0;
}

template <typename Element>
const Element* element_of(const vss_session* session, std::size_t index, std::size_t number,
                          std::vector<Element> Component::*list) {
  return number < count_of(session, index, list) ? &(find_component(session, index)->*list)[number] : nullptr;
}

// The caller's structure may be shorter or longer than ours; what it does not know is not written.
template <typename Struct>
int hand_out(Struct from, Struct* to) {
  if (to == nullptr || to->struct_size < sizeof to->struct_size) return VSS_ERR_INVALID_ARGUMENT;
  from.struct_size = to->struct_size;
  std::memcpy(to, &from, std::min(to->struct_size, sizeof from));
  return VSS_OK;
}

int hand_out_mapping(const vss_session* session, std::size_t index, std::size_t number,
                     std::vector<doc::Mapping> Component::*list, vss_mapping* mapping) {
  if (session == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (!in_restore(session)) return VSS_ERR_BAD_STATE;
  const doc::Mapping* found = element_of(session, index, number, list);
  if (found == nullptr) return VSS_ERR_NOT_FOUND;
  return hand_out({sizeof(vss_mapping), found->path.c_str(), found->spec.c_str(), found->recursive ? 1 : 0,
                   found->destination.c_str()},
                  mapping);
}

}  // namespace
}  // namespace vss

using vss::find_component;
using vss::doc::Component;
using vss::doc::Key;

extern "C" {

size_t vss_component_count(const vss_session* session) {
  return session == nullptr || !session->data.known.components ? 0 : session->data.known.components->size();
}

const char* vss_component_logical_path(const vss_session* session, size_t index) {
  const Component* component = find_component(session, index);
  return component == nullptr ? nullptr : component->id.logical_path.c_str();
}

const char* vss_component_name(const vss_session* session, size_t index) {
  const Component* component = find_component(session, index);
  return component == nullptr ? nullptr : component->id.name.c_str();
}

int vss_component_get_type(const vss_session* session, size_t index) {
  const Component* component = find_component(session, index);
  return component == nullptr ? static_cast<int>(VSS_ERR_NOT_FOUND) : static_cast<int>(component->type);
}

int vss_component_succeeded(const vss_session* session, size_t index) {
  const Component* component = find_component(session, index);
  return component != nullptr && component->succeeded ? 1 : 0;
}

const char* vss_component_backup_options(const vss_session* session, size_t index) {
  return vss::text_of(session, index, Key::BackupOptions);
}
const char* vss_component_previous_backup_stamp(const vss_session* session, size_t index) {
  return vss::text_of(session, index, Key::PreviousBackupStamp);
}
const char* vss_component_backup_stamp(const vss_session* session, size_t index) {
  return vss::text_of(session, index, Key::BackupStamp);
}
const char* vss_component_backup_metadata(const vss_session* session, size_t index) {
  return vss::text_of(session, index, Key::BackupMetadata);
}
const char* vss_component_restore_metadata(const vss_session* session, size_t index) {
  return vss::text_of(session, index, Key::RestoreMetadata);
}
const char* vss_component_prepare_for_backup_failure(const vss_session* session, size_t index) {
  return vss::text_of(session, index, Key::PrepareForBackupFailure);
}
const char* vss_component_post_snapshot_failure(const vss_session* session, size_t index) {
  return vss::text_of(session, index, Key::PostSnapshotFailure);
}
const char* vss_component_pre_restore_failure(const vss_session* session, size_t index) {
  return vss::text_of(session, index, Key::PreRestoreFailure);
}
const char* vss_component_post_restore_failure(const vss_session* session, size_t index) {
  return vss::text_of(session, index, Key::PostRestoreFailure);
}

size_t vss_component_partial_file_count(const vss_session* session, size_t index) {
  return vss::count_of(session, index, &Component::partial_files);
}

int vss_component_partial_file(const vss_session* session, size_t index, size_t number,
                               vss_partial_file* file) {
  const vss::doc::PartialFile* found = vss::element_of(session, index, number, &Component::partial_files);
  if (found == nullptr) return VSS_ERR_NOT_FOUND;
  return vss::hand_out({sizeof(vss_partial_file), found->path.c_str(), found->file_name.c_str(),
                        found->ranges.c_str(), found->metadata.c_str()},
                       file);
}

size_t vss_component_differenced_file_count(const vss_session* session, size_t index) {
  return vss::count_of(session, index, &Component::differenced_files);
}

int vss_component_differenced_file(const vss_session* session, size_t index, size_t number,
                                   vss_differenced_file* file) {
  const vss::doc::DifferencedFile* found =
      vss::element_of(session, index, number, &Component::differenced_files);
  if (found == nullptr) return VSS_ERR_NOT_FOUND;
  return vss::hand_out({sizeof(vss_differenced_file), found->path.c_str(), found->spec.c_str(),
                        found->recursive ? 1 : 0, found->last_modified},
                       file);
}

int vss_component_failure(const vss_session* session, size_t index, vss_failure* failure) {
  const Component* component = find_component(session, index);
  if (component == nullptr || !component->failure) return VSS_ERR_NOT_FOUND;
  const vss::doc::ComponentFailure& found = *component->failure;
  return vss::hand_out(
      {sizeof(vss_failure), found.error.c_str(), found.application_code, found.message.c_str()}, failure);
}

int vss_component_selected_for_restore(const vss_session* session, size_t index) {
  return vss::restore_number_of(session, index, [](const Component& c) { return c.selected_for_restore; });
}
int vss_component_additional_restores(const vss_session* session, size_t index) {
  return vss::restore_number_of(session, index, [](const Component& c) { return c.additional_restores; });
}
int vss_component_authoritative_restore(const vss_session* session, size_t index) {
  return vss::restore_number_of(session, index, [](const Component& c) { return c.authoritative_restore; });
}
int vss_component_file_restore_status(const vss_session* session, size_t index) {
  return vss::restore_number_of(session, index, [](const Component& c) { return c.file_restore_status; });
}
int vss_component_get_restore_target(const vss_session* session, size_t index) {
  return vss::restore_number_of(session, index, [](const Component& c) { return c.restore_target; });
}

int vss_component_roll_forward(const vss_session* session, size_t index, const char** point) {
  return vss::restore_number_of(session, index, [point](const Component& c) {
    if (point != nullptr) *point = c.roll_forward_point.c_str();
    return c.roll_forward;
  });
}

const char* vss_component_restore_options(const vss_session* session, size_t index) {
  return vss::restore_text_of(session, index, Key::RestoreOptions);
}
const char* vss_component_restore_name(const vss_session* session, size_t index) {
  return vss::restore_text_of(session, index, Key::RestoreName);
}

size_t vss_component_restore_subcomponent_count(const vss_session* session, size_t index) {
  return vss::restore_count_of(session, index, &Component::restore_subcomponents);
}

int vss_component_restore_subcomponent(const vss_session* session, size_t index, size_t number,
                                       const char** logical_path, const char** name) {
  if (session == nullptr || logical_path == nullptr || name == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (!vss::in_restore(session)) return VSS_ERR_BAD_STATE;
  const vss::doc::ComponentId* id =
      vss::element_of(session, index, number, &Component::restore_subcomponents);
  if (id == nullptr) return VSS_ERR_NOT_FOUND;
  *logical_path = id->logical_path.c_str();
  *name = id->name.c_str();
  return VSS_OK;
}

size_t vss_component_new_target_count(const vss_session* session, size_t index) {
  return vss::restore_count_of(session, index, &Component::new_targets);
}

int vss_component_new_target(const vss_session* session, size_t index, size_t number, vss_mapping* mapping) {
  return vss::hand_out_mapping(session, index, number, &Component::new_targets, mapping);
}

size_t vss_component_alternate_location_mapping_count(const vss_session* session, size_t index) {
  return vss::restore_count_of(session, index, &Component::alternate_location_mappings);
}

int vss_component_alternate_location_mapping(const vss_session* session, size_t index, size_t number,
                                             vss_mapping* mapping) {
  return vss::hand_out_mapping(session, index, number, &Component::alternate_location_mappings, mapping);
}

size_t vss_component_directed_target_count(const vss_session* session, size_t index) {
  return vss::restore_count_of(session, index, &Component::directed_targets);
}

int vss_component_directed_target(const vss_session* session, size_t index, size_t number,
                                  vss_directed_target* target) {
  if (session == nullptr) return VSS_ERR_INVALID_ARGUMENT;
  if (!vss::in_restore(session)) return VSS_ERR_BAD_STATE;
  const vss::doc::DirectedTarget* found =
      vss::element_of(session, index, number, &Component::directed_targets);
  if (found == nullptr) return VSS_ERR_NOT_FOUND;
  return vss::hand_out({sizeof(vss_directed_target), found->source_path.c_str(), found->source_file.c_str(),
                        found->source_ranges.c_str(), found->destination_path.c_str(),
                        found->destination_file.c_str(), found->destination_ranges.c_str()},
                       target);
}

}  // extern "C"
