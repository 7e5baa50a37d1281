// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What a replica goes on writing under the global read lock.

#include <optional>
#include <string>

#include "writer-sdk/writers/mariadb/connection.hpp"

namespace vss::mariadb {

// Why volumes of several instants would not do for this MariaDB: its relay logs grow on another volume than
// its data directory, where it notes how far it has come in them, and it would trust both. Errors:
// ServerError, with kNoRight if the account may not look.
[[nodiscard]] std::optional<std::string> relay_logs_that_move(Connection& server,
                                                              const std::string& data_directory);

// ER_SPECIFIC_ACCESS_DENIED_ERROR.
inline constexpr unsigned kNoRight = 1227;

}  // namespace vss::mariadb
