// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/bus_args.hpp"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "writer-sdk/src/component_document.hpp"
#include "writer-sdk/src/names.hpp"

namespace vss {
namespace {

template <typename T>
std::optional<T> value(const Dictionary& dictionary, const char* key) {
  const auto found = dictionary.find(key);
  if (found == dictionary.end()) return std::nullopt;
  return found->second.get<T>();
}

std::string text(const std::map<std::string, std::string>& entries, const char* key) {
  const auto found = entries.find(key);
  return found == entries.end() ? std::string() : found->second;
}

// The document says more than the list of names, which is for simple writers.
doc::SharedComponents components_in(const Dictionary& dictionary) {
  using Entries = std::vector<std::map<std::string, std::string>>;
  if (const auto document = value<std::string>(dictionary, "document")) {
    auto components = doc::parse_components(*document);
    if (!components) throw BadArgument("document: " + components.error());
    return std::make_shared<const doc::Components>(std::move(*components));
  }
  const auto entries = value<Entries>(dictionary, "components");
  if (!entries) return nullptr;
  doc::Components components;
  for (const auto& entry : *entries) {
    doc::Component component;
    component.id = {text(entry, "logical_path"), text(entry, "name")};
    component.succeeded = text(entry, "succeeded") == "true";
    components.push_back(std::move(component));
  }
  return std::make_shared<const doc::Components>(std::move(components));
}

std::optional<std::uint32_t> restore_type_in(const Dictionary& dictionary) {
  const auto name = value<std::string>(dictionary, "restore_type");
  if (!name) return std::nullopt;
  const auto number = number_of(kRestoreTypes, *name);
  if (!number) throw BadArgument("restore_type: \"" + *name + "\" is not known");
  return number;
}

}  // namespace

EventArgs to_event_args(const Dictionary& dictionary) {
  EventArgs args;
  args.components = components_in(dictionary);
  args.select_components = value<bool>(dictionary, "select_components");
  args.bootable_system_state = value<bool>(dictionary, "bootable_system_state");
  args.partial_file_support = value<bool>(dictionary, "partial_file_support");
  args.restore_type = restore_type_in(dictionary);
  args.backup_type = value<std::string>(dictionary, "backup_type");
  args.context = value<std::string>(dictionary, "context");
  args.volumes = value<std::vector<std::string>>(dictionary, "volumes");
  args.instants = value<std::vector<std::vector<std::string>>>(dictionary, "instants");
  args.snapshots =
      value<std::map<std::string, std::string>>(dictionary, "snapshots").value_or(decltype(args.snapshots){});
  args.window_ms = value<std::uint32_t>(dictionary, "window");
  args.reason = value<std::string>(dictionary, "reason").value_or("");
  return args;
}

Dictionary to_dictionary(const Answer& answer) {
  Dictionary result;
  if (!answer.document.empty()) result.emplace("document", sdbus::Variant(answer.document));
  if (answer.kind == Answer::Kind::Success) return result;
  result.emplace("failure", sdbus::Variant(std::string(to_string(answer.code))));
  result.emplace("application_code", sdbus::Variant(answer.application_code));
  result.emplace("message", sdbus::Variant(answer.message));
  if (answer.kind == Answer::Kind::Veto) result.emplace("veto", sdbus::Variant(true));
  return result;
}

}  // namespace vss
