// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What MySQL 8 does in another way than MariaDB. Written from the manual of MySQL 8.4; no server of it has
// run with this.

#include <chrono>
#include <string>
#include <vector>

#include "writer-sdk/writers/mariadb/backup_lock.hpp"

namespace vss::mariadb::mysql8 {

// The files of InnoDB's tablespaces, relative to the data directory or absolute. Errors: ServerError.
[[nodiscard]] std::vector<std::string> data_files(Connection& server);

// From Freeze to Thaw LOCK INSTANCE FOR BACKUP, and the global read lock if there are tables without
// transactions, or a binary log without GTIDs, whose position has to be that of the snapshot. For sets of one
// instant.
class InstanceLock : public BackupLock {
 public:
  InstanceLock(Connection server, const Limits& limits);
  void block() override;
  void release() override;

 private:
  [[nodiscard]] bool needs_all_at_rest();

  Connection server_;
  Limits limits_;
};

}  // namespace vss::mariadb::mysql8
