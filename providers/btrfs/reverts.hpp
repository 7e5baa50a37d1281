// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Reverting a subvolume to a snapshot of it: a writable snapshot of the snapshot takes its place in one step
// (RENAME_EXCHANGE). README.md says what becomes of the former content, and what counts as use.
//
// What was exchanged stays mounted where it was mounted. It is noted in the runtime directory, which a
// restart of the machine empties as it ends all mounts, until no mount shows it any more.
//
// Thread rule: one thread at a time.

#include <string>

#include "providers/btrfs/snapshot_location.hpp"
#include "providers/btrfs/top_level.hpp"
#include "vss/provider_module.hpp"

namespace vss::btrfs {

class Reverts {
 public:
  explicit Reverts(std::string runtime_dir) : runtime_dir_(std::move(runtime_dir)) {}

  // Both answer through set_revert. Throw ProviderError or std::system_error; then nothing has changed.
  void revert(const ProviderHost& host, const SnapshotLocation& snapshot, bool force);
  void report(const ProviderHost& host, const vss_volume& volume);

 private:
  // A subvolume that was exchanged for another one.
  struct Exchanged {
    std::uint64_t former = 0;
    std::uint64_t present = 0;
  };
  void note(const std::string& filesystem, Exchanged exchanged) const;
  [[nodiscard]] std::string file_name(const std::string& filesystem, std::uint64_t former) const;

  std::string runtime_dir_;
};

}  // namespace vss::btrfs
