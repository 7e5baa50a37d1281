// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Reading JSON documents that others have written. What is malformed, too deep, too large or of a newer major
// version is InvalidDocument with the place of the fault. Their form is that of dbus/schema: the schemas that
// are published are the ones that are checked.

#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "daemon/core/error.hpp"

namespace vss::core {

enum class DocumentKind : std::uint8_t {
  WriterMetadata,    // writer-metadata-1.schema.json
  BackupComponents,  // backup-components-1.schema.json
  Components,        // {"components": [...]}, each as in the backup components document
};

// A backup components document, and what writers answer to Identify together: more could not be read again,
// and the bus would cut off who sends it.
inline constexpr std::size_t kMostOfDocument = std::size_t{64} << 20;
// OutOfMemory if it is larger than `most`.
[[nodiscard]] Status check_document_size(std::size_t size, std::size_t most = kMostOfDocument);

[[nodiscard]] Result<nlohmann::json> read_document(DocumentKind kind, std::string_view text);

}  // namespace vss::core
