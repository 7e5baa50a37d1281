// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Text that crosses the bus must be UTF-8; dbus ends the connection of who sends anything else.

#include <string>
#include <string_view>

namespace vss {

inline constexpr std::size_t kMessageLimit = 8192;

// What a caller of the C interface gave; NULL is "".
[[nodiscard]] inline std::string_view given(const char* text) {
  return text == nullptr ? std::string_view() : text;
}

[[nodiscard]] bool is_utf8(std::string_view text);
// The text with U+FFFD for what is not UTF-8, cut to its first kMessageLimit bytes.
[[nodiscard]] std::string to_message(std::string_view text);
// "offset:length, offset:length": 64-bit numbers, decimal or with 0x; at least one range.
[[nodiscard]] bool is_ranges(std::string_view text);
// ASCII letters only.
[[nodiscard]] std::string to_lower(std::string_view text);
// 8-4-4-4-12 hexadecimal digits.
[[nodiscard]] bool is_guid(std::string_view text);

}  // namespace vss
