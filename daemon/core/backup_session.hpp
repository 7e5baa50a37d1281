// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One Backup object: one operation of one requester, never used again. VSS: IVssBackupComponents.
// Each method is the D-Bus method of the same name; legality, errors and meaning: org.vssd.Vss1.Backup.xml.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/component_selection.hpp"
#include "daemon/core/creation_lock.hpp"
#include "daemon/core/data_placement.hpp"
#include "daemon/core/long_call.hpp"
#include "daemon/core/requester.hpp"
#include "daemon/core/services.hpp"
#include "daemon/core/session_state.hpp"
#include "daemon/core/session_writers.hpp"
#include "daemon/core/snapshot_set.hpp"
#include "daemon/core/snapshot_store.hpp"

namespace vss::core {

class WriterRegistry;

struct BackupOptions {
  bool strict = true;
  bool require_cut = false;
  Milliseconds lock_timeout{0};
  bool auto_recovery = true;
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
  // What the requester should know although nothing failed.
  [[nodiscard]] std::vector<std::string> warnings() const;

  Status set_context(std::string_view name);
  Status set_backup_state(BackupState state);
  Status enable_writer_classes(std::vector<Guid> classes);
  Status disable_writer_classes(std::vector<Guid> classes);
  Status disable_writer_instances(std::vector<Guid> instances);
  asio::awaitable<Status> gather_writer_metadata();
  Status add_component(Guid instance, ComponentId component);
  [[nodiscard]] Result<std::string> get_writer_components(Guid instance) const;
  Status set_backup_options(Guid instance, const ComponentId& component, std::string options);
  Status set_previous_backup_stamp(Guid instance, const ComponentId& component, std::string stamp);
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
  // True: go on; false: nothing to do, answer success. BadState says what is missing.
  Result<bool> admit(Call call) const;
  Status admit_setting(Call call) const;
  void enter(SessionState state);
  asio::awaitable<void> drop_unfinished_set();
  Result<SelectedComponent*> find_component(Guid instance, const ComponentId& component);
  Status set_component_text(Call call, Guid instance, const ComponentId& component, const char* key,
                            std::string text);
  [[nodiscard]] Status needs_set(Call call) const;
  [[nodiscard]] Status after_snapshot(Call call) const;
  [[nodiscard]] Status ready_to_prepare() const;
  [[nodiscard]] std::vector<WriterSelection> selections() const;
  asio::awaitable<Status> check_selection(std::shared_ptr<BackupSession> self);
  Status judge(const Participant& participant, const Placement& placement);

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
  std::vector<std::string> warnings_;
  LongCall* running_ = nullptr;
  Signal released_;  // release() is through
};

}  // namespace vss::core
