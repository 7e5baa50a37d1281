// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Snapshots that stop being vssd's: broken away, or merged into their origin (lvconvert --merge). README.md
// has the rules.

#include <string>

#include "providers/lvm/logical_volume.hpp"
#include "providers/lvm/lvm.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {

struct SnapshotIds {
  std::string set;
  std::string snapshot;
};

// Answers through set_location. Also for one whose tags are gone already: it is found by its UUID.
void break_away(const ProviderHost& host, Lvm& lvm, const SnapshotData& data, const SnapshotIds& ids,
                bool writable);

// Answers through set_revert.
void merge(const ProviderHost& host, Lvm& lvm, const SnapshotData& data, const SnapshotIds& ids, bool force);

// For a snapshot without tags: a revert that was killed before its merge had taken them off, and gets undone.
// False if it is not that.
bool take_back(const ProviderHost& host, Lvm& lvm, const std::string& group, const SnapshotData& data,
               const SnapshotIds& ids);

// Of the logical volume behind the device: answers through set_revert.
void report_merge(const ProviderHost& host, Lvm& lvm, const MappedVolume& volume);

}  // namespace vss::lvm
