// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What has to be done before and after the files of a server are put back.

#include "writer-sdk/writers/mariadb/backup_record.hpp"
#include "writer-sdk/writers/mariadb/config.hpp"

namespace vss::mariadb {

// Sees to it that no server works on the files: stops it if there is a command for that. Throws
// std::runtime_error if one still runs.
void make_way(const BackupRecord& record, const Config& config);

// Looks whether all is there that the server needs and none has been started too early, and starts it if
// there is a command for that; it recovers by itself. Throws std::exception.
void complete_restore(const BackupRecord& record, const Config& config);

}  // namespace vss::mariadb
