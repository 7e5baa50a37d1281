// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/storage.hpp"

#include <lvm2cmd.h>

#include <algorithm>
#include <cstdlib>

#include "providers/lvm/volume_report.hpp"

namespace vss::lvm {

namespace {

constexpr const char* kPoolFields = "lv_size,data_percent,lv_metadata_size,metadata_percent";

std::vector<VolumeRow> all_rows(Lvm& lvm, const std::string& group) {
  return volume_rows(lvm.report("lvs", kVolumeFields, group));
}

bool is_ours_of(const VolumeRow& row, const std::string& origin_uuid) {
  return row.is_snapshot() && row.origin_uuid == origin_uuid && !row.tag_after(snapshot_tag("")).empty();
}

void report_pool(const ProviderHost& host, Lvm& lvm, const std::string& pool, const std::string& path) {
  const std::vector<Row> rows = lvm.report("lvs", kPoolFields, pool);
  if (rows.empty()) throw ProviderError(VSS_PROVIDER_E_VETO, "lvm does not know " + pool);
  const auto part = [&](const std::string& name, const char* size_field, const char* percent_field) {
    const std::uint64_t size = std::strtoull(rows.front().at(size_field).c_str(), nullptr, 10);
    const std::string& percent = rows.front().at(percent_field);  // "" while the pool is not active
    const std::uint64_t used = percent.empty()
                                   ? VSS_STORAGE_UNKNOWN
                                   : static_cast<std::uint64_t>(static_cast<double>(size) *
                                                                std::strtod(percent.c_str(), nullptr) / 100);
    host.add_storage(path, name, used, size, size);
  };
  part(pool + " (data)", "lv_size", "data_percent");
  part(pool + " (metadata)", "lv_metadata_size", "metadata_percent");
}

void set_size(Lvm& lvm, const VolumeRow& store, std::uint64_t size) {
  if (size > store.size) lvm.command(store.volume_group, command_to_extend(store, size));
  if (size >= store.size) return;
  const std::vector<Words> forms = commands_to_reduce(store, size);
  for (const Words& words : forms) {
    const CommandResult result = lvm.try_command(store.volume_group, words);
    if (result.succeeded()) return;
    // An option that this lvm does not know: the other form is for it.
    const bool is_last = words == forms.back();
    if (is_last || result.status != LVM2_INVALID_PARAMETERS) throw_refusal(words, result);
  }
}

}  // namespace

void report_storage(const ProviderHost& host, Lvm& lvm, const MappedVolume& volume, const std::string& path) {
  const std::vector<VolumeRow> rows = all_rows(lvm, volume.volume_group);
  if (std::ranges::none_of(rows, [&](const VolumeRow& row) { return is_ours_of(row, volume.lv_uuid); }))
    return;
  const VolumeRow* const origin = find_volume(rows, volume.lv_uuid);
  if (origin != nullptr && !origin->pool.empty())
    return report_pool(host, lvm, volume.volume_group + "/" + origin->pool, path);
  for (const VolumeRow& row : rows) {
    if (is_ours_of(row, volume.lv_uuid)) {
      host.add_storage(path, row.full_name(), row.is_invalid() ? row.size : row.used(), row.size,
                       limit_of(row));
    }
  }
}

Stores find_stores(Lvm& lvm, const MappedVolume& volume, const std::string& snapshot_id) {
  const std::vector<VolumeRow> rows = all_rows(lvm, volume.volume_group);
  const VolumeRow* const origin = find_volume(rows, volume.lv_uuid);
  if (origin != nullptr && !origin->pool.empty()) {
    throw ProviderError(
        VSS_PROVIDER_E_NOT_SUPPORTED,
        "the volumes of a thin pool and their snapshots share its space, none has a part of its own; "
        "lvextend changes the size of the pool");
  }
  Stores found;
  for (const VolumeRow& store : rows) {
    const bool is_asked = snapshot_id.empty() || store.has_tag(snapshot_tag(snapshot_id));
    if (is_asked && is_ours_of(store, volume.lv_uuid) && store.is_thick_snapshot())
      found.stores.push_back(store);
  }
  if (origin == nullptr || found.stores.empty()) {
    throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, volume.volume_group + "/" + volume.name +
                                                             " has no snapshot whose store could be limited");
  }
  found.origin_size = origin->size;
  return found;
}

void limit_store(Lvm& lvm, const VolumeRow& store, std::uint64_t origin_size, std::uint64_t maximum) {
  if (maximum != 0) set_size(lvm, store, limited_size(store, origin_size, maximum));
  const Words words = command_to_limit(store, maximum);
  if (!words.empty()) lvm.command(store.volume_group, words);
  const CommandResult saved = lvm.try_command(store.volume_group, {"vgcfgbackup", store.volume_group});
  if (!saved.succeeded()) throw_refusal({"vgcfgbackup"}, saved);
}

Room room_for(Lvm& lvm, const std::string& name, const std::string& tag) {
  const std::vector<Row> report = lvm.report("lvs", std::string(kVolumeFields) + ",vg_free", name);
  const std::vector<VolumeRow> rows = volume_rows(report);
  if (rows.empty() || !rows.front().has_tag(tag))
    throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, name + " is not of vssd");
  const VolumeRow& store = rows.front();
  Room room{.below_limit = UINT64_MAX,
            .free = std::strtoull(report.front().at("vg_free").c_str(), nullptr, 10)};
  if (limit_of(store) == 0) return room;
  const std::uint64_t extent = std::max<std::uint64_t>(store.extent, 1);
  const std::uint64_t limit = limit_of(store) / extent * extent;
  room.below_limit = limit > store.size ? limit - store.size : 0;
  return room;
}

std::optional<std::string> grow_store(Lvm& lvm, const std::string& name, std::uint64_t growth,
                                      const Room& room) {
  std::optional<std::string> refusal;
  for (const Words& words : commands_to_grow(name, growth, room)) {
    const CommandResult result = lvm.try_command(name.substr(0, name.find('/')), words);
    if (result.succeeded()) return std::nullopt;
    // Of the whole step: larger than its origin no store gets. Of what is free: nothing is.
    if (!refusal && result.mentions("matches existing size")) return "";
    if (!refusal) refusal = result.message();
    if (!result.mentions("nsufficient free space")) break;
  }
  return refusal.value_or("it is as large as its limit allows");
}

}  // namespace vss::lvm
