// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/btrfs/snapshot_location.hpp"

#include <fcntl.h>

#include <nlohmann/json.hpp>

#include "providers/btrfs/parallel_capture.hpp"
#include "vss/provider_module.hpp"

namespace vss::btrfs {

namespace {
constexpr const char* kDirectory = ".vssd";
constexpr std::size_t kLongestSource = 2048;

void require_guid(const std::string& text) {
  if (!is_guid_text(text)) throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT, "'" + text + "' is no id");
}
// Only a revert needs it: a path that is too long for the record, or no UTF-8, is no reason to make no
// snapshot.
bool can_be_recorded(const std::string& path) {
  try {
    return nlohmann::json(path).dump().size() <= kLongestSource;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}
}  // namespace

SnapshotLocation SnapshotLocation::of_new(std::string set_id, std::string snapshot_id, std::string filesystem,
                                          std::string origin, std::string source) {
  for (const std::string* id : {&set_id, &snapshot_id, &filesystem, &origin}) require_guid(*id);
  SnapshotLocation location;
  location.set_id_ = std::move(set_id);
  location.snapshot_id_ = std::move(snapshot_id);
  location.filesystem_ = std::move(filesystem);
  location.origin_ = std::move(origin);
  if (can_be_recorded(source)) location.source_ = std::move(source);
  return location;
}

SnapshotLocation SnapshotLocation::of_existing(const vss_member& snapshot) {
  try {
    const auto data = nlohmann::json::parse(snapshot.data);
    SnapshotLocation location = of_new(snapshot.set_id, snapshot.snapshot_id, data.at("filesystem"),
                                       data.at("origin"), data.value("source", std::string()));
    location.subvolume_ = data.value("subvolume", std::uint64_t{0});
    if (location.path() == data.at("path").get<std::string>()) return location;
  } catch (const nlohmann::json::exception& error) {
    throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT,
                        std::string("data of the snapshot: ") + error.what());
  }
  throw ProviderError(VSS_PROVIDER_E_INVALID_ARGUMENT, "data of the snapshot: another path than its ids say");
}

bool SnapshotLocation::is_ours(const std::string& path) {
  return path.starts_with(std::string(kDirectory) + "/");
}

std::string SnapshotLocation::path() const {
  return std::string(kDirectory) + "/" + set_id_ + "/" + snapshot_id_ + "/" + kSnapshotName;
}

std::string SnapshotLocation::data() const {
  nlohmann::json data{
      {"filesystem", filesystem_}, {"origin", origin_}, {"source", source_}, {"path", path()}};
  if (subvolume_ != 0) data["subvolume"] = subvolume_;
  return data.dump();
}

UniqueFd SnapshotLocation::make_directory(int top) const {
  const UniqueFd ours = make_private_directory(top, kDirectory);
  const UniqueFd set = make_private_directory(ours.get(), set_id_);
  return make_private_directory(set.get(), snapshot_id_);
}

bool SnapshotLocation::carries_mark(int snapshot) const {
  if (!is_subvolume(snapshot)) return false;
  const Subvolume facts = subvolume_of(snapshot);
  if (facts.received_uuid == Uuid{}) return subvolume_ == 0 && facts.parent_uuid == uuid_from(origin_);
  return facts.received_uuid == uuid_from(set_id_);
}

UniqueFd SnapshotLocation::open(int top) const {
  UniqueFd snapshot = open_at_if_exists(top, path(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (snapshot && !carries_mark(snapshot.get())) return {};
  return snapshot;
}

UniqueFd SnapshotLocation::open_directory(int top) const {
  const std::string directory = std::string(kDirectory) + "/" + set_id_ + "/" + snapshot_id_;
  UniqueFd found = open_at_if_exists(top, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!found) throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, directory + " does not exist");
  return found;
}

// The marker goes last: whatever fails before, the snapshot is still found.
std::string SnapshotLocation::break_away(int top, bool writable) const {
  const UniqueFd snapshot = open_at_if_exists(top, path(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const bool is_it =
      snapshot && is_subvolume(snapshot.get()) &&
      (carries_mark(snapshot.get()) || (subvolume_ != 0 && subvolume_of(snapshot.get()).id == subvolume_));
  if (!is_it) throw ProviderError(VSS_PROVIDER_E_OBJECT_NOT_FOUND, path() + " does not exist");
  set_read_only(snapshot.get(), false);  // the marker of a read-only one cannot be changed
  if (subvolume_of(snapshot.get()).received_uuid != Uuid{}) {
    try {
      set_marker(snapshot.get(), Uuid{});
    } catch (const std::system_error&) {
      set_read_only(snapshot.get(), true);
      throw;
    }
  }
  try {
    if (!writable) set_read_only(snapshot.get(), true);
    sync_filesystem(top);
  } catch (const std::system_error& error) {
    return path() + " is broken away, but " + error.what();
  }
  return "";
}

void SnapshotLocation::remove(int top) const {
  const UniqueFd ours = open_at_if_exists(top, kDirectory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!ours) return;
  const UniqueFd set = open_at_if_exists(ours.get(), set_id_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!set) return;
  const UniqueFd own = open_at_if_exists(set.get(), snapshot_id_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (own) {
    const UniqueFd snapshot =
        open_at_if_exists(own.get(), kSnapshotName, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (snapshot && !carries_mark(snapshot.get())) {
      throw ProviderError(VSS_PROVIDER_E_VETO,
                          path() + ": left alone, it does not carry the mark of set " + set_id_);
    }
    if (snapshot) delete_subvolume(own.get(), kSnapshotName);
    remove_if_empty(set.get(), snapshot_id_);
  }
  remove_if_empty(ours.get(), set_id_);
  remove_if_empty(top, kDirectory);
}

}  // namespace vss::btrfs
