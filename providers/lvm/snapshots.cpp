// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/snapshots.hpp"

#include <algorithm>
#include <sstream>

#include "providers/lvm/device_mapper.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {

namespace {

std::vector<std::string> suspended_devices(const SnapshotData& data) {
  std::vector<std::string> prefixes{mapper_uuid(data.vg_uuid, data.origin_uuid)};
  if (data.thin()) prefixes.push_back(mapper_uuid(data.vg_uuid, data.pool_uuid));
  if (!data.lv_uuid.empty()) prefixes.push_back(mapper_uuid(data.vg_uuid, data.lv_uuid));
  std::vector<std::string> names;
  for (const MapperDevice& device : mapper_devices(prefixes)) {
    if (device.suspended) names.push_back(device.name);
  }
  return names;
}

bool has_tag(const std::string& tags, const std::string& wanted) {
  std::istringstream list(tags);
  std::string tag;
  while (std::getline(list, tag, ',')) {
    if (tag == wanted) return true;
  }
  return false;
}

}  // namespace

std::string find_volume_group(Lvm& lvm, const SnapshotData& data) {
  const auto is_it = [&](const Row& row) { return without_hyphens(row.at("vg_uuid")) == data.vg_uuid; };
  const auto looked = lvm.try_command(
      data.volume_group, {"vgs", "--reportformat", "json", "-o", "vg_name,vg_uuid", data.volume_group});
  if (looked.succeeded() && std::ranges::any_of(parse_report(looked.printed), is_it))
    return data.volume_group;
  for (const Row& row : lvm.report("vgs", "vg_name,vg_uuid", "")) {
    if (is_it(row)) return row.at("vg_name");
  }
  throw ProviderError(VSS_PROVIDER_E_VETO, "the volume group " + data.volume_group + " is not there now");
}

std::vector<FoundVolume> find_tagged(Lvm& lvm, const std::string& volume_group, const std::string& tag) {
  std::vector<FoundVolume> found;
  const std::string fields = "lv_name,lv_uuid,lv_tags,lv_attr,lv_active";
  for (const Row& row : lvm.report("lvs", fields, volume_group)) {
    if (!has_tag(row.at("lv_tags"), tag)) continue;
    const std::string& attributes =
        row.at("lv_attr");  // lvs(8): the first letter is the type, the fifth the state
    const char type = attributes.empty() ? '-' : attributes[0];
    const char state = attributes.size() > 4 ? attributes[4] : '-';
    found.push_back({volume_group, row.at("lv_name"), without_hyphens(row.at("lv_uuid")),
                     type == 's' || type == 'S' || type == 'V', !row.at("lv_active").empty(),
                     type == 'S' || state == 'I' || state == 'S'});
  }
  return found;
}

std::vector<std::string> repair(Lvm& lvm, const std::string& volume_group, const SnapshotData& data) {
  const std::vector<std::string> found = suspended_devices(data);
  if (found.empty()) return {};
  // Waits for the lock: a command that is under way ends its suspension itself. What is then still suspended
  // belongs to nobody. Loads the tables that the metadata asks for, so a snapshot that was recorded is there
  // afterwards.
  lvm.try_command(volume_group, {"lvchange", "--refresh", volume_group + "/" + data.origin});
  if (data.thin()) lvm.try_command(volume_group, {"lvchange", "--refresh", volume_group + "/" + data.pool});
  // One that is suspended without a new table is none that lvm would have to refresh.
  for (const std::string& name : suspended_devices(data)) mapper_resume(name);
  return found;
}

void remove_volumes(Lvm& lvm, const std::string& volume_group, const std::vector<FoundVolume>& volumes) {
  if (volumes.empty()) return;
  std::vector<std::string> words{"lvremove", "--yes", "--force"};
  for (const FoundVolume& volume : volumes) words.push_back(volume.full_name());
  lvm.command(volume_group, std::move(words));
  lvm.try_command(volume_group, {"vgcfgbackup", volume_group});
}

}  // namespace vss::lvm
