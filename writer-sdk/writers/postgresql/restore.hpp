// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What has to be done before and after the files of a cluster are put back.

#include "writer-sdk/writers/postgresql/backup_record.hpp"
#include "writer-sdk/writers/postgresql/config.hpp"

namespace vss::postgresql {

// Sees to it that no server works in the data directory: stops it if there is a command for that. Throws
// std::runtime_error if one still runs.
void make_way(const BackupRecord& record, const Config& config);

// Puts what belongs to the backup beside the restored files, unless a server has been started too early, and
// starts it if there is a command for that. The files are as if synced. Throws std::exception.
void complete_restore(const BackupRecord& record, const Config& config);

}  // namespace vss::postgresql
