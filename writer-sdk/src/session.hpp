// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// vss_session as the library sees it.

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>

#include "writer-sdk/include/vss/writer.h"
#include "writer-sdk/src/component.hpp"
#include "writer-sdk/src/event.hpp"
#include "writer-sdk/src/session_table.hpp"

namespace vss {

struct ReportedFailure {
  ErrorCode code = ErrorCode::WriterNonRetryable;
  std::int32_t application_code = 0;
  std::string message;
};

// The error of the list for a number of the C interface.
[[nodiscard]] std::optional<ErrorCode> to_error_code(int writer_error);

}  // namespace vss

struct vss_session {
  vss::Event event;
  const vss::SessionTable::Session& data;
  vss_level level = VSS_LEVEL_FRONT_END;
  const std::atomic<bool>* stopping = nullptr;
  std::thread::id thread = std::this_thread::get_id();
  std::optional<vss::ReportedFailure> failure = std::nullopt;
  vss::doc::ComponentEdits edits = {};
};

namespace vss {

// A component as it is now, with what the handler has changed; NULL for an index out of range.
[[nodiscard]] const doc::Component* find_component(const vss_session* session, std::size_t index);

}  // namespace vss
