// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Whether a server works on files that are to be replaced.

#include <filesystem>
#include <optional>
#include <string>

#include "writer-sdk/writers/postgresql/config.hpp"

namespace vss::postgresql {

// What is to be said about the server that works in that data directory, or may; nothing if none does. One
// whose files have been deleted goes on for a while. Throws std::exception if it cannot be told.
[[nodiscard]] std::optional<std::string> server_in(const std::filesystem::path& data_directory,
                                                   const ServerSettings& server);

}  // namespace vss::postgresql
