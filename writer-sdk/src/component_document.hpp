// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The "document" of events and answers: {"components": [...]} with the components of
// dbus/schema/backup-components-1.schema.json.

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "writer-sdk/src/component.hpp"

namespace vss::doc {

// What an event may bring. vssd keeps the components of a writer below half of it.
inline constexpr std::size_t kDocumentLimit = std::size_t{16} << 20;
// What one handler may set.
inline constexpr std::size_t kEditsLimit = std::size_t{4} << 20;
inline constexpr int kDocumentDepth = 32;

// Unknown keys are ignored. The error is what is wrong and where.
[[nodiscard]] tl::expected<Components, std::string> parse_components(std::string_view document);
// Only the keys that were set, each component with its name. "" if there is nothing.
[[nodiscard]] std::string to_document(const ComponentEdits& edits);
// What is known after the handler.
[[nodiscard]] SharedComponents with_edits(const SharedComponents& before, const ComponentEdits& edits);

}  // namespace vss::doc
