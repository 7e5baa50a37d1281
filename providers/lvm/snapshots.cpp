// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/snapshots.hpp"

#include <algorithm>
#include <exception>
#include <functional>
#include <optional>
#include <sstream>

#include "providers/lvm/device_mapper.hpp"
#include "providers/lvm/half_made.hpp"
#include "providers/lvm/volume_group_lock.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {

namespace {

// Those that others stand on first. `volumes`: its snapshots whose UUID may not be recorded yet.
std::vector<MapperDevice> devices_of(const SnapshotData& data, const std::vector<FoundVolume>& volumes = {}) {
  std::vector<std::string> prefixes{mapper_uuid(data.vg_uuid, data.origin_uuid)};
  if (data.thin()) prefixes.push_back(mapper_uuid(data.vg_uuid, data.pool_uuid));
  if (!data.lv_uuid.empty()) prefixes.push_back(mapper_uuid(data.vg_uuid, data.lv_uuid));
  for (const FoundVolume& volume : volumes) prefixes.push_back(mapper_uuid(volume.vg_uuid, volume.lv_uuid));
  std::vector<MapperDevice> devices = mapper_devices(prefixes);
  std::ranges::stable_sort(devices, std::ranges::greater(),
                           [](const MapperDevice& device) { return device.uuid.size(); });
  return devices;
}

std::vector<std::string> suspended_devices(const SnapshotData& data,
                                           const std::vector<FoundVolume>& volumes = {}) {
  std::vector<std::string> names;
  for (const MapperDevice& device : devices_of(data, volumes)) {
    if (device.suspended) names.push_back(device.name);
  }
  return names;
}

// Steps of which each is tried, whatever becomes of another. The first failure is what is told.
class Attempts {
 public:
  template <typename Step>
  void operator()(Step&& step) {
    try {
      step();
    } catch (const ProviderError&) {
      if (!failure_) failure_ = std::current_exception();
    }
  }
  void check() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
};

void resume(const std::vector<std::string>& names) {
  Attempts attempt;
  for (const std::string& name : names) attempt([&] { mapper_resume(name); });
  attempt.check();
}

// Layers of stores that are no snapshots: made for metadata that have not come to be. lvm takes away what its
// metadata speak of, and these are not in them.
std::vector<MapperDevice> stray_layers(const std::vector<FoundVolume>& volumes) {
  std::vector<MapperDevice> strays;
  for (const FoundVolume& volume : volumes) {
    if (volume.is_snapshot) continue;
    if (auto layer = mapper_device(mapper_uuid(volume.vg_uuid, volume.lv_uuid) + "-cow"))
      strays.push_back(*std::move(layer));
  }
  return strays;
}

bool is_settled(const std::vector<MapperDevice>& devices) {
  return std::ranges::all_of(devices, [](const MapperDevice& device) {
    return device.has_table && !device.suspended && !device.table_waits;
  });
}

// Of a command that was killed before it suspended what it had loaded them for. The next resume would put
// them in use, and so does a refresh, which loads no table where the one in use is right. Over a device that
// has none it fails.
void drop_waiting_tables(const SnapshotData& data, const std::vector<FoundVolume>& volumes) {
  Attempts attempt;
  const std::vector<MapperDevice> devices = devices_of(data, volumes);
  for (const MapperDevice& device : devices) {
    if (device.table_waits) attempt([&] { mapper_drop_table(device.name); });
  }
  for (const MapperDevice& device : devices) {
    if (!device.has_table) attempt([&] { mapper_remove(device.name); });
  }
  for (const MapperDevice& layer : stray_layers(volumes)) {
    // One that is in use is of a removal that was killed when the metadata spoke of no snapshot any more: the
    // refresh takes the snapshot out of use, and the next removal goes on.
    if (mapper_open_count(layer.uuid).value_or(0) == 0) attempt([&] { mapper_remove(layer.name); });
  }
  attempt.check();
}

bool has_tag(const std::string& tags, const std::string& wanted) {
  std::istringstream list(tags);
  std::string tag;
  while (std::getline(list, tag, ',')) {
    if (tag == wanted) return true;
  }
  return false;
}

constexpr const char* kFoundFields = "vg_name,vg_uuid,lv_name,lv_uuid,lv_tags,lv_attr";

std::vector<FoundVolume> with_tag(const std::vector<Row>& rows, const std::string& tag) {
  std::vector<FoundVolume> found;
  for (const Row& row : rows) {
    if (!has_tag(row.at("lv_tags"), tag)) continue;
    const std::string& attributes = row.at("lv_attr");  // lvs(8): the first letter is the type
    const bool is_snapshot = attributes.find_first_of("sSV") == 0;
    found.push_back({row.at("vg_name"), without_hyphens(row.at("vg_uuid")), row.at("lv_name"),
                     without_hyphens(row.at("lv_uuid")), is_snapshot});
  }
  return found;
}

}  // namespace

std::vector<FoundVolume> find_tagged(Lvm& lvm, const std::string& volume_group, const std::string& tag) {
  return with_tag(lvm.report("lvs", kFoundFields, volume_group), tag);
}

Tagged find_recorded(Lvm& lvm, const SnapshotData& data, const std::string& tag) {
  const auto is_it = [&](const Row& row) { return without_hyphens(row.at("vg_uuid")) == data.vg_uuid; };
  try {
    const auto rows = lvm.report("lvs", kFoundFields, data.volume_group);
    if (std::ranges::any_of(rows, is_it)) return {data.volume_group, with_tag(rows, tag)};
  } catch (const ProviderError& error) {
    // Renamed, or not there: all groups tell.
    if (error.status() != VSS_PROVIDER_E_OBJECT_NOT_FOUND) throw;
  }
  for (const Row& row : lvm.report("vgs", "vg_name,vg_uuid", "")) {
    if (is_it(row)) return {row.at("vg_name"), find_tagged(lvm, row.at("vg_name"), tag)};
  }
  throw ProviderError(VSS_PROVIDER_E_VETO, "the volume group " + data.volume_group + " is not there now");
}

bool is_suspended(const SnapshotData& data, const Lvm& lvm) {
  if (suspended_devices(data).empty()) return false;
  // A command that is under way ends its suspension itself; with the lock none is.
  const VolumeGroupLock lock(lvm.locking_dir(), data.volume_group, lvm.patience());
  return !suspended_devices(data).empty();
}

void rehearse_resume() { mapper_resume("vssd-has-no-device-of-this-name"); }

bool resume_left_suspended(const SnapshotData& data, const std::string& locking_dir,
                           std::chrono::milliseconds wait) noexcept {
  try {
    if (suspended_devices(data).empty()) return true;
    // A command of somebody else that is under way resumes what it has suspended itself; under it the tables
    // of its devices must not be dropped. So with a killed one of ours that is still there. But one that has
    // waited for the lock gets it when ours is lost, and knows nothing of these devices.
    std::optional<VolumeGroupLock> lock;
    if (wait > std::chrono::milliseconds::zero() && !locking_dir.empty()) {
      lock.emplace(locking_dir, data.volume_group, Patience::of(wait));
    } else if (!lock_holder(locking_dir, data.volume_group).empty()) {
      return false;
    }
    resume(suspended_devices(data));
    return true;
  } catch (const std::exception&) {
    return false;  // the command that was lost is an error already
  }
}

std::vector<std::string> repair(Lvm& lvm, const std::string& volume_group, const SnapshotData& data,
                                const std::vector<FoundVolume>& volumes, bool interrupted) {
  std::vector<std::string> found = suspended_devices(data, volumes);
  if (!interrupted && is_settled(devices_of(data, volumes)) && stray_layers(volumes).empty()) return found;
  Attempts attempt;
  bool can_refresh = false;
  attempt([&] {
    // Waits for it: the tables of a command that is under way are its own.
    const VolumeGroupLock lock(lvm.locking_dir(), volume_group, lvm.patience());
    drop_waiting_tables(data, volumes);
    can_refresh = true;
  });
  if (can_refresh && data.thin()) attempt([&] { take_away_half_made(lvm, volume_group, data); });
  const auto refresh = [&](const std::string& name) {
    try {
      lvm.try_command(volume_group, {"lvchange", "--refresh", volume_group + "/" + name});
    } catch (const ProviderError&) {
      // What it left suspended is resumed below.
    }
  };
  // Waits for the lock: a command that is under way ends its suspension itself. What is then still suspended
  // belongs to nobody. Loads the tables that the metadata asks for, so a snapshot that was recorded is there
  // afterwards.
  if (can_refresh) refresh(data.origin);
  if (can_refresh && data.thin()) refresh(data.pool);
  attempt([&] {
    const VolumeGroupLock lock(lvm.locking_dir(), volume_group, lvm.patience());
    resume(suspended_devices(data, volumes));
  });
  attempt.check();
  return found;
}

void remove_volumes(Lvm& lvm, const std::string& volume_group, const std::vector<FoundVolume>& volumes) {
  if (volumes.empty()) return;
  std::vector<std::string> names;
  for (const FoundVolume& volume : volumes) names.push_back(volume.full_name());
  lvm.command_on(volume_group, {"lvremove", "--yes", "--force"}, names);
  lvm.try_command(volume_group, {"vgcfgbackup", volume_group});
}

}  // namespace vss::lvm
