// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/guid.hpp"

#include <random>

namespace vss::core {
namespace {
constexpr std::string_view kDigits = "0123456789abcdef";

std::optional<std::uint8_t> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

constexpr bool hyphen_after(std::size_t byte) { return byte == 3 || byte == 5 || byte == 7 || byte == 9; }
}  // namespace

Guid Guid::random() {
  static thread_local std::random_device device;
  Guid guid;
  for (std::size_t i = 0; i < guid.bytes_.size(); i += 4) {
    const std::uint32_t word = device();
    for (std::size_t j = 0; j < 4; ++j) guid.bytes_[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
  }
  guid.bytes_[6] = static_cast<std::uint8_t>((guid.bytes_[6] & 0x0f) | 0x40);  // version 4
  guid.bytes_[8] = static_cast<std::uint8_t>((guid.bytes_[8] & 0x3f) | 0x80);  // RFC 4122 variant
  return guid;
}

std::optional<Guid> Guid::parse(std::string_view text) {
  if (text.size() == 38 && text.front() == '{' && text.back() == '}') text = text.substr(1, 36);
  if (text.size() != 36) return std::nullopt;
  Guid guid;
  std::size_t at = 0;
  for (std::size_t byte = 0; byte < guid.bytes_.size(); ++byte) {
    const auto high = hex_value(text[at]);
    const auto low = hex_value(text[at + 1]);
    if (!high || !low) return std::nullopt;
    guid.bytes_[byte] = static_cast<std::uint8_t>(*high << 4 | *low);
    at += 2;
    if (hyphen_after(byte) && text[at++] != '-') return std::nullopt;
  }
  return guid;
}

std::string Guid::str() const {
  std::string text;
  text.reserve(36);
  for (std::size_t byte = 0; byte < bytes_.size(); ++byte) {
    text += kDigits[bytes_[byte] >> 4];
    text += kDigits[bytes_[byte] & 0x0f];
    if (hyphen_after(byte)) text += '-';
  }
  return text;
}

}  // namespace vss::core
