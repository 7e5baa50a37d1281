// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/component_document.hpp"

#include <exception>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "writer-sdk/src/names.hpp"

namespace vss::doc {
namespace {

using Json = nlohmann::json;

struct DocumentError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A value with its place, which messages name.
class Reader {
 public:
  Reader(const Json& json, std::string place) : json_(json), place_(std::move(place)) {}

  [[noreturn]] void refuse(const std::string& what) const {
    throw DocumentError((place_.empty() ? std::string("/") : place_) + ": " + what);
  }
  void need_object() const {
    if (!json_.is_object()) refuse("an object is needed");
  }
  [[nodiscard]] std::optional<Reader> find(std::string_view key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) return std::nullopt;
    return Reader(*found, place_ + "/" + std::string(key));
  }
  [[nodiscard]] Reader at(std::string_view key) const {
    auto member = find(key);
    if (!member) refuse(std::string(key) + " is missing");
    return *member;
  }
  [[nodiscard]] std::string text() const {
    if (!json_.is_string()) refuse("a string is needed");
    return json_.get<std::string>();
  }
  [[nodiscard]] bool flag() const {
    if (!json_.is_boolean()) refuse("true or false is needed");
    return json_.get<bool>();
  }
  template <typename Number>
  [[nodiscard]] Number number() const {
    const bool too_big = json_.is_number_unsigned() &&
                         json_.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<Number>::max()};
    if (!json_.is_number_integer() || too_big ||
        json_.get<std::int64_t>() < std::numeric_limits<Number>::min() ||
        json_.get<std::int64_t>() > std::numeric_limits<Number>::max()) {
      refuse("an integer of " + std::to_string(sizeof(Number) * 8) + " bits is needed");
    }
    return json_.get<Number>();
  }
  template <std::size_t Size>
  [[nodiscard]] std::uint32_t one_of(const std::array<Name, Size>& names) const {
    const auto known = number_of(names, text());
    if (!known) refuse("\"" + text() + "\" is not known here");
    return *known;
  }
  // Each element through `read`.
  template <typename Read>
  [[nodiscard]] auto list(Read read) const {
    if (!json_.is_array()) refuse("an array is needed");
    std::vector<decltype(read(*this))> elements;
    elements.reserve(json_.size());
    for (std::size_t i = 0; i < json_.size(); ++i) {
      const Reader element(json_[i], place_ + "/" + std::to_string(i));
      element.need_object();
      elements.push_back(read(element));
    }
    return elements;
  }

  [[nodiscard]] std::string text_or_empty(std::string_view key) const {
    const auto member = find(key);
    return member ? member->text() : std::string();
  }
  [[nodiscard]] bool flag_or_false(std::string_view key) const {
    const auto member = find(key);
    return member && member->flag();
  }

 private:
  const Json& json_;
  std::string place_;
};

ComponentId parse_id(const Reader& reader) {
  ComponentId id{reader.at("logical_path").text(), reader.at("name").text()};
  if (id.name.empty()) reader.at("name").refuse("must not be empty");
  return id;
}

PartialFile parse_partial_file(const Reader& reader) {
  return {reader.at("path").text(), reader.at("file_name").text(), reader.at("ranges").text(),
          reader.text_or_empty("metadata")};
}

DifferencedFile parse_differenced_file(const Reader& reader) {
  DifferencedFile file{reader.at("path").text(), reader.at("spec").text(), reader.flag_or_false("recursive"),
                       0};
  if (const auto time = reader.find("last_modified")) file.last_modified = time->number<std::int64_t>();
  return file;
}

Mapping parse_mapping(const Reader& reader) {
  return {reader.at("path").text(), reader.at("spec").text(), reader.flag_or_false("recursive"),
          reader.at("destination").text()};
}

DirectedTarget parse_directed_target(const Reader& reader) {
  return {reader.at("source_path").text(),      reader.at("source_file").text(),
          reader.at("source_ranges").text(),    reader.at("destination_path").text(),
          reader.at("destination_file").text(), reader.at("destination_ranges").text()};
}

ComponentFailure parse_failure(const Reader& reader) {
  reader.need_object();
  ComponentFailure failure{reader.at("error").text(), 0, reader.text_or_empty("message")};
  if (const auto code = reader.find("application_code"))
    failure.application_code = code->number<std::int32_t>();
  return failure;
}

void parse_restore_part(const Reader& reader, Component& component) {
  component.selected_for_restore = reader.flag_or_false("selected_for_restore");
  component.additional_restores = reader.flag_or_false("additional_restores");
  component.authoritative_restore = reader.flag_or_false("authoritative_restore");
  if (const auto roll_forward = reader.find("roll_forward")) {
    roll_forward->need_object();
    component.roll_forward = roll_forward->at("type").one_of(kRollForwards);
    component.roll_forward_point = roll_forward->text_or_empty("point");
  }
  if (const auto status = reader.find("file_restore_status")) {
    component.file_restore_status = status->one_of(kFileRestoreStatuses);
  }
  if (const auto target = reader.find("restore_target"))
    component.restore_target = target->one_of(kRestoreTargets);
  if (const auto ids = reader.find("restore_subcomponents"))
    component.restore_subcomponents = ids->list(parse_id);
  if (const auto targets = reader.find("new_targets")) component.new_targets = targets->list(parse_mapping);
  if (const auto mappings = reader.find("alternate_location_mappings")) {
    component.alternate_location_mappings = mappings->list(parse_mapping);
  }
  if (const auto targets = reader.find("directed_targets")) {
    component.directed_targets = targets->list(parse_directed_target);
  }
}

Component parse_component(const Reader& reader) {
  Component component;
  component.id = parse_id(reader);
  if (const auto type = reader.find("type")) component.type = type->one_of(kComponentTypes);
  component.succeeded = reader.flag_or_false("backup_succeeded");
  for (std::size_t i = 0; i < kTextCount; ++i) component.texts[i] = reader.text_or_empty(kKeys[i]);
  if (const auto files = reader.find("partial_files"))
    component.partial_files = files->list(parse_partial_file);
  if (const auto files = reader.find("differenced_files")) {
    component.differenced_files = files->list(parse_differenced_file);
  }
  if (const auto failure = reader.find("failure")) component.failure = parse_failure(*failure);
  parse_restore_part(reader, component);
  return component;
}

Json parse_bounded(std::string_view text) {
  if (text.size() > kDocumentLimit) throw DocumentError("larger than 16 MiB");
  bool too_deep = false;
  const auto guard = [&too_deep](int depth, Json::parse_event_t event, const Json&) {
    const bool opens =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    too_deep = too_deep || (opens && depth >= kDocumentDepth);
    return !too_deep;
  };
  Json json;
  try {
    json = Json::parse(text, guard);
  } catch (const Json::exception&) {
    if (!too_deep) throw;
  }
  if (too_deep) throw DocumentError("nested deeper than " + std::to_string(kDocumentDepth) + " levels");
  return json;
}

Json to_json(const ComponentFailure& failure) {
  return {
      {"error", failure.error}, {"application_code", failure.application_code}, {"message", failure.message}};
}

Json to_json(const PartialFile& file) {
  return {{"path", file.path},
          {"file_name", file.file_name},
          {"ranges", file.ranges},
          {"metadata", file.metadata}};
}

Json to_json(const DifferencedFile& file) {
  Json json{{"path", file.path}, {"spec", file.spec}, {"recursive", file.recursive}};
  if (file.last_modified != 0) json["last_modified"] = file.last_modified;
  return json;
}

Json to_json(const DirectedTarget& target) {
  return {{"source_path", target.source_path},           {"source_file", target.source_file},
          {"source_ranges", target.source_ranges},       {"destination_path", target.destination_path},
          {"destination_file", target.destination_file}, {"destination_ranges", target.destination_ranges}};
}

template <typename Element>
Json to_json(const std::vector<Element>& elements) {
  Json json = Json::array();
  for (const Element& element : elements) json.push_back(to_json(element));
  return json;
}

Json to_json(const ComponentEdit& edit) {
  const Component& component = edit.component;
  Json json{{"logical_path", component.id.logical_path}, {"name", component.id.name}};
  const auto add = [&](Key key, auto&& value) {
    if (edit.has(key)) json[std::string(to_string(key))] = value();
  };
  for (std::size_t i = 0; i < kTextCount; ++i) {
    add(static_cast<Key>(i), [&] { return component.texts[i]; });
  }
  add(Key::PartialFiles, [&] { return to_json(component.partial_files); });
  add(Key::DifferencedFiles, [&] { return to_json(component.differenced_files); });
  add(Key::DirectedTargets, [&] { return to_json(component.directed_targets); });
  add(Key::RestoreTarget, [&] { return name_of(kRestoreTargets, component.restore_target); });
  add(Key::Failure, [&] { return component.failure ? to_json(*component.failure) : Json(); });
  return json;
}

}  // namespace

tl::expected<Components, std::string> parse_components(std::string_view document) {
  try {
    const Json json = parse_bounded(document);
    const Reader root(json, "");
    root.need_object();
    return root.at("components").list(parse_component);
  } catch (const DocumentError& error) {
    return tl::unexpected(std::string(error.what()));
  } catch (const Json::exception& error) {
    return tl::unexpected(std::string(error.what()));
  }
}

std::string to_document(const ComponentEdits& edits) {
  Json components = Json::array();
  for (const auto& [index, edit] : edits) {
    if (edit.keys != 0) components.push_back(to_json(edit));
  }
  if (components.empty()) return {};
  return Json{{"components", std::move(components)}}.dump();
}

SharedComponents with_edits(const SharedComponents& before, const ComponentEdits& edits) {
  if (!before || edits.empty()) return before;
  auto after = std::make_shared<Components>(*before);
  for (const auto& [index, edit] : edits) after->at(index) = edit.component;
  return after;
}

}  // namespace vss::doc
