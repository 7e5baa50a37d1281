// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What MySQL 8 does in another way than MariaDB. Written from the manual of MySQL 8.4; no server of it has
// run with this.

#include <optional>
#include <string>
#include <vector>

#include "writer-sdk/writers/mariadb/backup_lock.hpp"

namespace vss::mariadb::mysql8 {

// The files of InnoDB's tablespaces, relative to the data directory or absolute. Errors: ServerError.
[[nodiscard]] std::vector<std::string> data_files(Connection& server);

// Where the binary log was, by the column LOCAL of performance_schema.log_status; nothing if there is none.
// Errors: ServerError.
[[nodiscard]] std::optional<Position> position_of(const std::string& local);

// Whether nothing may be written from Freeze to Thaw, by the values of log_bin and gtid_mode and the number
// of tables without transactions. The lock of the instance lets transactions go on. Those between the
// position and the snapshot would be applied twice when the log is replayed, unless they can be told by their
// names.
[[nodiscard]] bool needs_all_at_rest(const std::string& log_bin, const std::string& gtid_mode,
                                     const std::string& tables_without_transactions);

// From Freeze to Thaw LOCK INSTANCE FOR BACKUP, and the global read lock if there are tables without
// transactions, or a binary log without GTIDs, whose position has to be that of the snapshot. For sets of one
// instant.
class InstanceLock : public BackupLock {
 public:
  InstanceLock(Connection server, const Limits& limits);
  void block() override;
  void release() override;

 private:
  Connection server_;
  Limits limits_;
};

}  // namespace vss::mariadb::mysql8
