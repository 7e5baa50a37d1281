// SPDX-License-Identifier: LGPL-2.1-or-later
// The lvm provider; README.md has what it does when, and why.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

#include "providers/lvm/device_mapper.hpp"
#include "providers/lvm/half_made.hpp"
#include "providers/lvm/kernel_ability.hpp"
#include "providers/lvm/logical_volume.hpp"
#include "providers/lvm/merge.hpp"
#include "providers/lvm/settings.hpp"
#include "providers/lvm/snapshot_health.hpp"
#include "providers/lvm/snapshot_set.hpp"
#include "providers/lvm/snapshots.hpp"
#include "providers/lvm/storage.hpp"
#include "providers/lvm/store_growth.hpp"
#include "providers/lvm/store_policy.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {

namespace {

using namespace std::chrono_literals;

// Each below the limit that vssd has for the operation, so that the error is ours and says what lvm waited
// for.
constexpr auto kPrepareLimit = 20s;
constexpr auto kOthersLimit = 10s;  // what vssd does in another thread has to end, while writers are frozen
constexpr auto kReadyLimit = 8s;    // of pre_commit as well, and so is the start of vssd-lvm, 10 s
constexpr auto kWindowLimit = 8s;   // all captures of what is held; begins before the 10 s of the hold do
constexpr auto kLookLimit = 20s;
constexpr auto kLockWait = 5s;  // until what a killed command has left suspended can be resumed
// Of a look at health: all that lvm does, of that the question whether a store has room, and a wait for
// others.
constexpr auto kHealthLimit = 8s;
constexpr auto kQuestionLimit = 4s;  // so that a change that has begun need not be killed
constexpr auto kHealthWait = 1s;
constexpr std::int64_t kShortTime = 60;  // seconds that a store has left

// Read-only means that nothing may replay a journal. A filesystem that was frozen needs no replay. The UUID
// of an xfs is that of its origin, which is mounted.
std::string mount_options(const std::string& filesystem, bool writable) {
  if (filesystem == "xfs") return writable ? "nouuid" : "nouuid,norecovery";
  if (filesystem == "ext3" || filesystem == "ext4") return writable ? "" : "noload";
  return "";
}

class LvmProvider final : public SnapshotProvider {
 public:
  LvmProvider(const ProviderHost& host, const std::string& runtime_dir)
      : settings_(Settings::from(host)),
        freezes_nest_(std::async(
            std::launch::deferred,
            [hold = settings_.hold] { return hold == "auto" ? kernel_nests_freezes() : hold == "freeze"; })),
        lvm_(settings_.program, [this](const std::string&) {
          if (set_) set_->resume_all();
        }) {
    lvm_.set_own_locks(runtime_dir + "/locks");
  }

  void is_volume_supported(const ProviderHost& host, const vss_volume& volume) override {
    if (std::string(volume.filesystem) == "btrfs") {
      return host.unsupported(
          "a btrfs cannot be mounted beside a copy of itself; the btrfs provider captures it");
    }
    try {
      host.supported(hold_for(find_logical_volume(volume.device), volume), "");
    } catch (const std::exception& error) {
      host.unsupported(error.what());
    }
  }

  void begin_prepare(const ProviderHost& host, const vss_member& member) override {
    if (!set_ || set_->id() != member.set_id) {
      leave_window();
      set_.emplace(member.set_id, lvm_, settings_.limits);
    }
    lvm_.set_terms(terms(host, kPrepareLimit));
    const MappedVolume volume = find_logical_volume(member.volume.device);
    const SnapshotData data =
        set_->add(volume, member, hold_for(volume, member.volume), settings_.store, rates_);
    host.set_data(member.snapshot_id, to_text(data));
  }

  void end_prepare(const ProviderHost& host, const std::string& set_id) override {
    lvm_.set_terms(terms(host, settings_.command_limit));
    current(set_id).make_stores(host, settings_.store, rates_);
  }

  // From here to post_commit no command of another thread may resume what is held.
  void pre_commit(const ProviderHost& host, const std::string& set_id) override {
    SnapshotSet& set = current(set_id);
    window_ = std::unique_lock(commands_,
                               std::min<std::chrono::milliseconds>(kOthersLimit, settings_.command_limit));
    if (!window_) throw ProviderError(VSS_PROVIDER_E_VETO, "another lvm command of vssd takes too long");
    lvm_.start();
    lvm_.set_terms(together(terms(host, kReadyLimit)));
    set.get_ready();
    window_end_ = std::chrono::steady_clock::now() + kWindowLimit;
  }

  void commit(const ProviderHost& host, const std::string& set_id,
              std::span<const vss_member> members) override {
    SnapshotSet& set = current(set_id);
    for (const vss_member& member : members) {
      const auto begun = std::chrono::steady_clock::now();
      const bool is_held = set.is_held(member.snapshot_id);
      Terms window = terms(host, kWindowLimit);
      if (is_held) window.end = window_end_;
      lvm_.set_terms(std::move(window));
      bool hold_refused = false;
      try {
        set.capture(member.snapshot_id, hold_refused);
      } catch (const ProviderError& error) {
        if (!hold_refused) throw;
        freeze_refused_ = true;
        throw ProviderError(VSS_PROVIDER_E_HOLD_REFUSED, error.what());
      }
      // What cannot be held is captured before anything is.
      if (!is_held) window_end_ += std::chrono::steady_clock::now() - begun;
    }
  }

  void post_commit(const ProviderHost&, const std::string&) override { leave_window(); }

  void pre_final_commit(const ProviderHost& host, const std::string& set_id) override {
    lvm_.set_terms(terms(host, settings_.command_limit));
    current(set_id).activate(host);
  }

  void post_final_commit(const ProviderHost& host, const std::string& set_id) override {
    lvm_.set_terms(terms(host, settings_.command_limit));
    current(set_id).finish(host);
    set_.reset();
    lvm_.stop();
  }

  // Only what this process knows of the set; what an earlier one left behind goes by remove().
  void abort(const ProviderHost& host, const std::string& set_id) override {
    if (!set_ || set_->id() != set_id) return;
    leave_window();
    lvm_.set_terms(terms(host, settings_.command_limit));
    try {
      set_->remove(host);
    } catch (...) {
      lvm_.stop();  // it comes again, or vssd removes snapshot by snapshot
      throw;
    }
    set_.reset();
    lvm_.stop();
    host.debug("set " + set_id + " removed");
  }

  void remove(const ProviderHost& host, const vss_member& snapshot) override {
    const std::shared_lock lock(commands_);
    const SnapshotData data = parse_snapshot_data(snapshot.data);
    Lvm lvm = make_lvm(host, data, terms(host, settings_.command_limit), settings_.command_limit);
    const Tagged found = find_recorded(lvm, data, snapshot_tag(snapshot.snapshot_id));
    if (data.thin()) take_away_half_made(lvm, found.volume_group, data);
    for (const std::string& name : repair(lvm, found.volume_group, data, found.volumes, false))
      host.warn(name + " had been left suspended");
    remove_volumes(lvm, found.volume_group, found.volumes);
    forget(snapshot.snapshot_id);
  }

  bool query(const ProviderHost& host, const vss_member& snapshot) override {
    const SnapshotData data = parse_snapshot_data(snapshot.data);
    Lvm lvm = make_lvm(host, data, terms(host, kLookLimit), kLockWait);
    const Tagged found = find_recorded(lvm, data, snapshot_tag(snapshot.snapshot_id));
    if (!found.volumes.empty()) return std::ranges::any_of(found.volumes, &FoundVolume::is_snapshot);
    const std::shared_lock lock(commands_);
    return take_back(host, lvm, found.volume_group, data, {snapshot.set_id, snapshot.snapshot_id});
  }

  void mount_info(const ProviderHost& host, const vss_member& snapshot, bool writable) override {
    const SnapshotData data = parse_snapshot_data(snapshot.data);
    auto device = active_device(data);
    if (!device) device = activate(host, data, snapshot.snapshot_id);
    if (!data.thin() && fill_of(*device).lost)
      throw ProviderError(VSS_PROVIDER_E_VETO, device->name + " is lost: its store was full");
    const std::string filesystem = snapshot.volume.filesystem;
    host.set_mount(device->node(), filesystem, mount_options(filesystem, writable),
                   "/dev/mapper/" + device->name);
  }

  void check_health(const ProviderHost& host, const vss_member& snapshot) override {
    const SnapshotData data = parse_snapshot_data(snapshot.data);
    const auto device = active_device(data);
    if (!device)
      throw ProviderError(VSS_PROVIDER_E_VETO, "the snapshot of " + data.origin + " is not active");
    if (data.thin()) return check_thin(host, data, snapshot.snapshot_id);
    check_thick(host, data, *device, snapshot.snapshot_id);
  }

  void break_snapshot(const ProviderHost& host, const vss_member& snapshot, bool writable) override {
    const std::lock_guard lock(commands_);
    const SnapshotData data = parse_snapshot_data(snapshot.data);
    Lvm lvm = make_lvm(host, data, terms(host, settings_.command_limit), settings_.command_limit);
    break_away(host, lvm, data, {snapshot.set_id, snapshot.snapshot_id}, writable);
    forget(snapshot.snapshot_id);
  }

  void revert(const ProviderHost& host, const vss_member& snapshot, bool force) override {
    const std::lock_guard lock(commands_);
    const SnapshotData data = parse_snapshot_data(snapshot.data);
    Lvm lvm = make_lvm(host, data, terms(host, settings_.command_limit), settings_.command_limit);
    merge(host, lvm, data, {snapshot.set_id, snapshot.snapshot_id}, force);
  }

  void revert_status(const ProviderHost& host, const vss_volume& volume) override {
    const MappedVolume mapped = find_any_logical_volume(volume.device);
    Lvm lvm = make_reporter(terms(host, kLookLimit));
    report_merge(host, lvm, mapped);
  }

  void storage(const ProviderHost& host, const vss_volume& volume) override {
    const MappedVolume mapped = find_any_logical_volume(volume.device);
    Lvm lvm = make_reporter(terms(host, kLookLimit));
    report_storage(host, lvm, mapped, volume.path);
  }

  void resize_storage(const ProviderHost& host, const vss_member& target, std::uint64_t maximum) override {
    const std::lock_guard lock(commands_);
    Lvm looking = make_reporter(terms(host, kLookLimit));
    const Stores found = find_stores(looking, volume_of(looking, target),
                                     *target.data == '\0' ? std::string() : target.snapshot_id);
    for (const VolumeRow& store : found.stores) {
      const SnapshotData data{
          store.volume_group, store.vg_uuid, store.volume_group, store.origin_uuid, "", "", store.lv_uuid};
      Lvm lvm = make_lvm(host, data, terms(host, settings_.command_limit), settings_.command_limit);
      limit_store(lvm, store, found.origin_size, maximum);
    }
  }

 private:
  [[nodiscard]] Terms terms(const ProviderHost& host, std::chrono::milliseconds limit) const {
    return {std::min(limit, settings_.command_limit), [host] { return host.is_cancelled(); }};
  }

  // For all commands that follow, instead of each.
  [[nodiscard]] static Terms together(Terms terms) {
    terms.end = std::chrono::steady_clock::now() + terms.limit;
    return terms;
  }

  // For what is not part of the making of a set. `wait`: how long for somebody who has lvm's lock when a
  // command was lost.
  [[nodiscard]] Lvm make_lvm(const ProviderHost& host, const SnapshotData& data, Terms terms,
                             std::chrono::milliseconds wait) const {
    const auto resume = [host, data, wait](const std::string& locking_dir) {
      if (!resume_left_suspended(data, locking_dir, wait))
        host.warn("devices of " + data.volume_group + "/" + data.origin + " may be left suspended");
    };
    return {settings_.program, resume, std::move(terms)};
  }

  // For commands that suspend nothing.
  [[nodiscard]] Lvm make_reporter(Terms terms) const { return {settings_.program, {}, std::move(terms)}; }

  // Of a snapshot, or the volume itself.
  [[nodiscard]] static MappedVolume volume_of(Lvm& lvm, const vss_member& target) {
    if (*target.data == '\0') return find_any_logical_volume(target.volume.device);
    const SnapshotData data = parse_snapshot_data(target.data);
    const std::string group = find_recorded(lvm, data, snapshot_tag(target.snapshot_id)).volume_group;
    return {group, data.origin, data.vg_uuid, data.origin_uuid, {}};
  }

  SnapshotSet& current(const std::string& set_id) {
    if (!set_ || set_->id() != set_id)
      throw ProviderError(VSS_PROVIDER_E_BAD_STATE, "set " + set_id + " is not being made");
    return *set_;
  }

  [[nodiscard]] static std::optional<MapperDevice> active_device(const SnapshotData& data) {
    if (data.lv_uuid.empty()) return std::nullopt;
    return mapper_device(mapper_uuid(data.vg_uuid, data.lv_uuid));
  }

  // After a restart of the machine a thin snapshot is not active.
  [[nodiscard]] MapperDevice activate(const ProviderHost& host, const SnapshotData& data,
                                      const std::string& snapshot_id) {
    const std::shared_lock lock(commands_);
    Lvm lvm = make_lvm(host, data, terms(host, kLookLimit), kLockWait);
    const Tagged found = find_recorded(lvm, data, snapshot_tag(snapshot_id));
    const auto volume = std::ranges::find_if(found.volumes, &FoundVolume::is_snapshot);
    if (volume == found.volumes.end())
      throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, "the snapshot does not exist");
    lvm.command(found.volume_group,
                {"lvchange", "--activate", "y", "--ignoreactivationskip", "--yes", volume->full_name()});
    auto device = mapper_device(mapper_uuid(data.vg_uuid, volume->lv_uuid));
    if (!device) throw ProviderError(VSS_PROVIDER_E_VETO, volume->full_name() + " cannot be activated");
    return *std::move(device);
  }

  void leave_window() {
    if (!window_.owns_lock()) return;
    lvm_.set_urgent(false);
    window_.unlock();
  }

  // A thin origin must never be suspended before lvm does it: lvm would not send its message to the pool.
  [[nodiscard]] int hold_for(const MappedVolume& mapped, const vss_volume& volume) {
    if (freezes_nest_.get() && !freeze_refused_) return VSS_HOLD_FREEZE;
    if (mapped.kind == Kind::Thin || carries_the_system(volume.path, settings_.program))
      return VSS_HOLD_IMPOSSIBLE;
    return VSS_HOLD_SUSPEND;
  }

  // While it is removed or merged its device shows something else for a moment.
  [[nodiscard]] static Fill fill_of(const MapperDevice& device) {
    const auto status = mapper_status(device.name);
    if (status.empty() || status.front().type != "snapshot")
      throw ProviderError(VSS_PROVIDER_E_VETO, device.name + " is no snapshot at this moment");
    return parse_snapshot_status(status.front().parameters);
  }

  [[nodiscard]] std::int64_t seconds_left(const std::string& part, const Fill& fill,
                                          std::chrono::steady_clock::time_point now) {
    const std::lock_guard lock(growing_);
    return growth_.seconds_left(part, fill, now);
  }

  void check_thick(const ProviderHost& host, const SnapshotData& data, const MapperDevice& device,
                   const std::string& id) {
    const Fill fill = fill_of(device);
    if (fill.lost)
      return host.set_health(VSS_HEALTH_LOST, 0, "the store of " + device.name + ": " + fill.why);
    const auto now = std::chrono::steady_clock::now();
    const std::int64_t left = seconds_left(id, fill, now);
    if (fill.percent() < static_cast<double>(settings_.extend_at))
      return host.set_health(VSS_HEALTH_GOOD, left, "");
    const std::string refusal = extend(host, data, device, fill, {id, data.vg_uuid, left});
    if (refusal.empty()) return host.set_health(VSS_HEALTH_GOOD, -1, "");
    // Its removal may have been what lvm was busy with.
    if (!active_device(data)) throw ProviderError(VSS_PROVIDER_E_VETO, device.name + " has just gone");
    const auto passed =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - now);
    host.set_health(VSS_HEALTH_AT_RISK, left < 0 ? left : std::max<std::int64_t>(left - passed.count(), 0),
                    "the store of " + data.volume_group + "/" + data.origin + " is " +
                        std::to_string(static_cast<int>(fill.percent())) +
                        "% full and cannot grow: " + refusal);
  }

  // Why not, "" if it grew, or is as large as it can ever get.
  std::string extend(const ProviderHost& host, const SnapshotData& data, const MapperDevice& device,
                     const Fill& fill, const Growing& store) {
    const auto now = std::chrono::steady_clock::now();
    const Terms change = together(terms(host, kHealthLimit));
    const std::shared_lock lock(commands_, kHealthWait);
    if (!lock) {
      const std::string why = "another lvm command of vssd is under way";
      if (store.seconds_left >= 0 && store.seconds_left < kShortTime) return why;
      throw ProviderError(VSS_PROVIDER_E_VETO, why);  // the next look is soon enough
    }
    const auto grow = [&] {
      Lvm lvm = make_lvm(host, data, together(terms(host, kQuestionLimit)), kHealthWait);
      const VolumeNames names = split_mapper_name(device.name);
      const std::string name = names.volume_group + "/" + names.logical_volume;
      const Room room = room_for(lvm, name, snapshot_tag(store.id));
      lvm.set_terms(change);
      return grow_store(lvm, name, growth_of_store(fill.total, settings_.extend_by), room);
    };
    return ungrown_.try_to_grow(store, now, grow);
  }

  void check_thin(const ProviderHost& host, const SnapshotData& data, const std::string& id) {
    const auto pool = mapper_device(mapper_uuid(data.vg_uuid, data.pool_uuid) + "-tpool");
    const auto status = pool ? mapper_status(pool->name) : std::vector<MapperTarget>{};
    if (status.empty())
      throw ProviderError(VSS_PROVIDER_E_VETO, "the thin pool " + data.pool + " is not active");
    const PoolFill fill = parse_pool_status(status.front().parameters);
    const std::string name = "the thin pool " + data.volume_group + "/" + data.pool;
    if (fill.data.lost) return host.set_health(VSS_HEALTH_LOST, 0, name + ": " + fill.state);
    const auto now = std::chrono::steady_clock::now();
    const auto check = [&](const Fill& part, const std::string& what, std::uint64_t limit) {
      const std::int64_t left = seconds_left(id + what, part, now);
      if (part.percent() < static_cast<double>(limit)) return false;
      host.set_health(VSS_HEALTH_AT_RISK, left,
                      name + ": " + what + " " + std::to_string(static_cast<int>(part.percent())) + "% full");
      return true;
    };
    const bool at_risk = check(fill.data, "data", settings_.limits.pool_data_percent) ||
                         check(fill.metadata, "metadata", settings_.limits.pool_metadata_percent);
    if (at_risk) return;
    if (!fill.can_write)
      return host.set_health(VSS_HEALTH_AT_RISK, -1, name + " cannot be written: " + fill.state);
    host.set_health(VSS_HEALTH_GOOD, -1, "");
  }

  void forget(const std::string& id) {
    ungrown_.forget(id);
    const std::lock_guard lock(growing_);
    for (const char* what : {"", "data", "metadata"}) growth_.forget(id + what);
  }

  const Settings settings_;
  // The list of the kernel's symbols takes a while to read; who asks first reads it.
  std::shared_future<bool> freezes_nest_;
  std::atomic<bool> freeze_refused_{false};  // by the kernel, whatever its symbols say

  // Of the thread of set creation, down to window_.
  std::optional<SnapshotSet> set_;
  WriteRates rates_;
  Lvm lvm_;
  std::unique_lock<std::shared_timed_mutex> window_;
  std::chrono::steady_clock::time_point window_end_;
  // Had alone while volumes are held, shared by commands that could resume them. They need not wait for each
  // other: lvm's lock of a group is enough. Alone as well by what concerns the growth of stores: where a
  // store gets a limit, and where it becomes somebody else's.
  std::shared_timed_mutex commands_;

  std::mutex growing_;
  Growth growth_;
  Ungrown ungrown_;
};

}  // namespace
}  // namespace vss::lvm

VSS_PROVIDER_MODULE(vss::lvm::LvmProvider, "lvm", VSSD_VERSION, 0, 10)
