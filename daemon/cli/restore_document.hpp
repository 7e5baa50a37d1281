// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Where things are in a backup components document. Everything may be missing: it is somebody's file.

#include <string>

#include "daemon/cli/json.hpp"
#include "daemon/cli/restore_plan.hpp"

namespace vss::cli {

// The array, or object, at a key; an empty one if there is none.
[[nodiscard]] const Json& array_at(const Json& object, const char* key);
[[nodiscard]] const Json& object_at(const Json& object, const char* key);

// The metadata document inside a writer's entry; {} if it has none.
[[nodiscard]] Json metadata_of(const Json& writer);

// The entries of a component that select_for_restore has found there.
[[nodiscard]] const Json& writer_of(const Json& document, const RestoreComponent& component);
[[nodiscard]] const Json& component_of(const Json& document, const RestoreComponent& component);

}  // namespace vss::cli
