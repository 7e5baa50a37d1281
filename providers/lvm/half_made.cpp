// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/half_made.hpp"

#include <algorithm>

#include "providers/lvm/device_mapper.hpp"
#include "providers/lvm/snapshot_health.hpp"
#include "providers/lvm/volume_group_lock.hpp"

namespace vss::lvm {

std::string half_made(const std::vector<Row>& rows, const std::string& pool_uuid,
                      std::uint64_t pool_transaction) {
  const auto is_pool = [&](const Row& row) { return without_hyphens(row.at("lv_uuid")) == pool_uuid; };
  const auto pool = std::ranges::find_if(rows, is_pool);
  if (pool == rows.end() || pool->at("transaction_id") != std::to_string(pool_transaction + 1)) return "";
  const auto is_it = [&](const Row& row) {
    return without_hyphens(row.at("pool_lv_uuid")) == pool_uuid &&
           row.at("lv_tags").find(snapshot_tag("")) != std::string::npos &&
           row.at("transaction_id") == std::to_string(pool_transaction);
  };
  const auto snapshot = std::ranges::find_if(rows, is_it);
  return snapshot == rows.end() ? "" : snapshot->at("thin_id");
}

void take_away_half_made(Lvm& lvm, const std::string& volume_group, const SnapshotData& data) {
  const std::string name = mapper_uuid(data.vg_uuid, data.pool_uuid) + "-tpool";
  const std::vector<Row> rows = lvm.report("lvs", kHalfMadeFields, volume_group);
  // Whoever changed the pool since the report has moved its transaction on; with the lock nobody does.
  const VolumeGroupLock lock(lvm.locking_dir(), volume_group, lvm.patience());
  const auto pool = mapper_device(name);
  const auto status = pool ? mapper_status(pool->name) : std::vector<MapperTarget>{};
  if (status.empty()) return;
  const std::string id =
      half_made(rows, data.pool_uuid, parse_pool_status(status.front().parameters).transaction);
  if (!id.empty()) mapper_message(pool->name, "delete " + id);
}

}  // namespace vss::lvm
