// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/writer_metadata.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace vss::core {
namespace {
constexpr std::size_t kMaxSize = std::size_t{1} << 20;
constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxComponents = 4096;

using nlohmann::json;

tl::unexpected<Error> invalid(const std::string& what) {
  return fail(ErrorCode::InvalidDocument, "writer metadata: " + what);
}

Result<json> parse(std::string_view text) {
  if (text.size() > kMaxSize) return invalid("larger than 1 MiB");
  bool too_deep = false;
  const auto depth_guard = [&too_deep](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  try {
    json document = json::parse(text, depth_guard);
    if (too_deep) return invalid("nested deeper than 32 levels");
    return document;
  } catch (const json::exception& e) {
    return invalid(e.what());
  }
}

Result<std::string> text_member(const json& object, const char* key, const std::string& place) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_string()) return invalid(place + "/" + key + ": a string is needed");
  return at->get<std::string>();
}
}  // namespace

Result<std::vector<ComponentId>> components_of(std::string_view text) {
  const Result<json> document = parse(text);
  if (!document) return fail(document.error());
  if (!document->is_object()) return invalid("an object is needed");
  const auto version = document->find("version");
  if (version == document->end() || !version->is_number_integer())
    return invalid("/version: a number is needed");
  if (version->get<std::int64_t>() != 1) return invalid("/version: only version 1 is known");
  std::vector<ComponentId> components;
  const auto list = document->find("components");
  if (list == document->end()) return components;
  if (!list->is_array()) return invalid("/components: an array is needed");
  if (list->size() > kMaxComponents) return invalid("/components: more than 4096");
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string place = "/components/" + std::to_string(i);
    if (!(*list)[i].is_object()) return invalid(place + ": an object is needed");
    Result<std::string> path = text_member((*list)[i], "logical_path", place);
    if (!path) return fail(path.error());
    Result<std::string> name = text_member((*list)[i], "name", place);
    if (!name) return fail(name.error());
    if (name->empty()) return invalid(place + "/name: empty");
    ComponentId id{std::move(*path), std::move(*name)};
    if (std::ranges::find(components, id) != components.end()) return invalid(place + ": named twice");
    components.push_back(std::move(id));
  }
  return components;
}

}  // namespace vss::core
