// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The part of one snapshot set that is on LVM, while it is being made.

#include <cstdint>
#include <string>
#include <vector>

#include "providers/lvm/logical_volume.hpp"
#include "providers/lvm/lvm.hpp"
#include "providers/lvm/store_policy.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {

// What may be asked of it in vssd.conf.
struct SetLimits {
  std::uint64_t pool_data_percent;
  std::uint64_t pool_metadata_percent;
};

class SnapshotSet {
 public:
  SnapshotSet(std::string id, Lvm& lvm, const SetLimits& limits)
      : id_(std::move(id)), lvm_(lvm), limits_(limits) {}

  [[nodiscard]] const std::string& id() const { return id_; }

  // Checks all that can be checked before anything is touched: missing disks, space, the health of a pool.
  // `hold`: how the volume will be held. Returns the record of the snapshot.
  SnapshotData add(const MappedVolume& volume, const vss_member& member, int hold, const StorePolicy& policy,
                   WriteRates& rates);
  // Makes the stores of thick snapshots: allocated, zeroed, and out of use again. Estimated ones become
  // larger than planned if volumes have been written to faster since then, and there is space.
  void make_stores(const ProviderHost& host, const StorePolicy& policy, const WriteRates& rates);
  // lvm runs. All else that the capture needs is there, and in memory; pools still have room.
  void get_ready();
  // Whether its volume stands still for the capture.
  [[nodiscard]] bool is_held(const std::string& snapshot_id) const;
  // The capture. `hold_refused`: set when the kernel would not freeze what is frozen.
  void capture(const std::string& snapshot_id, bool& hold_refused);
  // A command of this set was lost in its middle: nothing stays suspended.
  void resume_all() noexcept;
  // What was captured becomes usable, and writable. Tells the host what the snapshots have become.
  void activate(const ProviderHost& host);
  // Read-only for good.
  void finish(const ProviderHost& host);
  // Removes all that carries the tag of the set. Whatever fails, the rest is tried.
  void remove(const ProviderHost& host);

 private:
  struct Member {
    std::string snapshot_id;
    std::string path;
    SnapshotData data;
    std::string name;  // of the snapshot
    int hold;
    // Thick:
    std::string device{};  // its number
    std::uint64_t origin_bytes = 0;
    std::uint64_t extent = 0;
    std::uint64_t store_bytes = 0;

    [[nodiscard]] std::string full_name() const { return data.volume_group + "/" + name; }
    [[nodiscard]] std::string origin() const { return data.volume_group + "/" + data.origin; }
  };

  void check_group(const Row& row, const std::string& path) const;
  void check_pool(const SnapshotData& data, const std::string& path);
  // Returns the number of its last change.
  std::uint64_t check_room_in_pool(const SnapshotData& data, const std::string& path) const;
  // Of the free space of a group what no store is planned for.
  [[nodiscard]] std::uint64_t spare(const std::string& vg_uuid, std::uint64_t free) const;
  void plan_store(Member& member, std::uint64_t free, const StorePolicy& policy,
                  double written_per_second) const;
  void enlarge_stores(const ProviderHost& host, const StorePolicy& policy, const WriteRates& rates);
  enum class Which : std::uint8_t { All, Thick, Thin };
  [[nodiscard]] std::vector<std::string> groups() const;
  [[nodiscard]] std::vector<std::string> names_in(const std::string& group, Which which) const;
  [[nodiscard]] static std::vector<std::string> capture_command(const Member& member,
                                                                const std::string& set_id);

  std::string id_;
  Lvm& lvm_;
  SetLimits limits_;
  std::vector<Member> members_;
  bool interrupted_ = false;
};

}  // namespace vss::lvm
