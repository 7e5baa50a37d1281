// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/restore_document.hpp"

#include <algorithm>

#include "daemon/core/component_selection.hpp"
#include "daemon/core/document.hpp"

namespace vss::core {
namespace {
ComponentId id_in(const RestoreDocument::Json& component) {
  return {component.at("logical_path").get<std::string>(), component.at("name").get<std::string>()};
}

Result<RestoreDocument::Entry> read_entry(RestoreDocument::Json& json, std::size_t index) {
  RestoreDocument::Entry entry{
      {*Guid::parse(json.at("class_id").get<std::string>()), json.value("instance_name", "")},
      json.at("name").get<std::string>(),
      {},
      &json};
  const std::string metadata = json.value("metadata", "");
  if (metadata.empty()) return entry;
  Result<WriterMetadata> parsed = parse_writer_metadata(metadata);
  if (!parsed) {
    return fail(std::move(parsed.error())
                    .with_context("backup components: /writers/" + std::to_string(index) + "/metadata"));
  }
  entry.metadata = std::move(*parsed);
  return entry;
}
}  // namespace

std::vector<SelectedComponent> RestoreDocument::Entry::selected() const {
  std::vector<SelectedComponent> all;
  for (const Json& component : json->at("components")) {
    if (component.value("selected_for_restore", false)) all.push_back({id_in(component), component});
  }
  return all;
}

void RestoreDocument::Entry::write_back(const std::vector<SelectedComponent>& components) {
  for (Json& component : json->at("components")) {
    const auto at = std::ranges::find(components, id_in(component), &SelectedComponent::id);
    if (at != components.end()) component = at->content;
  }
}

Result<RestoreDocument> RestoreDocument::parse(std::string_view text) {
  if (const auto valid = read_document(DocumentKind::BackupComponents, text); !valid)
    return fail(valid.error());
  RestoreDocument document;
  document.json_ = std::make_unique<Json>(Json::parse(text));
  Json& writers = document.json_->at("writers");
  for (std::size_t i = 0; i < writers.size(); ++i) {
    Result<Entry> entry = read_entry(writers[i], i);
    if (!entry) return fail(std::move(entry.error()));
    document.entries_.push_back(std::move(*entry));
  }
  return document;
}

Result<RestoreDocument::Entry*> RestoreDocument::find(const WriterAddress& address) {
  Entry* found = nullptr;
  for (Entry& entry : entries_) {
    if (entry.address.class_id != address.class_id) continue;
    if (entry.address.instance_name == address.instance_name) return &entry;
    if (!address.instance_name.empty()) continue;
    if (found != nullptr) {
      return fail(ErrorCode::InvalidArgument, "several writers of class " + address.class_id.str() +
                                                  " are in the document: the instance name is needed");
    }
    found = &entry;
  }
  if (found != nullptr) return found;
  return fail(ErrorCode::ObjectNotFound, "no writer of class " + address.class_id.str() + " \"" +
                                             address.instance_name + "\" is in the document");
}

Result<RestoreDocument::Found> RestoreDocument::find(const ComponentAddress& address) {
  const Result<Entry*> entry = find(address.writer);
  if (!entry) return fail(entry.error());
  for (Json& component : (*entry)->json->at("components")) {
    if (id_in(component) == address.id) return Found{*entry, &component};
  }
  return fail(ErrorCode::ObjectNotFound, "component " + full_name(address.id) + " of writer " +
                                             (*entry)->name + " was not explicitly in the backup");
}

void RestoreDocument::forget_earlier_restore() {
  static constexpr const char* kKeys[] = {
      "selected_for_restore",        "additional_restores", "restore_options",       "restore_name",
      "authoritative_restore",       "roll_forward",        "restore_subcomponents", "new_targets",
      "alternate_location_mappings", "restore_target",      "directed_targets",      "file_restore_status",
      "pre_restore_failure",         "post_restore_failure"};
  for (Entry& entry : entries_) {
    for (Json& component : entry.json->at("components")) {
      for (const char* key : kKeys) component.erase(key);
    }
  }
}

std::string RestoreDocument::text() const {
  return json_->dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace vss::core
