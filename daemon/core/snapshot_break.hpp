// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Breaking a set: vssd forgets it, its snapshots live on as volumes of their own (BreakSnapshotSet of VSS).
//
// The intention is on disk before the first provider is asked, and each snapshot that is broken away before
// the next one is. From then on nothing deletes any of them, whatever happens; what was interrupted is
// finished later.

#include <set>
#include <string>
#include <vector>

#include "daemon/core/services.hpp"
#include "daemon/core/snapshot_store.hpp"

namespace vss::core {

struct BrokenVolume {
  Guid snapshot_id;
  std::string volume;  // that it was made of
  std::string provider;
  BrokenLocation where;
};

class SnapshotBreaker {
 public:
  // References outlive the object, and the object the executor's work.
  SnapshotBreaker(Services& services, SnapshotStore& store) : services_(services), store_(store) {}

  // Errors: ObjectNotFound (the set, or one of its snapshots), VolumeInUse (a session uses it, or it is being
  // broken), SnapshotSetInProgress, ProviderNotRegistered, NotSupported, and what a provider says. If none of
  // its snapshots was broken away by then, the set is as it was; otherwise the rest follows in the
  // background.
  asio::awaitable<Result<std::vector<BrokenVolume>>> break_set(Guid set, bool writable);

  // Finishes in the background what an earlier run began.
  void resume();

 private:
  [[nodiscard]] Status check(Guid set) const;
  asio::awaitable<Status> check_existence(Guid set);
  asio::awaitable<Result<std::vector<BrokenVolume>>> take_turn_and_run(Guid set, bool writable);
  asio::awaitable<Status> hide(const SetRecord& record, bool force);
  asio::awaitable<Result<std::vector<BrokenVolume>>> run(Guid set, bool writable);
  // One that does not exist is an error at first, and forgotten when the rest of its set is gone already.
  enum class Missing : std::uint8_t { Fail, Forget };
  asio::awaitable<Status> break_all(Guid set, Missing missing);
  asio::awaitable<Status> break_one(Guid set, Guid snapshot, Missing missing);
  asio::awaitable<Status> undo(Guid set, Error error);
  void finish_later(Guid set);
  asio::awaitable<void> keep_finishing(Guid set);

  Services& services_;
  SnapshotStore& store_;
  std::set<Guid> running_;
};

}  // namespace vss::core
