// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A set record as the text of its file, and back. Pure.

#include <string>
#include <string_view>

#include "daemon/core/error.hpp"
#include "daemon/core/snapshot_record.hpp"

namespace vss::system {

inline constexpr int kRecordVersion = 1;
inline constexpr std::size_t kMaxRecordSize = 1U << 20U;

// Errors: InvalidArgument (text that is not UTF-8, a number that is not finite, larger than kMaxRecordSize).
[[nodiscard]] core::Result<std::string> to_json(const core::SetRecord& record);

// Checks everything: size, depth, version, each key and its type. Unknown keys are ignored.
// Errors: InvalidDocument with the place of the fault, for example "snapshots[1].volume.path: missing".
[[nodiscard]] core::Result<core::SetRecord> set_record_from_json(std::string_view text);

}  // namespace vss::system
