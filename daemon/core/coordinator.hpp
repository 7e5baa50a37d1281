// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The whole of vssd without its bus: sessions, writers, the creation lock, the snapshots. One thread.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/core/backup_session.hpp"
#include "daemon/core/creation_lock.hpp"
#include "daemon/core/exposures.hpp"
#include "daemon/core/restore_session.hpp"
#include "daemon/core/services.hpp"
#include "daemon/core/snapshot_break.hpp"
#include "daemon/core/snapshot_revert.hpp"
#include "daemon/core/snapshot_storage.hpp"
#include "daemon/core/snapshot_store.hpp"
#include "daemon/core/snapshot_watch.hpp"
#include "daemon/core/static_writer.hpp"
#include "daemon/core/writer_registry.hpp"

namespace vss::core {

class Coordinator {
 public:
  explicit Coordinator(Services services);

  // Before the first call is accepted: removes what a former run left.
  asio::awaitable<Status> start();

  // Errors: OutOfMemory (too many sessions).
  Result<std::shared_ptr<BackupSession>> create_backup(Requester requester, BackupOptions options);
  // Errors: as create_backup().
  Result<std::shared_ptr<RestoreSession>> create_restore(Requester requester, RestoreDocument document);
  [[nodiscard]] std::shared_ptr<BackupSession> session(Guid id) const;
  [[nodiscard]] std::vector<std::shared_ptr<BackupSession>> sessions() const;
  // Releases a session and forgets it.
  asio::awaitable<void> release(std::shared_ptr<BackupSession> session);
  asio::awaitable<void> release(std::shared_ptr<RestoreSession> session);
  [[nodiscard]] std::vector<std::shared_ptr<RestoreSession>> restores() const;

  // A connection to the bus ended: its sessions are released.
  void requester_gone(const std::string& bus_name);
  // Releases every session and refuses new ones, e.g. when our own connection is lost; comes back when all
  // are gone.
  asio::awaitable<void> close();
  // Accepts sessions again.
  void open() { closed_ = false; }

  [[nodiscard]] WriterRegistry& writers() { return writers_; }
  [[nodiscard]] StaticWriters& static_writers() { return static_writers_; }
  [[nodiscard]] SnapshotStore& store() { return store_; }
  [[nodiscard]] Exposures& exposures() { return exposures_; }
  [[nodiscard]] SnapshotBreaker& breaker() { return breaker_; }
  [[nodiscard]] SnapshotReverter& reverter() { return reverter_; }
  [[nodiscard]] SnapshotStorage& storage() { return storage_; }
  [[nodiscard]] const CreationLock& lock() const { return lock_; }
  [[nodiscard]] const Services& services() const { return services_; }
  [[nodiscard]] TimePoint started() const { return started_; }

 private:
  Services services_;
  CreationLock lock_;
  WriterRegistry writers_;
  StaticWriters static_writers_;
  SnapshotStore store_;
  Exposures exposures_;
  SnapshotWatch watch_;
  SnapshotBreaker breaker_;
  SnapshotReverter reverter_;
  SnapshotStorage storage_;
  [[nodiscard]] Status check_room(const Requester& requester) const;

  std::map<Guid, std::shared_ptr<BackupSession>> sessions_;
  std::map<Guid, std::shared_ptr<RestoreSession>> restores_;
  bool closed_ = false;
  const TimePoint started_ = std::chrono::steady_clock::now();
};

}  // namespace vss::core
