// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/size.hpp"

#include <charconv>

#include <CLI/CLI.hpp>

namespace vss::cli {

std::uint64_t parse_size(std::string text) {
  constexpr const char* kNoLimit = "none";
  if (text == kNoLimit) return 0;
  const std::string error = CLI::AsSizeValue(false)(text);  // makes it a number
  if (!error.empty()) throw CLI::ValidationError("size", error);
  std::uint64_t size = 0;
  const char* const end = text.data() + text.size();
  // What CLI11 takes for a number besides, as 0x10 or 1'000, is none here.
  if (const auto [rest, wrong] = std::from_chars(text.data(), end, size); wrong != std::errc() || rest != end)
    throw CLI::ValidationError("size", text + " is no size");
  if (size == 0) throw CLI::ValidationError("size", "0 is no size");
  return size;
}

}  // namespace vss::cli
