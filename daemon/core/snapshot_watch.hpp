// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Looks after the health of the snapshots that exist: asks their providers every limits.watch, one snapshot
// after the other, and tells the observer what gets worse. Stores of a set that is not complete yet grow as
// well, while its writers have PostSnapshot. Nothing runs while there are no snapshots.

#include <map>
#include <set>
#include <string>

#include "daemon/core/services.hpp"
#include "daemon/core/snapshot_store.hpp"

namespace vss::core {

class SnapshotWatch {
 public:
  // References outlive the object, and the object the executor's work.
  SnapshotWatch(Services& services, SnapshotStore& store) : services_(services), store_(store) {}

  // There is something to watch. Goes on by itself until there is nothing left.
  void wake();

 private:
  asio::awaitable<void> run();
  asio::awaitable<void> round();
  asio::awaitable<void> look_at(Guid set, Guid snapshot);
  asio::awaitable<Result<HealthReport>> ask(Provider* provider, Member member);
  void take(Guid set, const SnapshotRecord& snapshot, HealthReport report);
  void failed(const std::string& provider, Guid snapshot, const Error& error);
  void answered(const std::string& provider, Guid snapshot);
  void forget_what_is_gone();

  Services& services_;
  SnapshotStore& store_;
  bool running_ = false;
  std::map<Guid, HealthReport> announced_;            // by snapshot: what the observer was told last
  std::map<std::string, std::set<Guid>> unanswered_;  // by provider: of which snapshots it cannot tell
};

}  // namespace vss::core
