// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/merge.hpp"

#include <algorithm>
#include <optional>

#include "providers/lvm/device_mapper.hpp"
#include "providers/lvm/snapshots.hpp"
#include "providers/lvm/volume_report.hpp"

namespace vss::lvm {

namespace {

[[noreturn]] void refuse(const std::string& why) { throw ProviderError(VSS_PROVIDER_E_VOLUME_IN_USE, why); }

std::vector<VolumeRow> rows_of(Lvm& lvm, const std::string& what) {
  return volume_rows(lvm.report("lvs", kVolumeFields, what));
}

// What is so already is no failure: a command may come a second time.
void change(Lvm& lvm, const std::string& group, const Words& words) {
  const CommandResult result = lvm.try_command(group, words);
  if (!result.succeeded() && !result.mentions("already writable") && !result.mentions("already read only"))
    throw_refusal(words, result);
}

void change_all(Lvm& lvm, const std::string& group, const std::vector<Words>& commands) {
  for (const Words& words : commands) change(lvm, group, words);
}

void back_up(const ProviderHost& host, Lvm& lvm, const std::string& group) {
  const CommandResult saved = lvm.try_command(group, {"vgcfgbackup", group});
  if (!saved.succeeded()) host.warn("vgcfgbackup " + group + ": " + saved.message());
}

bool is_open(const SnapshotData& data, const std::string& lv_uuid) {
  return mapper_open_count(mapper_uuid(data.vg_uuid, lv_uuid)).value_or(0) > 0;
}

const VolumeRow& find_merging(const std::vector<VolumeRow>& rows, const SnapshotData& data,
                              const std::string& id) {
  const auto found = std::ranges::find_if(
      rows, [&](const VolumeRow& row) { return row.is_snapshot() && row.has_tag(snapshot_tag(id)); });
  if (found == rows.end())
    throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, "the snapshot does not exist");
  if (found->is_invalid())
    throw ProviderError(VSS_PROVIDER_E_VETO, found->full_name() + " is lost: its store was full");
  const VolumeRow* const origin = find_volume(rows, data.origin_uuid);
  if (origin == nullptr)
    throw ProviderError(VSS_PROVIDER_E_VETO, "its origin " + data.origin + " does not exist any more");
  if (origin->takes_a_merge()) {
    throw ProviderError(VSS_PROVIDER_E_REVERT_IN_PROGRESS,
                        "another snapshot is being merged into " + origin->full_name());
  }
  if (found->origin_uuid != data.origin_uuid) {
    throw ProviderError(VSS_PROVIDER_E_VETO, "lvm knows " + found->full_name() +
                                                 " no longer as a snapshot of " + origin->full_name() +
                                                 ", and cannot merge it");
  }
  return *found;
}

// What `force` goes on in spite of.
void check_free(const std::vector<VolumeRow>& rows, const VolumeRow& merging, const SnapshotData& data) {
  const std::string origin = find_volume(rows, data.origin_uuid)->full_name();
  if (is_open(data, data.origin_uuid)) {
    refuse(origin +
           " is mounted or open; unmount it, or force it: then it is reverted when it is activated next");
  }
  if (is_open(data, merging.lv_uuid)) refuse("the snapshot " + merging.full_name() + " is open");
  std::string names;
  for (const std::string& name : endangered_by_merge(rows, merging))
    names += (names.empty() ? "" : ", ") + name;
  if (!names.empty())
    refuse("other snapshots of " + origin + " have no room for what the merge overwrites: " + names);
}

// While the merge runs the kernel has a table for it; before, only lvm's metadata tell.
std::optional<MergeProgress> kernel_progress(const std::string& vg_uuid, const std::string& lv_uuid) {
  const auto device = mapper_device(mapper_uuid(vg_uuid, lv_uuid));
  if (!device) return std::nullopt;
  for (const MapperTarget& target : mapper_status(device->name)) {
    if (target.type == "snapshot-merge") return parse_merge_status(target.parameters);
  }
  return std::nullopt;
}

void answer(const ProviderHost& host, Lvm& lvm, const VolumeRow* origin, int without) {
  if (origin == nullptr || !origin->takes_a_merge())
    return host.set_revert(without, without == VSS_REVERT_DONE ? 100 : -1, "");
  const auto progress = kernel_progress(origin->vg_uuid, origin->lv_uuid);
  if (!progress) {
    return host.set_revert(VSS_REVERT_PENDING_REBOOT, -1,
                           "it begins when " + origin->full_name() + " is activated next");
  }
  if (progress->failed)
    return host.set_revert(VSS_REVERT_RUNNING, -1, "the kernel cannot merge " + origin->full_name());
  if (progress->finished) {
    // Whoever watched it for lvm was killed: it is told to watch again.
    const Words poll{"lvchange", "--poll", "y", origin->full_name()};
    const CommandResult polled = lvm.try_command(origin->volume_group, poll);
    if (!polled.succeeded()) host.warn("lvchange --poll: " + polled.message());
  }
  host.set_revert(VSS_REVERT_RUNNING, std::min(progress->percent, 99), "");
}

}  // namespace

void break_away(const ProviderHost& host, Lvm& lvm, const SnapshotData& data, const SnapshotIds& ids,
                bool writable) {
  const std::string group = find_recorded(lvm, data, snapshot_tag(ids.snapshot)).volume_group;
  const std::vector<VolumeRow> rows = rows_of(lvm, group);
  const auto tagged = std::ranges::find_if(rows, [&](const VolumeRow& row) {
    return row.is_snapshot() && row.has_tag(snapshot_tag(ids.snapshot));
  });
  const VolumeRow* const volume = tagged != rows.end() ? &*tagged : find_volume(rows, data.lv_uuid);
  if (volume == nullptr || !volume->is_snapshot())
    throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, "the snapshot does not exist");
  change_all(lvm, group, commands_to_break(*volume, ids.set, ids.snapshot, writable));
  back_up(host, lvm, group);
  host.set_location("/dev/" + volume->full_name(), "/dev/mapper/" + mapper_name(group, volume->name));
}

void merge(const ProviderHost& host, Lvm& lvm, const SnapshotData& data, const SnapshotIds& ids, bool force) {
  const std::string group = find_recorded(lvm, data, snapshot_tag(ids.snapshot)).volume_group;
  const std::vector<VolumeRow> rows = rows_of(lvm, group);
  const VolumeRow& snapshot = find_merging(rows, data, ids.snapshot);
  if (!force) check_free(rows, snapshot, data);
  if (!data.thin()) mapper_load_target("snapshot-merge");
  const auto undo = [&] {
    for (const Words& words : commands_to_undo_merge(snapshot, ids.set, ids.snapshot)) {
      const CommandResult undone = lvm.try_command(group, words);
      if (!undone.succeeded()) host.warn("lvm " + words.front() + ": " + undone.message());
    }
  };
  try {
    change_all(lvm, group, commands_before_merge(snapshot, ids.set, ids.snapshot));
    lvm.set_polls_elsewhere(true);
    lvm.command(group, command_to_merge(snapshot));
    lvm.set_polls_elsewhere(false);
  } catch (const ProviderError&) {
    lvm.set_polls_elsewhere(false);
    undo();
    throw;
  }
  back_up(host, lvm, group);
  const std::vector<VolumeRow> after = rows_of(lvm, group);
  answer(host, lvm, find_volume(after, data.origin_uuid), VSS_REVERT_DONE);
}

bool take_back(const ProviderHost& host, Lvm& lvm, const std::string& group, const SnapshotData& data,
               const SnapshotIds& ids) {
  const std::vector<VolumeRow> rows = rows_of(lvm, group);
  const VolumeRow* const volume = find_volume(rows, data.lv_uuid);
  if (volume == nullptr || !is_ready_for_merge(*volume, data.origin_uuid)) return false;
  host.warn(volume->full_name() + ": a revert to it was interrupted before it began");
  change_all(lvm, group, commands_to_undo_merge(*volume, ids.set, ids.snapshot));
  return true;
}

void report_merge(const ProviderHost& host, Lvm& lvm, const MappedVolume& volume) {
  const std::vector<VolumeRow> rows = rows_of(lvm, volume.volume_group + "/" + volume.name);
  lvm.set_polls_elsewhere(true);
  answer(host, lvm, find_volume(rows, volume.lv_uuid), VSS_REVERT_NONE);
}

}  // namespace vss::lvm
