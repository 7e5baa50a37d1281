// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Sizes as they are typed.

#include <cstdint>
#include <string>

namespace vss::cli {

// "500", "500M", "500mb", "2GiB" in bytes, units by 1024; "none" is 0. Throws CLI::ValidationError, a
// std::runtime_error: it is none of them, more than 64 bits hold, or 0.
[[nodiscard]] std::uint64_t parse_size(std::string text);

}  // namespace vss::cli
