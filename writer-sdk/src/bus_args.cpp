// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/bus_args.hpp"

#include <optional>
#include <utility>
#include <vector>

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

}  // namespace

EventArgs to_event_args(const Dictionary& dictionary) {
  using Components = std::vector<std::map<std::string, std::string>>;
  EventArgs args;
  if (const auto components = value<Components>(dictionary, "components")) {
    args.components.emplace();
    for (const auto& entries : *components) {
      args.components->push_back(
          {text(entries, "logical_path"), text(entries, "name"), text(entries, "succeeded") == "true"});
    }
  }
  args.select_components = value<bool>(dictionary, "select_components");
  args.backup_type = value<std::string>(dictionary, "backup_type");
  args.context = value<std::string>(dictionary, "context");
  args.volumes = value<std::vector<std::string>>(dictionary, "volumes");
  args.snapshots =
      value<std::map<std::string, std::string>>(dictionary, "snapshots").value_or(decltype(args.snapshots){});
  args.window_ms = value<std::uint32_t>(dictionary, "window");
  args.reason = value<std::string>(dictionary, "reason").value_or("");
  return args;
}

Dictionary to_dictionary(const Answer& answer) {
  Dictionary result;
  if (answer.kind == Answer::Kind::Success) return result;
  result.emplace("failure", sdbus::Variant(std::string(to_string(answer.code))));
  result.emplace("application_code", sdbus::Variant(answer.application_code));
  result.emplace("message", sdbus::Variant(answer.message));
  if (answer.kind == Answer::Kind::Veto) result.emplace("veto", sdbus::Variant(true));
  return result;
}

}  // namespace vss
