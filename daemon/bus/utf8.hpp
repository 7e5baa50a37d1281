// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The bus refuses strings that are no UTF-8; names of files may be anything.

#include <string>

#include <nlohmann/json.hpp>

namespace vss::bus {

// `text` with what is no UTF-8 replaced by U+FFFD.
[[nodiscard]] inline std::string to_utf8(const std::string& text) {
  const auto quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return nlohmann::json::parse(quoted).get<std::string>();
}

}  // namespace vss::bus
