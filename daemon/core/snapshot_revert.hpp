// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Reverting volumes to snapshots of them (RevertToSnapshot, QueryRevertStatus of VSS), one at a time per
// volume.
//
// A revert may use the snapshot up. That one is under way is on disk beforehand, so that the next run knows
// why a snapshot is missing.

#include <map>
#include <set>
#include <string>

#include "daemon/core/services.hpp"
#include "daemon/core/snapshot_store.hpp"

namespace vss::core {

struct RevertReport {
  std::string volume;
  std::string provider;  // "" if none has anything to do with it
  RevertStatus status;
};

class SnapshotReverter {
 public:
  // References outlive the object, and the object the executor's work.
  SnapshotReverter(Services& services, SnapshotStore& store) : services_(services), store_(store) {}

  // Errors: ObjectNotFound, UnsupportedContext (not a rollback context), VolumeInUse (without `force`: data
  // would be lost; in any case: a session uses the set, or a set with the volume is being created),
  // RevertInProgress, ProviderNotRegistered, NotSupported, and what the provider says. An error means that
  // nothing has changed.
  asio::awaitable<Result<RevertReport>> revert(Guid snapshot, bool force);

  // Of the volume that an absolute path lies on, or that was at that path. Asks all providers: the revert may
  // be of an earlier run. Done is told once more by the run that began it. Errors: those of
  // VolumeFacts::resolve, and what providers say.
  asio::awaitable<Result<RevertReport>> status(std::string path);

  // Finds out in the background what became of snapshots whose revert an earlier run began.
  void resume();

 private:
  struct Begun {
    std::string provider;
    Volume volume;
  };
  [[nodiscard]] Status check(const SetRecord* set, Guid snapshot) const;
  asio::awaitable<Result<RevertReport>> take_turn_and_run(Member member, Provider* provider, bool force);
  asio::awaitable<Status> take_away(Guid set, Guid snapshot, bool force);
  asio::awaitable<Result<RevertReport>> run(Member member, Provider* provider, bool force);
  asio::awaitable<Status> check_provider(Provider* provider, Member member);
  asio::awaitable<Status> set_reverting(Guid set, Guid snapshot, bool reverting);
  // The snapshot goes if it is used up, and is mounted again if not.
  asio::awaitable<Status> settle(Member member, Provider* provider);
  asio::awaitable<Result<RevertReport>> status_of_begun(Begun begun);
  asio::awaitable<void> keep_settling(Guid set, Guid snapshot);

  Services& services_;
  SnapshotStore& store_;
  std::set<std::string> running_;       // paths of volumes
  std::map<std::string, Begun> begun_;  // by path of the volume: reverts that this run has begun
};

}  // namespace vss::core
