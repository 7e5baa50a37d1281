// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// For volumes of several instants: nothing in the files changes from Freeze to Thaw, so that they show the
// same as at one instant. Stages do not suffice: InnoDB goes on writing pages, checkpoints and its log in all
// of them.

#include <cstdint>

#include "writer-sdk/writers/mariadb/backup_lock.hpp"

namespace vss::mariadb {

class Standstill : public BackupLock {
 public:
  // `flusher` is another session. Errors: ServerError also if the server does not write its pages when it is
  // told to.
  Standstill(Connection server, Connection flusher, const Limits& limits);
  // The global read lock, and the wait until InnoDB has nothing left to write.
  void block() override;
  // Errors: ServerError also if InnoDB has written meanwhile.
  void release() override;

 private:
  // What InnoDB writes shows in these: log and checkpoint by their ends, pages by being dirty before.
  struct Facts {
    std::string log_end;
    std::string checkpoint;
    std::uint64_t dirty_pages = 0;
    std::uint64_t to_purge = 0;
    bool operator==(const Facts&) const = default;
  };

  [[nodiscard]] Facts facts();
  void write_pages(const Deadline& deadline);
  [[nodiscard]] Facts wait_for_rest();

  Connection server_;
  // It cannot be interrupted while it writes, so it must not be the one that has the lock.
  Connection flusher_;
  Limits limits_;
  Facts at_rest_;
};

}  // namespace vss::mariadb
