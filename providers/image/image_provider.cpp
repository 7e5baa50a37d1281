// SPDX-License-Identifier: LGPL-2.1-or-later
// The image provider; README.md has the layout on disk and the reasons.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "providers/image/clone_file.hpp"
#include "providers/image/host_filesystem.hpp"
#include "providers/image/loop_device.hpp"
#include "vss/provider_module.hpp"
#include "vss/provider_support.hpp"

namespace vss::image {

namespace {

struct SetMember {
  CloneFile clone;
  std::string path;      // of the volume
  UniqueFd source;       // from begin_prepare on
  UniqueFd destination;  // from end_prepare to post_commit
};

struct CurrentSet {
  std::string id;
  std::vector<SetMember> members;
};

// Read-only means that the device is too: nothing may replay a journal. A frozen filesystem needs no replay.
// The UUID of an xfs is that of its origin, which is mounted.
std::string mount_options(const std::string& filesystem, bool writable) {
  if (filesystem == "xfs") return writable ? "nouuid" : "nouuid,norecovery";
  if (filesystem == "ext3" || filesystem == "ext4") return writable ? "" : "noload";
  return "";
}

class ImageProvider final : public SnapshotProvider {
 public:
  ImageProvider(const ProviderHost& /*host*/, const std::string& /*runtime_dir*/) {}

  void is_volume_supported(const ProviderHost& host, const vss_volume& volume) override {
    if (*volume.backing_file == '\0') return host.unsupported("it is not on a loop device");
    if (std::string(volume.filesystem) == "btrfs") {
      return host.unsupported(
          "a btrfs cannot be mounted beside a copy of itself; the btrfs provider captures it");
    }
    try {
      (void)loop_extent(volume.device, volume.backing_file);
    } catch (const ProviderError& error) {
      return host.unsupported(error.what());
    }
    const HostFilesystem filesystem = host_of(volume.backing_file);
    if (!can_share_blocks(filesystem.mount_point)) {
      return host.unsupported("the backing file lies on " + filesystem.type +
                              ", which cannot share blocks; XFS and btrfs can");
    }
    host.supported(VSS_HOLD_FREEZE, "");
  }

  void begin_prepare(const ProviderHost& host, const vss_member& member) override {
    if (!current_ || current_->id != member.set_id) current_ = CurrentSet{member.set_id, {}};
    const LoopExtent extent = loop_extent(member.volume.device, member.volume.backing_file);
    const HostFilesystem filesystem = host_of(member.volume.backing_file);
    check_host(filesystem, member.volume.backing_file);
    SetMember added;
    added.clone =
        CloneFile(member.set_id, member.snapshot_id, filesystem.mount_point, filesystem.uuid, extent);
    added.path = member.volume.path;
    added.source = open_at(AT_FDCWD, member.volume.backing_file, O_RDONLY);
    host.set_data(member.snapshot_id, added.clone.data());
    current_->members.push_back(std::move(added));
  }

  void end_prepare(const ProviderHost&, const std::string& set_id) override {
    const std::lock_guard lock(directories_);
    for (SetMember& member : current(set_id).members)
      member.destination = member.clone.create(member.source.get());
  }

  // What is still dirty of the file would be written by FICLONE, while the volume is held.
  void pre_commit(const ProviderHost&, const std::string& set_id) override {
    for (const SetMember& member : current(set_id).members) {
      if (::fdatasync(member.source.get()) != 0) throw_errno("write back the file behind " + member.path);
    }
  }

  // A clone is made on the filesystem that the file lies on. Where that one is a member too, the hold plan
  // has captured and released it before.
  void commit(const ProviderHost&, const std::string& set_id, std::span<const vss_member> members) override {
    const CurrentSet& set = current(set_id);
    for (const vss_member& asked : members) {
      const auto member = std::ranges::find_if(set.members, [&](const SetMember& candidate) {
        return candidate.clone.snapshot_id() == asked.snapshot_id;
      });
      if (member == set.members.end() || !member->destination) {
        throw ProviderError(VSS_PROVIDER_E_BAD_STATE, "not prepared");
      }
      if (::ioctl(member->destination.get(), FICLONE, member->source.get()) != 0) {
        throw_errno("FICLONE of the file behind " + member->path);
      }
    }
  }

  void post_commit(const ProviderHost&, const std::string& set_id) override {
    for (SetMember& member : current(set_id).members) member.destination.reset();
  }

  void post_final_commit(const ProviderHost&, const std::string& set_id) override {
    for (const SetMember& member : current(set_id).members) {
      release_loop(member.clone.snapshot_id());
      member.clone.finish();
    }
    current_.reset();
  }

  // Only what this process knows of the set; what an earlier one left behind goes by remove().
  void abort(const ProviderHost& host, const std::string& set_id) override {
    if (!current_ || current_->id != set_id) return;
    const CurrentSet set = *std::exchange(current_, std::nullopt);
    std::string failures;
    const std::lock_guard lock(directories_);
    for (const SetMember& member : set.members) {
      try {
        release_loop(member.clone.snapshot_id());
        member.clone.remove();
      } catch (const std::exception& error) {
        failures += std::string(failures.empty() ? "" : "; ") + error.what();
      }
    }
    if (!failures.empty()) throw ProviderError(VSS_PROVIDER_E_UNEXPECTED, failures);
    host.debug("set " + set_id + " removed");
  }

  void remove(const ProviderHost&, const vss_member& snapshot) override {
    const CloneFile clone = CloneFile::of_existing(snapshot);
    release_loop(clone.snapshot_id());
    const std::lock_guard lock(directories_);
    clone.remove();
  }

  bool query(const ProviderHost&, const vss_member& snapshot) override {
    return CloneFile::of_existing(snapshot).exists();
  }

  void mount_info(const ProviderHost& host, const vss_member& snapshot, bool writable) override {
    const CloneFile clone = CloneFile::of_existing(snapshot);
    const UniqueFd file = clone.open_file(writable ? O_RDWR : O_RDONLY);
    release_loop(clone.snapshot_id());
    AttachedLoop loop = attach_loop(file.get(), clone.path(), clone.extent(), writable);
    host.set_mount(loop.device, snapshot.volume.filesystem,
                   mount_options(snapshot.volume.filesystem, writable), loop.device);
    keep_loop(clone.snapshot_id(), std::move(loop.fd));
  }

  void break_snapshot(const ProviderHost& host, const vss_member& snapshot, bool writable) override {
    const CloneFile clone = CloneFile::of_existing(snapshot);
    release_loop(clone.snapshot_id());
    clone.break_away(writable);
    host.set_location(clone.path(), "");
  }

  void revert(const ProviderHost&, const vss_member&, bool) override {
    throw ProviderError(
        VSS_PROVIDER_E_NOT_SUPPORTED,
        "the loop device of a volume keeps its file open and does not take another one; unmount the "
        "volume and copy the file of the snapshot");
  }

 private:
  struct KeptLoop {
    std::string snapshot_id;
    UniqueFd fd;
  };
  // Only those that the host may not have mounted yet are needed; it mounts one after another.
  static constexpr std::size_t kMostKeptLoops = 16;

  CurrentSet& current(const std::string& set_id) {
    if (!current_ || current_->id != set_id) {
      throw ProviderError(VSS_PROVIDER_E_BAD_STATE, "set " + set_id + " is not being made");
    }
    return *current_;
  }

  static void check_host(const HostFilesystem& filesystem, const std::string& backing_file) {
    struct statvfs space {};
    if (::statvfs(filesystem.mount_point.c_str(), &space) != 0) throw_errno(filesystem.mount_point);
    if ((space.f_flag & ST_RDONLY) != 0) {
      throw ProviderError(VSS_PROVIDER_E_VETO, filesystem.mount_point + " is read-only: " + backing_file +
                                                   " cannot be cloned there");
    }
    if (space.f_bavail == 0) {
      throw ProviderError(VSS_PROVIDER_E_INSUFFICIENT_STORAGE, filesystem.mount_point + " is full");
    }
    if (!can_share_blocks(filesystem.mount_point)) {
      throw ProviderError(
          VSS_PROVIDER_E_VOLUME_NOT_SUPPORTED,
          "the backing file lies on " + filesystem.type + ", which cannot share blocks; XFS and btrfs can");
    }
  }

  void keep_loop(const std::string& snapshot_id, UniqueFd fd) {
    const std::lock_guard lock(loops_mutex_);
    loops_.push_back({snapshot_id, std::move(fd)});
    if (loops_.size() > kMostKeptLoops) loops_.pop_front();
  }

  void release_loop(const std::string& snapshot_id) {
    const std::lock_guard lock(loops_mutex_);
    std::erase_if(loops_, [&](const KeptLoop& loop) { return loop.snapshot_id == snapshot_id; });
  }

  std::optional<CurrentSet> current_;  // of the thread of set creation
  std::mutex directories_;             // one thread makes directories, the other removes empty ones
  std::mutex loops_mutex_;
  std::deque<KeptLoop> loops_;  // oldest first
};

}  // namespace
}  // namespace vss::image

VSS_PROVIDER_MODULE(vss::image::ImageProvider, "image", VSSD_VERSION, VSS_PROVIDER_SPECIALISED, 50)
