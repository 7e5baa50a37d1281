// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Whether a server works on files that are to be replaced.

#include <optional>
#include <string>

#include "writer-sdk/writers/mariadb/backup_record.hpp"
#include "writer-sdk/writers/mariadb/config.hpp"

namespace vss::mariadb {

// What is to be said about the server that works in a place of the record, or may; nothing if none does. One
// whose files have been deleted goes on in what nobody else sees, and writes into what comes in their place.
// Throws std::exception if it cannot be told.
[[nodiscard]] std::optional<std::string> server_in(const BackupRecord& record, const ServerSettings& server);

}  // namespace vss::mariadb
