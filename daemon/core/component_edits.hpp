// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What a writer writes into its components of the backup components document while it handles an event.
// VSS: the setters of IVssComponent, IVssComponentEx and IVssComponentEx2.

#include <string_view>
#include <vector>

#include "daemon/core/error.hpp"
#include "daemon/core/writer.hpp"

namespace vss::core {

// Whether a writer may set this key of a component in this event: vss.md 3.9.
[[nodiscard]] bool may_write(WriterEvent event, std::string_view key);

// {"components": [...]} as an event carries it.
[[nodiscard]] std::string components_text(const std::vector<SelectedComponent>& components);

// A writer's components together, as text. Its library reads twice as much.
inline constexpr std::size_t kMostOfComponents = std::size_t{8} << 20;
// InvalidArgument if they are larger.
[[nodiscard]] Status check_size(const std::string& writer, const std::vector<SelectedComponent>& components);

// Takes over what the writer's answer to `event` says of its components. InvalidDocument, and nothing has
// changed: malformed, a component that was not selected, a key that the event does not allow, larger than
// kMostOfComponents with it. Returns the first component that the answer declares failed, as a failure of the
// writer. VSS: IVssComponentEx2::SetFailure, VSS_E_WRITERERROR_PARTIAL_FAILURE.
[[nodiscard]] Result<std::optional<WriterFailure>> apply_edits(std::vector<SelectedComponent>& components,
                                                               WriterEvent event, std::string_view text);

}  // namespace vss::core
