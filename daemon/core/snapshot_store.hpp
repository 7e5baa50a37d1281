// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// All snapshot sets that exist or half exist, in memory and in the catalogue; deleting them; start-up
// clean-up.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/core/background_gate.hpp"
#include "daemon/core/services.hpp"
#include "daemon/core/snapshot_record.hpp"
#include "daemon/core/snapshot_views.hpp"

namespace vss::core {

struct SnapshotFilter {
  std::optional<Guid> set;
  std::optional<Guid> snapshot;
  std::string volume;
  std::string provider;
  std::string context;  // "" and kAllContexts: every one
};

// What a provider is told of one snapshot of a set.
[[nodiscard]] Member member_of(const SetRecord& set, const SnapshotRecord& snapshot);
[[nodiscard]] std::vector<Guid> snapshot_ids(const SetRecord& record);

struct Deletion {
  std::uint32_t deleted = 0;
  std::optional<Guid> failed;  // the first that could not be deleted
  std::optional<Error> error;  // why
};

class SnapshotStore {
 public:
  explicit SnapshotStore(Services& services) : services_(services), views_(services.mounter) {}

  // Called when there is a set to be watched: one is made, or there at the start.
  void on_watched(std::function<void()> notify) { notify_watched_ = std::move(notify); }

  // Reads the catalogue and removes what is half made or was to end with its session; mounts what persists
  // again.
  asio::awaitable<Status> recover();

  // Durable when it returns.
  asio::awaitable<Status> put(SetRecord record);
  // Forgets a set that has no snapshots any more.
  asio::awaitable<Status> erase(Guid set);

  [[nodiscard]] const SetRecord* find(Guid set) const;
  // The set with this snapshot, nullptr if none.
  [[nodiscard]] const SetRecord* find_by_snapshot(Guid snapshot) const;
  // Completed sets only; each with the matching snapshots only.
  [[nodiscard]] std::vector<SetRecord> list(const SnapshotFilter& filter) const;

  // In whatever order.
  [[nodiscard]] std::vector<Guid> sets_in(SetState state) const;
  // A snapshot is gone without our doing: its record goes, and that of its set with the last one.
  asio::awaitable<Status> forget_snapshot(Guid set, Guid snapshot);
  // Tries again and again, in the background, to mount what persists and is not mounted.
  void open_later(Guid set);

  // All snapshots of a set that is being created exist now, as the record has them. Its watch begins; the
  // catalogue hears of it when the set is complete.
  void note_made(const SetRecord& record);
  // It will not be complete.
  void note_given_up(Guid set) { made_.erase(set); }
  // Whether it is to be watched: a complete set, or one of which all snapshots exist.
  [[nodiscard]] bool is_watched(Guid set) const;
  [[nodiscard]] std::vector<SetRecord> watched() const;
  // Whether the observer has heard of it.
  [[nodiscard]] bool is_announced(Guid set) const { return announced_.contains(set); }
  void set_health(Guid set, Guid snapshot, HealthReport health);

  // Work on other snapshots goes through this; a set that is being held closes it.
  [[nodiscard]] BackgroundGate& background() { return background_; }
  // The same for the watch alone, whose work is short: it goes on for longer.
  [[nodiscard]] BackgroundGate& watching() { return watching_; }

  // Where else than at their own paths the snapshots are seen.
  [[nodiscard]] SnapshotViews& views() { return views_; }
  // The first second from `wanted` on by which clients know no other set.
  [[nodiscard]] std::uint64_t free_client_time(std::uint64_t wanted) const;

  // Deleting, breaking and reverting happen one after the other on each set: who does it has the turn, and
  // looks again at the set when it has got it.
  asio::awaitable<Turns::Turn> turn(Guid set) { return work_.take(set); }

  // Called when a revert of the volume begins and when it has ended: while one runs the number is odd.
  void note_revert(const std::string& volume);
  [[nodiscard]] std::uint64_t reverts_of(const std::string& volume) const;

  // A set that a session uses is not deleted without force, and not collected.
  void set_in_use(Guid set, bool in_use);
  [[nodiscard]] bool is_in_use(Guid set) const { return in_use_.contains(set); }

  // Waits for a set that is held. Deletion stops at the first failure, as VSS's does; that of a whole set is
  // tried again in the background. Errors: ObjectNotFound, VolumeInUse (a session uses it, or it is exposed
  // and somebody is in there; never with force). Nothing has changed then.
  asio::awaitable<Result<Deletion>> remove_set(Guid set, bool force);
  asio::awaitable<Result<Deletion>> remove_snapshot(Guid snapshot, bool force);
  asio::awaitable<Result<Deletion>> remove_oldest(std::string volume, bool force);
  asio::awaitable<Result<Deletion>> remove_all(bool force);
  asio::awaitable<Result<Deletion>> collect_garbage();

  // Removes the set of a session that has ended.
  asio::awaitable<void> remove_ended(Guid set);
  // Tries again and again, in the background, to remove a set that could not be removed, or whose creation
  // was given up while a provider was stuck.
  void remove_later(Guid set);

 private:
  // For who has a pass.
  asio::awaitable<Result<Deletion>> remove_set_now(Guid set, bool force);
  asio::awaitable<void> keep_removing(Guid set);
  asio::awaitable<void> keep_opening(Guid set);
  [[nodiscard]] bool is_a_provider_stuck(const SetRecord& record) const;
  asio::awaitable<Status> remove_one(Guid set, Guid snapshot);
  asio::awaitable<Deletion> remove_these(Guid set, std::vector<Guid> snapshots);
  // Mounts what persists and is not mounted. False: not all of it, and it may be possible later.
  asio::awaitable<bool> open(Guid set, spdlog::level::level_enum complain);
  asio::awaitable<Status> open_one(Guid set, Guid snapshot);
  asio::awaitable<void> show(Guid set, Guid snapshot);
  // Nobody sees these any more, and from then on they are no longer usable: the set, or the one snapshot.
  asio::awaitable<Status> withdraw_set(Guid set, bool force);
  asio::awaitable<Status> withdraw_snapshot(Guid set, Guid snapshot, bool force);
  [[nodiscard]] SnapshotRecord* find_usable(Guid set, Guid snapshot);
  [[nodiscard]] Status check_removable(Guid set, bool force) const;
  [[nodiscard]] bool is_garbage(const SetRecord& record) const;

  Services& services_;
  std::function<void()> notify_watched_ = [] {};
  BackgroundGate background_;
  BackgroundGate watching_;
  SnapshotViews views_;
  Turns work_;
  std::map<std::string, std::uint64_t> reverts_;  // by path of the volume
  std::map<Guid, SetRecord> sets_;
  std::set<Guid> in_use_;
  std::set<Guid> made_;       // see note_made()
  std::set<Guid> announced_;  // were complete: their end is announced as well
  std::set<Guid> removed_later_;
  std::set<Guid> opened_later_;
};

}  // namespace vss::core
