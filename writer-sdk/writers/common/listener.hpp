// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Whether a server runs, by its socket: the files that it works on may have been deleted, and with them every
// other sign of it, while it goes on.

#include <filesystem>

namespace vss::writers {

// Whether a process takes connections there, also if only the name of the socket is gone. Throws
// std::system_error if it cannot be told.
[[nodiscard]] bool is_listened_to(const std::filesystem::path& socket);

}  // namespace vss::writers
