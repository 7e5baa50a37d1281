// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Where snapshots on logical volumes are stored: a store for each thick one, the pool of thin ones.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "providers/lvm/logical_volume.hpp"
#include "providers/lvm/lvm.hpp"
#include "providers/lvm/store_growth.hpp"
#include "providers/lvm/volume_report.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {

// Through add_storage, if the volume has snapshots of vssd. path: as the host names the volume.
void report_storage(const ProviderHost& host, Lvm& lvm, const MappedVolume& volume, const std::string& path);

// The stores of thick snapshots of the volume that vssd has made. snapshot_id: of that one only, "" for all.
// ProviderError NOT_SUPPORTED for thin ones, OBJECT_NOT_FOUND if there is none.
struct Stores {
  std::uint64_t origin_size = 0;
  std::vector<VolumeRow> stores;
};
[[nodiscard]] Stores find_stores(Lvm& lvm, const MappedVolume& volume, const std::string& snapshot_id);

// The store gets this size, and is not extended beyond it; 0 takes the limit away.
void limit_store(Lvm& lvm, const VolumeRow& store, std::uint64_t origin_size, std::uint64_t maximum);

// What a store ("vg/lv") can grow into. Changes nothing. OBJECT_NOT_FOUND if it does not carry the tag.
[[nodiscard]] Room room_for(Lvm& lvm, const std::string& name, const std::string& tag);
// It grows by this, or by what there is. Nothing if it did; otherwise why not, "" if it is as large as it can
// ever get.
[[nodiscard]] std::optional<std::string> grow_store(Lvm& lvm, const std::string& name, std::uint64_t growth,
                                                    const Room& room);

}  // namespace vss::lvm
