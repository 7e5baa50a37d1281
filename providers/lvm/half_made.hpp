// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A thin snapshot that a killed lvm has made in the pool without having written down that it had. The next
// command of whomever tells the pool to make it again, the pool refuses to make what is there, and every
// change of that pool fails from then on.

#include <cstdint>
#include <string>
#include <vector>

#include "providers/lvm/logical_volume.hpp"
#include "providers/lvm/lvm.hpp"

namespace vss::lvm {

constexpr const char* kHalfMadeFields = "lv_uuid,pool_lv_uuid,lv_tags,thin_id,transaction_id";

// The device id in its pool of the snapshot of ours, among the rows of a volume group, that LVM's metadata
// has and the pool, which is at that transaction, need not have. "" if there is none. Pure.
[[nodiscard]] std::string half_made(const std::vector<Row>& rows, const std::string& pool_uuid,
                                    std::uint64_t pool_transaction);

// Takes it away from the pool of a thin snapshot, so that lvm can make it, and then remove it.
void take_away_half_made(Lvm& lvm, const std::string& volume_group, const SnapshotData& data);

}  // namespace vss::lvm
