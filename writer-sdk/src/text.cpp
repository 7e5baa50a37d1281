// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/text.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

namespace vss {
namespace {

using Json = nlohmann::json;

std::string with_replacements(std::string_view text) {
  return Json::parse(Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace))
      .get<std::string>();
}

}  // namespace

bool is_utf8(std::string_view text) {
  // A NUL would be legal UTF-8; C strings have none.
  return with_replacements(text) == text;
}

std::string to_message(std::string_view text) {
  if (text.size() <= kMessageLimit) return with_replacements(text);
  std::size_t end = kMessageLimit;
  // Not in the middle of a character: continuation bytes are 10xxxxxx.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return with_replacements(text.substr(0, end));
}

bool is_guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  return true;
}

}  // namespace vss
