// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/component_edits.hpp"

#include <algorithm>
#include <array>

#include "daemon/core/component_selection.hpp"
#include "daemon/core/document.hpp"

namespace vss::core {
namespace {
using Json = nlohmann::json;
using enum WriterEvent;

struct Writable {
  std::string_view key;
  std::array<WriterEvent, 3> events;  // filled up with the first
};

// clang-format off
constexpr Writable kWritable[] = {
    {"backup_metadata",            {PrepareForBackup, PostSnapshot, PostSnapshot}},
    {"restore_metadata",           {PrepareForBackup, PostSnapshot, PreRestore}},
    {"backup_stamp",               {PrepareForBackup, PostSnapshot, PostSnapshot}},
    {"partial_files",              {PrepareForBackup, PostSnapshot, PostSnapshot}},
    {"differenced_files",          {PrepareForBackup, PostSnapshot, PostSnapshot}},
    {"prepare_for_backup_failure", {PrepareForBackup, PrepareForBackup, PrepareForBackup}},
    {"post_snapshot_failure",      {PostSnapshot, PostSnapshot, PostSnapshot}},
    {"restore_target",             {PreRestore, PreRestore, PreRestore}},
    {"directed_targets",           {PreRestore, PreRestore, PreRestore}},
    {"pre_restore_failure",        {PreRestore, PreRestore, PreRestore}},
    {"post_restore_failure",       {PostRestore, PostRestore, PostRestore}},
};
// clang-format on

bool is_name(std::string_view key) { return key == "logical_path" || key == "name"; }

tl::unexpected<Error> invalid(std::size_t index, const std::string& what) {
  return fail(ErrorCode::InvalidDocument, "components: /components/" + std::to_string(index) + ": " + what);
}

Status check(const std::vector<SelectedComponent>& components, WriterEvent event, const Json& edits) {
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const ComponentId id{edits[i].at("logical_path"), edits[i].at("name")};
    if (std::ranges::find(components, id, &SelectedComponent::id) == components.end())
      return invalid(i, full_name(id) + " was not selected");
    for (const auto& [key, value] : edits[i].items()) {
      if (is_name(key) || may_write(event, key)) continue;
      return invalid(i, "\"" + key + "\" cannot be set in " + std::string(to_string(event)));
    }
  }
  return {};
}

WriterFailure partial_failure(const ComponentId& id, const Json& failure) {
  return {
      ErrorCode::WriterPartialFailure, failure.value("application_code", 0),
      "component " + full_name(id) + ": " + failure.value("error", "") + " " + failure.value("message", ""),
      false};
}

bool are_too_large(const std::vector<SelectedComponent>& components) {
  return components_text(components).size() > kMostOfComponents;
}

std::string too_large() { return "more than " + std::to_string(kMostOfComponents >> 20) + " MiB"; }
}  // namespace

bool may_write(WriterEvent event, std::string_view key) {
  if (key == "failure") {
    return event == PrepareForBackup || event == PostSnapshot || event == PreRestore || event == PostRestore;
  }
  const auto* const at = std::ranges::find(kWritable, key, &Writable::key);
  return at != std::end(kWritable) && std::ranges::find(at->events, event) != at->events.end();
}

std::string components_text(const std::vector<SelectedComponent>& components) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const SelectedComponent& component : components) list.push_back(component.content);
  return nlohmann::ordered_json{{"components", std::move(list)}}.dump(
      -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Status check_size(const std::string& writer, const std::vector<SelectedComponent>& components) {
  if (!are_too_large(components)) return {};
  return fail(ErrorCode::InvalidArgument, "the components of writer " + writer + " take " + too_large());
}

Result<std::optional<WriterFailure>> apply_edits(std::vector<SelectedComponent>& components,
                                                 WriterEvent event, std::string_view text) {
  const Result<Json> document = read_document(DocumentKind::Components, text);
  if (!document) return fail(document.error());
  const Json& edits = document->at("components");
  if (Status legal = check(components, event, edits); !legal) return fail(std::move(legal.error()));
  std::optional<WriterFailure> failure;
  std::vector<SelectedComponent> changed = components;
  for (const Json& edit : edits) {
    const ComponentId id{edit.at("logical_path"), edit.at("name")};
    const auto component = std::ranges::find(changed, id, &SelectedComponent::id);
    for (const auto& [key, value] : edit.items()) component->content[key] = value;
    if (!failure && edit.contains("failure")) failure = partial_failure(id, edit.at("failure"));
  }
  if (are_too_large(changed)) return fail(ErrorCode::InvalidDocument, "components: with this " + too_large());
  components = std::move(changed);
  return failure;
}

}  // namespace vss::core
