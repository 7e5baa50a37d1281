// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// GUIDs name sessions, sets, snapshots, writer classes and instances. Text form: 8-4-4-4-12, lower case.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace vss::core {

class Guid {
 public:
  constexpr Guid() = default;  // the null GUID

  // A random (version 4) GUID.
  [[nodiscard]] static Guid random();
  // Accepts upper and lower case, with or without surrounding braces; nothing else.
  [[nodiscard]] static std::optional<Guid> parse(std::string_view text);

  [[nodiscard]] std::string str() const;
  [[nodiscard]] bool is_null() const { return *this == Guid{}; }
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  auto operator<=>(const Guid&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace vss::core

template <>
struct std::hash<vss::core::Guid> {
  std::size_t operator()(const vss::core::Guid& guid) const noexcept {
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(guid.bytes().data()), guid.bytes().size()});
  }
};
