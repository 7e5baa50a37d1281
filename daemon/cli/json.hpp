// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The one JSON type of vssctl, with keys in the order in which they were added.

#include <string>

#include <nlohmann/json.hpp>

namespace vss::cli {

using Json = nlohmann::ordered_json;

// The string at a key; "" if it is missing or no string.
[[nodiscard]] inline std::string text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace vss::cli
