// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The server's archive of WAL: what is written while the snapshots are made is in none of them.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "writer-sdk/writers/postgresql/connection.hpp"

namespace vss::postgresql {

// Why nothing gets into it as things are, and what to do; nothing if something should. Errors: ServerError.
[[nodiscard]] std::optional<std::string> archive_fault(Connection& server);

// Those of the segments that the server has not put into its archive yet, by its notes in the directory of
// the WAL. The server is done with a segment that is not there any more.
[[nodiscard]] std::vector<std::string> not_archived(const std::filesystem::path& wal,
                                                    const std::vector<std::string>& segments);

}  // namespace vss::postgresql
