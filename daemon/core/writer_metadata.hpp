// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The writer metadata document, as far as the coordinator looks into it. Its form: writer-sdk/README.md.

#include <string_view>
#include <vector>

#include "daemon/core/error.hpp"
#include "daemon/core/writer.hpp"

namespace vss::core {

// The components that a document offers. Errors: InvalidDocument (with the place of the fault) for what is
// malformed, of another major version, larger than 1 MiB, deeper than 32 levels, or names a component twice.
[[nodiscard]] Result<std::vector<ComponentId>> components_of(std::string_view document);

}  // namespace vss::core
