// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One snapshot set while it is being made: its volumes, and the sequence that turns them into snapshots.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "daemon/core/background_gate.hpp"
#include "daemon/core/capture_attempt.hpp"
#include "daemon/core/hold_plan.hpp"
#include "daemon/core/services.hpp"
#include "daemon/core/session_writers.hpp"
#include "daemon/core/snapshot_store.hpp"

namespace vss::core {

struct SetOptions {
  bool strict = true;         // a writer's veto in Freeze or Thaw fails the set
  bool require_cut = false;   // a plan that promises less is an error
  bool auto_recovery = true;  // snapshots can be written in PostSnapshot
};

class SnapshotSet {
 public:
  // References outlive the object.
  SnapshotSet(Services& services, SnapshotStore& store, SessionWriters& writers, SetRecord header,
              SetOptions options);

  [[nodiscard]] Guid id() const { return record_.set_id; }
  [[nodiscard]] bool empty() const { return members_.empty(); }
  [[nodiscard]] std::vector<std::string> volume_paths() const;
  [[nodiscard]] std::vector<Volume> volumes() const;

  // Adds the volume that `path` lies on. Errors: see AddToSnapshotSet in org.vssd.Vss1.Backup.xml.
  asio::awaitable<Result<Guid>> add(std::string path, std::string provider, Signal cancel);

  // An error if the set cannot be created: ConsistencyNotReached if a cut is required and the volumes added
  // so far cannot give one, or what left the set broken.
  [[nodiscard]] Status check() const;

  // All snapshots, or an error and nothing. `cancel` stops it at its next step.
  asio::awaitable<Status> create(Signal cancel);

  // Tells the providers that a set on which create() never ran is dead.
  asio::awaitable<void> discard();

  // The result, complete after create().
  [[nodiscard]] const SetRecord& record() const { return record_; }
  [[nodiscard]] double longest_hold_ms() const {
    const auto& all = record_.snapshots;
    return all.empty() ? 0 : std::ranges::max(all, {}, &SnapshotRecord::hold_ms).hold_ms;
  }
  [[nodiscard]] std::vector<std::string> warnings() const;
  [[nodiscard]] const CreationTimes& times() const { return times_; }

 private:
  struct Entry {
    PlanMember plan;
    Provider* provider;
    std::uint64_t reverts;  // of its volume, when it was added
  };

  using Step = asio::awaitable<Status> (SnapshotSet::*)();
  asio::awaitable<Status> run_step(Step step);

  // The steps of create(), in this order.
  asio::awaitable<Status> write_record();
  asio::awaitable<Status> prepare_writers();
  asio::awaitable<Status> end_prepare();
  asio::awaitable<Status> freeze_writers();
  asio::awaitable<Status> pre_commit();
  asio::awaitable<Status> hold_and_capture();
  asio::awaitable<Status> post_commit();
  asio::awaitable<Status> thaw_writers();
  asio::awaitable<Status> post_snapshot();
  asio::awaitable<Status> publish();

  // The parts of hold_and_capture().
  asio::awaitable<Status> capture();
  asio::awaitable<Status> try_again();
  asio::awaitable<Status> check_frozen();
  asio::awaitable<Status> ask_support();
  asio::awaitable<Status> prepare_again();

  asio::awaitable<Status> close(BackgroundGate& gate, std::optional<BackgroundGate::Closed>& ours);
  void open_gates();
  asio::awaitable<Error> undo(Error cause, bool writers_were_told);
  asio::awaitable<Status> abort_providers();

  using ProviderOperation = asio::awaitable<Status> (Provider::*)(Guid);
  asio::awaitable<Status> on_each_provider(std::string_view name, ProviderOperation operation);
  asio::awaitable<Status> mount_all(bool writable);
  asio::awaitable<Status> unmount_all();
  void warn_of_no_recovery();
  asio::awaitable<void> remove_excluded_files();
  asio::awaitable<void> remove_excluded(const FileSet& files, const std::string& writer);
  void read_back_members();
  asio::awaitable<Status> begin_prepare(Provider* provider, Member member, Signal cancel);
  [[nodiscard]] HoldPlan make_plan() const;
  [[nodiscard]] std::vector<Provider*> providers() const;
  [[nodiscard]] SnapshotRecord* snapshot(Guid id);

  Services& services_;
  SnapshotStore& store_;
  SessionWriters& writers_;
  SetRecord record_;
  SetOptions options_;
  Signal cancel_;
  std::vector<std::string> warnings_;
  std::vector<Entry> members_;
  std::vector<Provider*> touched_;  // all that heard of the set, also those whose begin_prepare failed
  std::optional<Error> broken_;     // a provider may still work on a begin_prepare that nobody waits for
  CreationTimes times_;
  std::unique_ptr<CaptureAttempt> attempt_;            // the present one
  std::optional<BackgroundGate::Closed> undisturbed_;  // from end_prepare to the last release
  std::optional<BackgroundGate::Closed> unwatched_;    // from pre_commit
};

}  // namespace vss::core
