// SPDX-License-Identifier: LGPL-2.1-or-later
// The btrfs provider; README.md has the layout on disk and the reasons.
#include <fcntl.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "providers/btrfs/parallel_capture.hpp"
#include "providers/btrfs/reverts.hpp"
#include "providers/btrfs/snapshot_location.hpp"
#include "providers/btrfs/snapshot_storage.hpp"
#include "providers/btrfs/subvolume.hpp"
#include "providers/btrfs/top_level.hpp"
#include "vss/provider_module.hpp"
#include "vss/provider_support.hpp"

namespace vss::btrfs {

namespace {

constexpr int kMostTries = 10;

struct SetMember {
  SnapshotLocation location;
  std::shared_ptr<TopLevel> top;
  UniqueFd source;
  UniqueFd destination;  // from end_prepare on
};

// The set that is being made. A provider makes one at a time (provider_abi.h, contract 8).
struct CurrentSet {
  std::string id;
  std::vector<SetMember> members;
  std::map<std::string, std::unique_ptr<ParallelCapture>> captures;  // by filesystem
};

UniqueFd open_snapshot(const SetMember& member) {
  return open_at(member.destination.get(), kSnapshotName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

class BtrfsProvider final : public SnapshotProvider {
 public:
  BtrfsProvider(const ProviderHost& /*host*/, const std::string& runtime_dir) : reverts_(runtime_dir) {}

  void is_volume_supported(const ProviderHost& host, const vss_volume& volume) override {
    const std::string type = volume.filesystem;
    if (type != "btrfs") return host.unsupported("the filesystem is " + type + ", not btrfs");
    const UniqueFd root = open_at(AT_FDCWD, volume.path, O_RDONLY | O_DIRECTORY);
    if (!is_subvolume(root.get())) {
      return host.unsupported("it is a directory within a subvolume; only whole subvolumes can be captured");
    }
    host.supported(VSS_HOLD_IMPOSSIBLE, to_text(filesystem_uuid(root.get())));
  }

  void begin_prepare(const ProviderHost& host, const vss_member& member) override {
    if (!current_ || current_->id != member.set_id) current_ = CurrentSet{member.set_id, {}, {}};
    SetMember added;
    added.source = open_at(AT_FDCWD, member.volume.path, O_RDONLY | O_DIRECTORY);
    if (!is_subvolume(added.source.get())) {
      throw ProviderError(VSS_PROVIDER_E_VOLUME_NOT_SUPPORTED,
                          std::string(member.volume.path) + ": not the root of a subvolume");
    }
    const Subvolume source = subvolume_of(added.source.get());
    const std::string filesystem = to_text(filesystem_uuid(added.source.get()));
    added.location =
        SnapshotLocation::of_new(member.set_id, member.snapshot_id, filesystem, to_text(source.uuid),
                                 path_of(added.source.get(), source.id).value_or(""));
    added.top = top_level(filesystem);
    if (added.top->read_only()) {
      throw ProviderError(
          VSS_PROVIDER_E_VETO,
          std::string(member.volume.path) + ": the filesystem is read-only; a snapshot cannot be made");
    }
    report_nested(host, member, added.source.get(), source.id);
    host.set_data(member.snapshot_id, added.location.data());
    current_->members.push_back(std::move(added));
  }

  void end_prepare(const ProviderHost&, const std::string& set_id) override {
    std::map<std::string, std::vector<ParallelCapture::Job>> jobs;
    const std::lock_guard lock(directories_);
    for (SetMember& member : current(set_id).members) {
      member.destination = member.location.make_directory(member.top->directory());
      jobs[member.location.filesystem()].push_back({member.source.get(), member.destination.get()});
    }
    for (auto& [filesystem, of_filesystem] : jobs) {
      current_->captures[filesystem] = std::make_unique<ParallelCapture>(std::move(of_filesystem));
    }
  }

  void commit(const ProviderHost& host, const std::string& set_id,
              std::span<const vss_member> members) override {
    const CurrentSet& set = current(set_id);
    const std::vector<const SetMember*> asked = members_of_one_filesystem(set, members);
    const auto capture = set.captures.find(asked.front()->location.filesystem());
    if (capture == set.captures.end()) throw ProviderError(VSS_PROVIDER_E_BAD_STATE, "not prepared");
    for (int attempt = 1;; ++attempt) {
      capture->second->run();
      if (is_one_transaction(asked)) return;
      if (attempt == kMostTries || host.is_cancelled()) break;
      for (const SetMember* member : asked) delete_subvolume(member->destination.get(), kSnapshotName);
    }
    host.set_not_one_instant("the snapshots of btrfs " + asked.front()->location.filesystem() +
                             " did not get into one transaction in " + std::to_string(kMostTries) +
                             " attempts");
  }

  void post_commit(const ProviderHost&, const std::string& set_id) override {
    current(set_id).captures.clear();
  }

  // The marker is written here and not earlier: each commits a transaction, and here no writer waits.
  void pre_final_commit(const ProviderHost& host, const std::string& set_id) override {
    for (SetMember& member : current(set_id).members) {
      const UniqueFd snapshot = open_snapshot(member);
      set_marker(snapshot.get(), uuid_from(set_id));
      member.location.set_subvolume(subvolume_of(snapshot.get()).id);
      host.set_data(member.location.snapshot_id(), member.location.data());
    }
  }

  void post_final_commit(const ProviderHost&, const std::string& set_id) override {
    for (const SetMember& member : current(set_id).members) set_read_only(open_snapshot(member).get(), true);
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
        member.location.remove(member.top->directory());
      } catch (const std::exception& error) {
        failures += std::string(failures.empty() ? "" : "; ") + error.what();
      }
    }
    if (!failures.empty()) throw ProviderError(VSS_PROVIDER_E_UNEXPECTED, failures);
    host.debug("set " + set_id + " removed");
  }

  void remove(const ProviderHost&, const vss_member& snapshot) override {
    const auto location = SnapshotLocation::of_existing(snapshot);
    const TopLevel top(location.filesystem());
    const std::lock_guard lock(directories_);
    location.remove(top.directory());
  }

  bool query(const ProviderHost&, const vss_member& snapshot) override {
    const auto location = SnapshotLocation::of_existing(snapshot);
    return static_cast<bool>(location.open(TopLevel(location.filesystem()).directory()));
  }

  void mount_info(const ProviderHost& host, const vss_member& snapshot, bool /*writable*/) override {
    const auto location = SnapshotLocation::of_existing(snapshot);
    const TopLevel top(location.filesystem());
    const UniqueFd root = location.open(top.directory());
    if (!root) throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, "the snapshot does not exist");
    host.set_mount(top.device(), "btrfs", "subvolid=" + std::to_string(subvolume_of(root.get()).id), "");
  }

  void break_snapshot(const ProviderHost& host, const vss_member& snapshot, bool writable) override {
    const auto location = SnapshotLocation::of_existing(snapshot);
    const TopLevel top(location.filesystem());
    const std::string trouble = location.break_away(top.directory(), writable);
    if (!trouble.empty()) host.warn(trouble);
    host.set_location("/" + location.path(), top.device());
  }

  void revert(const ProviderHost& host, const vss_member& snapshot, bool force) override {
    reverts_.revert(host, SnapshotLocation::of_existing(snapshot), force);
  }

  void revert_status(const ProviderHost& host, const vss_volume& volume) override {
    require_btrfs(volume);
    reverts_.report(host, volume);
  }

  void storage(const ProviderHost& host, const vss_volume& volume) override {
    require_btrfs(volume);
    const UniqueFd root = open_at(AT_FDCWD, volume.path, O_RDONLY | O_DIRECTORY);
    report_storage(host, volume.path, root.get());
  }

  void resize_storage(const ProviderHost&, const vss_member& target, std::uint64_t) override {
    require_btrfs(target.volume);
    const UniqueFd root = open_at(AT_FDCWD, target.volume.path, O_RDONLY | O_DIRECTORY);
    refuse_limit(root.get());
  }

 private:
  CurrentSet& current(const std::string& set_id) {
    if (!current_ || current_->id != set_id) {
      throw ProviderError(VSS_PROVIDER_E_BAD_STATE, "set " + set_id + " is not being made");
    }
    return *current_;
  }

  std::shared_ptr<TopLevel> top_level(const std::string& filesystem) {
    for (const SetMember& member : current_->members) {
      if (member.location.filesystem() == filesystem) return member.top;
    }
    return std::make_shared<TopLevel>(filesystem);
  }

  static void require_btrfs(const vss_volume& volume) {
    if (std::string(volume.filesystem) != "btrfs")
      throw ProviderError(VSS_PROVIDER_E_VOLUME_NOT_SUPPORTED, std::string(volume.path) + " is no btrfs");
  }

  static void report_nested(const ProviderHost& host, const vss_member& member, int source,
                            std::uint64_t id) {
    const std::string path = member.volume.path;
    const std::string prefix = path.ends_with('/') ? path : path + "/";
    for (const std::string& nested : nested_subvolumes(source, id)) {
      if (!SnapshotLocation::is_ours(nested)) host.add_not_included(member.snapshot_id, prefix + nested);
    }
  }

  // A capture makes all members of its filesystem: the host gives them together, because their group is
  // equal.
  static std::vector<const SetMember*> members_of_one_filesystem(const CurrentSet& set,
                                                                 std::span<const vss_member> asked) {
    std::vector<const SetMember*> found;
    for (const vss_member& member : asked) {
      const auto known = std::ranges::find_if(set.members, [&](const SetMember& candidate) {
        return candidate.location.snapshot_id() == member.snapshot_id;
      });
      if (known == set.members.end()) throw ProviderError(VSS_PROVIDER_E_BAD_STATE, "unknown member");
      found.push_back(&*known);
    }
    if (found.empty()) throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT, "no members");
    const std::string& filesystem = found.front()->location.filesystem();
    const auto on_it = [&](const SetMember& member) { return member.location.filesystem() == filesystem; };
    const bool all_on_it =
        std::ranges::all_of(found, [&](const SetMember* member) { return on_it(*member); });
    if (!all_on_it || std::ranges::count_if(set.members, on_it) != std::ssize(found)) {
      throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT, "not the members of one filesystem");
    }
    return found;
  }

  static bool is_one_transaction(const std::vector<const SetMember*>& members) {
    std::optional<std::uint64_t> transaction;
    for (const SetMember* member : members) {
      const std::uint64_t own = subvolume_of(open_snapshot(*member).get()).created_in;
      if (transaction && *transaction != own) return false;
      transaction = own;
    }
    return true;
  }

  std::optional<CurrentSet> current_;  // of the thread of set creation
  Reverts reverts_;                    // of the other one
  std::mutex directories_;             // one thread makes directories, the other removes empty ones
};

}  // namespace
}  // namespace vss::btrfs

VSS_PROVIDER_MODULE(vss::btrfs::BtrfsProvider, "btrfs", VSSD_VERSION, VSS_PROVIDER_SPECIALISED, 100)
