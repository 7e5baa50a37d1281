// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/snapshot_set.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "providers/lvm/device_mapper.hpp"
#include "providers/lvm/snapshot_health.hpp"
#include "providers/lvm/snapshots.hpp"
#include "providers/lvm/storage.hpp"
#include "providers/lvm/volume_group_lock.hpp"

namespace vss::lvm {

namespace {

constexpr const char* kOriginFields =
    "vg_name,vg_uuid,vg_attr,vg_free,vg_extent_size,vg_missing_pv_count,lv_name,lv_uuid,lv_attr,lv_size,pool_"
    "lv,"
    "pool_lv_uuid";

std::uint64_t number(const Row& row, const std::string& field) {
  return std::strtoull(row.at(field).c_str(), nullptr, 10);
}

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes / kMiB) + " MiB"; }

std::string device_number(const std::string& node) {
  struct stat facts {};
  if (::stat(node.c_str(), &facts) != 0) return "";
  return std::to_string(major(facts.st_rdev)) + ":" + std::to_string(minor(facts.st_rdev));
}

[[noreturn]] void veto(const std::string& message) { throw ProviderError(VSS_PROVIDER_E_VETO, message); }
[[noreturn]] void no_space(const std::string& message) {
  throw ProviderError(VSS_PROVIDER_E_INSUFFICIENT_STORAGE, message);
}

}  // namespace

SnapshotData SnapshotSet::add(const MappedVolume& volume, const vss_member& member, int hold,
                              const StorePolicy& policy, WriteRates& rates) {
  const std::vector<Row> rows = lvm_.report("lvs", kOriginFields, volume.volume_group + "/" + volume.name);
  if (rows.empty()) veto("lvm does not know " + volume.volume_group + "/" + volume.name);
  const Row& row = rows.front();
  const std::string path = member.volume.path;
  check_group(row, path);
  if (hold == VSS_HOLD_SUSPEND && lvm_.locking_dir().empty())
    veto(path + " would be held by suspending its device, and lvm does not tell where its locks are");
  const bool thin = volume.kind == Kind::Thin;
  Member added{
      .snapshot_id = member.snapshot_id,
      .path = path,
      .data = {volume.volume_group, volume.vg_uuid, volume.name, volume.lv_uuid,
               thin ? row.at("pool_lv") : "", thin ? without_hyphens(row.at("pool_lv_uuid")) : "", ""},
      .name = snapshot_name(volume.volume_group, volume.name, member.snapshot_id),
      .hold = hold};
  if (thin) {
    check_pool(added.data, path);
  } else {
    added.device = device_number(member.volume.device);
    added.origin_bytes = number(row, "lv_size");
    added.extent = number(row, "vg_extent_size");
    const auto written = written_to(added.device);
    plan_store(added, number(row, "vg_free"), policy, written ? rates.on_average(added.device, *written) : 0);
  }
  members_.push_back(added);
  return added.data;
}

void SnapshotSet::check_group(const Row& row, const std::string& path) const {
  const std::string& group = row.at("vg_name");
  if (number(row, "vg_missing_pv_count") > 0) {
    veto("the volume group " + group + " of " + path +
         " lacks a disk: lvm changes nothing in it until it is back");
  }
  const std::string& attributes = row.at("vg_attr");  // vgs(8): writable, resizable, exported, partial
  if (!attributes.starts_with('w')) veto("the volume group " + group + " is read-only");
  if (attributes.size() > 2 && attributes[2] == 'x') veto("the volume group " + group + " is exported");
  const std::string& volume = row.at("lv_attr");
  const char health = volume.size() > 8 ? volume[8] : '-';  // lvs(8): partial, or its status tells nothing
  if (health == 'p') veto(path + " lacks a part of its disks");
  if (health == 'X') {
    veto("the kernel does not have " + path + " as LVM has recorded it; lvchange --refresh " + group + "/" +
         row.at("lv_name") + " may help");
  }
}

void SnapshotSet::check_pool(const SnapshotData& data, const std::string& path) {
  const std::uint64_t transaction = check_room_in_pool(data, path);
  const std::vector<Row> rows = lvm_.report("lvs", "transaction_id", data.volume_group + "/" + data.pool);
  if (rows.empty() || number(rows.front(), "transaction_id") != transaction) {
    veto("the thin pool " + data.volume_group + "/" + data.pool + " of " + path +
         ": the metadata of LVM and of the kernel differ; lvconvert --repair may help");
  }
}

// From the kernel and not from lvm's report: it is the state of this moment.
std::uint64_t SnapshotSet::check_room_in_pool(const SnapshotData& data, const std::string& path) const {
  const auto pool = mapper_device(mapper_uuid(data.vg_uuid, data.pool_uuid) + "-tpool");
  const auto status = pool ? mapper_status(pool->name) : std::vector<MapperTarget>{};
  if (status.empty()) veto("the thin pool " + data.pool + " of " + path + " is not active");
  const PoolFill fill = parse_pool_status(status.front().parameters);
  const std::string name = "the thin pool " + data.volume_group + "/" + data.pool + " of " + path;
  const auto check = [&](const Fill& part, const char* what, std::uint64_t limit) {
    if (part.percent() < static_cast<double>(limit)) return;
    no_space(name + ": its " + what + " is " + std::to_string(static_cast<int>(part.percent())) +
             "% full, and the limit for new snapshots is " + std::to_string(limit) + "%");
  };
  check(fill.data, "space for data", limits_.pool_data_percent);
  check(fill.metadata, "space for metadata", limits_.pool_metadata_percent);
  if (!fill.can_write) veto(name + " cannot be written: " + fill.state);
  return fill.transaction;
}

std::uint64_t SnapshotSet::spare(const std::string& vg_uuid, std::uint64_t free) const {
  for (const Member& other : members_) {
    if (other.data.vg_uuid == vg_uuid) free -= std::min(free, other.store_bytes);
  }
  return free;
}

void SnapshotSet::plan_store(Member& member, std::uint64_t free, const StorePolicy& policy,
                             double written_per_second) const {
  free = spare(member.data.vg_uuid, free);
  member.store_bytes = policy.size(member.origin_bytes, member.extent, written_per_second);
  if (member.store_bytes <= free) return;
  no_space("a snapshot of " + member.path + " needs a store of " + mebibytes(member.store_bytes) +
           ", and the volume group " + member.data.volume_group + " has " + mebibytes(free) + " left for it");
}

// The average is of hours or days: it does not know of the load that has just begun. But the set does not
// fail for what may be over soon.
void SnapshotSet::enlarge_stores(const ProviderHost& host, const StorePolicy& policy,
                                 const WriteRates& rates) {
  for (const Member& member : members_) {
    const auto written = member.data.thin() ? std::nullopt : written_to(member.device);
    if (!written) continue;
    const std::uint64_t wanted =
        policy.size(member.origin_bytes, member.extent, rates.lately(member.device, *written));
    if (wanted <= member.store_bytes) continue;
    const Room room = room_for(lvm_, member.full_name(), snapshot_tag(member.snapshot_id));
    const auto refusal = grow_store(lvm_, member.full_name(), wanted - member.store_bytes, room);
    if (refusal)
      host.warn(member.path + " is written to so fast that its store should have " + mebibytes(wanted) +
                ", not " + mebibytes(member.store_bytes) + ": " + *refusal);
  }
}

void SnapshotSet::make_stores(const ProviderHost& host, const StorePolicy& policy, const WriteRates& rates) {
  for (const Member& member : members_) {
    if (member.data.thin()) continue;
    // -Wn: nothing looks for signatures of earlier filesystems; -Zy: an empty header, as lvm itself makes it.
    lvm_.command(member.data.volume_group,
                 {"lvcreate", "--yes", "--type", "linear", "-Wn", "-Zy", "--size",
                  std::to_string(member.store_bytes) + "b", "--name", member.name, "--addtag", set_tag(id_),
                  "--addtag", snapshot_tag(member.snapshot_id), member.data.volume_group});
  }
  if (policy.estimates()) enlarge_stores(host, policy, rates);
  for (const std::string& group : groups())
    lvm_.command_on(group, {"lvchange", "--activate", "n"}, names_in(group, Which::Thick));
  for (const char* target : {"snapshot", "snapshot-origin"}) mapper_load_target(target);
}

// --noudevsync: nobody waits for udevd, which may itself wait for a disk that stands still.
std::vector<std::string> SnapshotSet::capture_command(const Member& member, const std::string& set_id) {
  if (!member.data.thin()) {
    return {"lvconvert", "--yes",        "--type",        "snapshot",        "--zero",
            "n",         "--noudevsync", member.origin(), member.full_name()};
  }
  return {"lvcreate",
          "--yes",
          "--snapshot",
          "--name",
          member.name,
          "--addtag",
          set_tag(set_id),
          "--addtag",
          snapshot_tag(member.snapshot_id),
          "--setactivationskip",
          "y",
          "--noudevsync",
          member.origin()};
}

void SnapshotSet::get_ready() {
  // Should lvm be killed in the window, a resume is what puts things right, and then it must not have to be
  // read from a volume that stands still.
  rehearse_resume();
  for (const Member& member : members_) {
    if (is_suspended(member.data, lvm_)) veto(member.path + " is suspended by somebody else");
    // What waited in memory has been written since the volume was added.
    if (member.data.thin()) check_room_in_pool(member.data, member.path);
  }
  lvm_.set_urgent(true);
}

bool SnapshotSet::is_held(const std::string& snapshot_id) const {
  const auto member = std::ranges::find(members_, snapshot_id, &Member::snapshot_id);
  return member == members_.end() || member->hold != VSS_HOLD_IMPOSSIBLE;
}

void SnapshotSet::capture(const std::string& snapshot_id, bool& hold_refused) {
  const auto member = std::ranges::find(members_, snapshot_id, &Member::snapshot_id);
  if (member == members_.end()) throw ProviderError(VSS_PROVIDER_E_BAD_STATE, "not prepared");
  if (!lvm_.is_running()) veto("the process that runs lvm was killed");
  const std::string& group = member->data.volume_group;
  const std::vector<std::string> words = capture_command(*member, id_);
  const Patience patience = lvm_.patience();
  std::optional<VolumeGroupLock> lock;
  if (member->hold == VSS_HOLD_SUSPEND) {
    // Any other command on this volume would have resumed it. With the lock there is none between this look
    // and the capture. Whoever resumed it let writes through that other volumes of the set do not have.
    lock.emplace(lvm_.locking_dir(), group, patience);
    const auto device = mapper_device(mapper_uuid(member->data.vg_uuid, member->data.origin_uuid));
    if (!device || !device->suspended) veto("somebody has resumed the device of " + member->path);
  }
  const CommandResult result = lvm_.try_command(group, words, lock ? &*lock : nullptr, patience);
  if (result.succeeded()) return;
  hold_refused = member->hold == VSS_HOLD_FREEZE && result.mentions("suspend", "Device or resource busy");
  throw_refusal(words, result);
}

void SnapshotSet::resume_all() noexcept {
  interrupted_ = true;
  // Without waiting for anybody: volumes are held. What is left repair() ends when the set is removed.
  for (const Member& member : members_) (void)resume_left_suspended(member.data, lvm_.locking_dir(), {});
}

void SnapshotSet::activate(const ProviderHost& host) {
  for (const std::string& group : groups()) {
    // A thick one is active with its origin.
    lvm_.command_on(group, {"lvchange", "--activate", "y", "--ignoreactivationskip", "--yes"},
                    names_in(group, Which::Thin));
    for (const FoundVolume& found : find_tagged(lvm_, group, set_tag(id_))) {
      const auto member = std::ranges::find_if(members_, [&](const Member& candidate) {
        return candidate.data.volume_group == group && candidate.name == found.name;
      });
      if (member == members_.end()) continue;
      member->data.lv_uuid = found.lv_uuid;
      host.set_data(member->snapshot_id, to_text(member->data));
    }
  }
}

void SnapshotSet::finish(const ProviderHost& host) {
  for (const std::string& group : groups()) {
    lvm_.command_on(group, {"lvchange", "--permission", "r"}, names_in(group, Which::All));
    const auto saved = lvm_.try_command(group, {"vgcfgbackup", group});
    if (!saved.succeeded()) host.warn("vgcfgbackup " + group + ": " + saved.message());
  }
}

void SnapshotSet::remove(const ProviderHost& host) {
  std::string failures;
  const auto attempt = [&](const auto& step) {
    try {
      step();
    } catch (const std::exception& error) {
      failures += (failures.empty() ? "" : "; ") + std::string(error.what());
    }
  };
  for (const std::string& group : groups()) {
    std::vector<FoundVolume> volumes;
    attempt([&] { volumes = find_tagged(lvm_, group, set_tag(id_)); });
    for (const Member& member : members_) {
      if (member.data.volume_group != group) continue;
      attempt([&] {
        for (const std::string& name : repair(lvm_, group, member.data, volumes, interrupted_))
          host.warn(name + " had been left suspended");
      });
    }
    attempt([&] { remove_volumes(lvm_, group, volumes); });
  }
  if (!failures.empty()) throw ProviderError(VSS_PROVIDER_E_UNEXPECTED, failures);
}

std::vector<std::string> SnapshotSet::names_in(const std::string& group, Which which) const {
  std::vector<std::string> names;
  for (const Member& member : members_) {
    const bool wanted = which == Which::All || (which == Which::Thin) == member.data.thin();
    if (wanted && member.data.volume_group == group) names.push_back(member.full_name());
  }
  return names;
}

std::vector<std::string> SnapshotSet::groups() const {
  std::vector<std::string> names;
  for (const Member& member : members_) {
    if (std::ranges::find(names, member.data.volume_group) == names.end())
      names.push_back(member.data.volume_group);
  }
  return names;
}

}  // namespace vss::lvm
