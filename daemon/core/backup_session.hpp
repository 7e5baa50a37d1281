// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One Backup object: one operation of one requester, never used again. VSS: IVssBackupComponents.
// Each method is the D-Bus method of the same name; legality, errors and meaning: org.vssd.Vss1.Backup.xml.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/creation_lock.hpp"
#include "daemon/core/services.hpp"
#include "daemon/core/session_state.hpp"
#include "daemon/core/session_writers.hpp"
#include "daemon/core/snapshot_set.hpp"
#include "daemon/core/snapshot_store.hpp"

namespace vss::core {

class WriterRegistry;

// Who a session belongs to.
struct Requester {
  std::string bus_name;  // unique name of the connection
  std::string client;    // what it calls itself
  std::uint32_t uid = 0;
  std::uint32_t pid = 0;
  std::string unit;
};

struct BackupOptions {
  bool strict = true;
  bool require_cut = false;
  Milliseconds lock_timeout{0};
};

struct BackupState {
  bool select_components = false;
  bool bootable_system_state = false;
  std::string type = "full";
  bool partial_file_support = false;
};

class BackupSession : public std::enable_shared_from_this<BackupSession> {
 public:
  BackupSession(Services& services, CreationLock& lock, SnapshotStore& store, WriterRegistry& registry,
                Requester requester, BackupOptions options);

  [[nodiscard]] Guid id() const { return id_; }
  [[nodiscard]] const Requester& requester() const { return requester_; }
  [[nodiscard]] SessionState state() const { return state_; }
  [[nodiscard]] Context context() const { return context_; }
  [[nodiscard]] Guid set_id() const { return set_ ? set_->id() : Guid{}; }
  [[nodiscard]] TimePoint started() const { return started_; }
  [[nodiscard]] const BackupState& backup_state() const { return backup_state_; }
  [[nodiscard]] const SessionWriters& writers() const { return writers_; }
  // The set, nullptr before StartSnapshotSet.
  [[nodiscard]] const SnapshotSet* set() const { return set_.get(); }
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

  Status set_context(std::string_view name);
  Status set_backup_state(BackupState state);
  Status enable_writer_classes(std::vector<Guid> classes);
  Status disable_writer_classes(std::vector<Guid> classes);
  Status disable_writer_instances(std::vector<Guid> instances);
  asio::awaitable<Status> gather_writer_metadata();
  Status add_component(Guid instance, ComponentId component);
  asio::awaitable<Result<Guid>> start_snapshot_set();
  asio::awaitable<Result<Guid>> add_to_snapshot_set(std::string path, std::string provider);
  asio::awaitable<Status> prepare_for_backup();
  asio::awaitable<Status> do_snapshot_set();
  Status gather_writer_status() const;  // states are in writers()
  [[nodiscard]] Result<SetRecord> get_snapshot_properties(Guid snapshot) const;
  Status set_backup_succeeded(Guid instance, ComponentId component, bool succeeded);
  asio::awaitable<Status> backup_complete();
  asio::awaitable<Status> abort_backup();
  asio::awaitable<Result<Deletion>> delete_snapshots(std::string kind, Guid id);
  Result<std::string> save_document() const;
  Status cancel();
  // Ends the session for good; comes back when everything that was temporary is gone.
  asio::awaitable<void> release();

 private:
  struct Operation;

  // True: go on; false: nothing to do, answer success. BadState says what is missing.
  Result<bool> admit(Call call) const;
  Status admit_setting(Call call) const;
  void enter(SessionState state);
  asio::awaitable<void> stop_running();
  asio::awaitable<void> drop_unfinished_set();
  Result<SelectedComponent*> find_component(Guid instance, const ComponentId& component);

  Services& services_;
  CreationLock& lock_;
  SnapshotStore& store_;
  WriterRegistry& registry_;
  const Guid id_ = Guid::random();
  const Requester requester_;
  const BackupOptions options_;
  const TimePoint started_ = std::chrono::steady_clock::now();

  SessionState state_ = SessionState::Initialized;
  Context context_ = Context::Backup;
  bool context_is_set_ = false;
  bool gathered_ = false;
  bool creation_ran_ = false;    // the set needs no discarding any more
  bool made_ = false;            // the set is complete
  bool state_is_given_ = false;  // SetBackupState was called
  BackupState backup_state_;
  std::vector<Guid> enabled_classes_;
  std::vector<Guid> disabled_classes_;
  std::vector<Guid> disabled_instances_;
  SessionWriters writers_;
  CreationLock::Lease lease_;
  std::unique_ptr<SnapshotSet> set_;
  std::optional<Error> failure_;  // of DoSnapshotSet
  Operation* running_ = nullptr;
  Signal released_;  // release() is through
};

}  // namespace vss::core
