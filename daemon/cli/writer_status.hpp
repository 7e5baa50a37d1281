// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What GatherWriterStatus has answered, and whether it is good enough.

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>

#include "daemon/cli/failure.hpp"
#include "daemon/cli/json.hpp"

namespace vss::cli {

// The writers that take part, each with the keys of `create --json`. Throws what a failed one reported; if
// `lenient`, `warn` is told instead.
[[nodiscard]] Json selected_writers(const Json& statuses, bool lenient,
                                    const std::function<void(std::string)>& warn);

// `json` with these keys first and always there.
[[nodiscard]] Json with_keys(const Json& json, std::initializer_list<std::pair<const char*, Json>> keys);

}  // namespace vss::cli
