// SPDX-License-Identifier: LGPL-2.1-or-later
// The snapshots of a set while it is made, as mounted filesystems.
#include "daemon/core/snapshot_set.hpp"

namespace vss::core {

asio::awaitable<Status> SnapshotSet::mount_all(bool writable) {
  for (const Entry& entry : members_) {
    const Guid id = entry.plan.snapshot_id;
    Result<Member> member = entry.provider->member(id);
    if (!member) co_return fail(std::move(member.error()));
    Result<MountSpec> spec = co_await entry.provider->mount_info(std::move(*member), writable);
    if (!spec) co_return fail(std::move(spec.error()));
    snapshot(id)->device = spec->device;
    Result<std::string> path = co_await services_.mounter.mount(this->id(), id, std::move(*spec), writable);
    if (!path)
      co_return fail(std::move(path.error()).with_context("mount the snapshot of " + entry.plan.volume.path));
    snapshot(id)->path = std::move(*path);
  }
  co_return Status();
}

asio::awaitable<Status> SnapshotSet::unmount_all() {
  Status status;
  if (is_client_accessible(record_.context) && record_.client_time != 0) {
    SetRecord seen = record_;
    std::vector<Guid> all = snapshot_ids(seen);
    status = co_await store_.views().hide(std::move(seen), std::move(all), true);
  }
  for (SnapshotRecord& record : record_.snapshots) {
    if (record.path.empty()) continue;
    Status unmounted = co_await services_.mounter.unmount(id(), record.snapshot_id);
    record.path.clear();
    if (status && !unmounted) status = std::move(unmounted);
  }
  co_return status;
}

void SnapshotSet::warn_of_no_recovery() {
  for (const auto& participant : writers_.all()) {
    if (!participant->is_active() || !participant->metadata.recovers_in(record_.context)) continue;
    warnings_.push_back("writer " + participant->writer->info().name +
                        " could not recover its data on the snapshot: auto_recovery is off");
  }
}

// What writers said need not be kept in a snapshot. It is no failure if it stays.
asio::awaitable<void> SnapshotSet::remove_excluded_files() {
  for (const auto& participant : writers_.all()) {
    if (!participant->is_active()) continue;
    for (const FileSet& files : participant->metadata.excluded_from_snapshot) {
      if (cancel_.is_set()) co_return;
      co_await remove_excluded(files, participant->writer->info().name);
    }
  }
}

asio::awaitable<void> SnapshotSet::remove_excluded(const FileSet& files, const std::string& writer) {
  std::string path = files.path;
  const Result<Volume> volume = co_await services_.volumes.resolve(std::move(path));
  if (!volume) co_return;  // there is nothing of it
  for (const SnapshotRecord& snapshot : record_.snapshots) {
    const Volume& member = snapshot.volume;
    if (member.superblock != volume->superblock || member.subvolume_id != volume->subvolume_id) continue;
    FileSet inside = files;
    const bool is_seen_from_there =
        volume->path == "/" || files.path == volume->path || files.path.starts_with(volume->path + "/");
    if (!is_seen_from_there) {  // by way of a link, or of another mount
      warnings_.push_back("files that writer " + writer + " wants to leave out are in the snapshot of " +
                          member.path + ": " + files.path + " is not below " + volume->path);
      continue;
    }
    inside.path = volume->path == "/" ? files.path : files.path.substr(volume->path.size());
    std::string root = snapshot.path;
    Result<std::size_t> removed =
        co_await services_.snapshot_files.remove(std::move(root), std::move(inside));
    if (removed) {
      spdlog::info("set {}: {} files of writer {} left out of the snapshot of {}", id().str(), *removed,
                   writer, member.path);
    } else {
      warnings_.push_back("files that writer " + writer + " wants to leave out are in the snapshot of " +
                          member.path + ": " + removed.error().message);
    }
  }
}

}  // namespace vss::core
