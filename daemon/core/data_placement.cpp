// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/data_placement.hpp"

#include <spdlog/spdlog.h>
#include <algorithm>

#include "daemon/core/component_selection.hpp"

namespace vss::core {
namespace {
// Of the types that a file set can name, the one that a backup of `type` is treated as.
std::string file_type_of(const std::string& type) {
  return type == "incremental" || type == "differential" || type == "log" ? type : "full";
}

bool is_from_snapshot(const ComponentFiles& files, const std::string& type) {
  return std::ranges::find(files.snapshot_required, file_type_of(type)) != files.snapshot_required.end();
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}
}  // namespace

bool needs_snapshot(const std::vector<const ComponentInfo*>& components, const std::string& type) {
  return std::ranges::any_of(components, [&](const ComponentInfo* component) {
    return std::ranges::any_of(component->files,
                               [&](const auto& files) { return is_from_snapshot(files, type); });
  });
}

DataPlacement::DataPlacement(VolumeFacts& facts, std::vector<Volume> set)
    : facts_(facts), set_(std::move(set)) {}

bool DataPlacement::is_in_set(const Volume& volume) const {
  return std::ranges::any_of(set_, [&](const Volume& member) {
    return member.superblock == volume.superblock && member.subvolume_id == volume.subvolume_id;
  });
}

asio::awaitable<Result<Volume>> DataPlacement::volume_of(std::string path) {
  for (;;) {
    if (const auto known = known_.find(path); known != known_.end()) co_return known->second;
    std::string copy = path;
    Result<Volume> volume = co_await facts_.resolve(std::move(copy));
    const bool missing = !volume && volume.error().code == ErrorCode::ObjectNotFound;
    if (!missing || path == "/") {
      known_.emplace(path, volume);
      co_return volume;
    }
    path = parent_of(path);
  }
}

asio::awaitable<void> DataPlacement::list_volumes() {
  Result<std::vector<Volume>> all = co_await facts_.list();
  if (!all) spdlog::warn("what is mounted below the data of writers is not known: {}", all.error().message);
  mounted_ = all ? std::move(*all) : std::vector<Volume>();
}

// "" if all of it is in the set.
asio::awaitable<std::string> DataPlacement::outside_of_set(std::string path, bool recursive) {
  const Result<Volume> volume = co_await volume_of(path);
  if (!volume) co_return path + " (" + volume.error().message + ")";
  if (!is_in_set(*volume)) co_return path + " on the volume " + volume->path;
  if (!recursive) co_return std::string();
  if (!mounted_) co_await list_volumes();
  const std::string prefix = path.ends_with('/') ? path : path + "/";
  for (const Volume& below : *mounted_) {
    if (below.path.starts_with(prefix) && !is_in_set(below)) {
      co_return "what is below " + path + " on the volume " + below.path;
    }
  }
  co_return std::string();
}

asio::awaitable<Placement> DataPlacement::place(std::vector<const ComponentInfo*> components,
                                                std::string type) {
  Placement placement;
  for (const ComponentInfo* component : components) {
    for (const ComponentFiles& files : component->files) {
      if (!is_from_snapshot(files, type)) continue;
      placement.any_data = true;
      const std::string outside = co_await outside_of_set(files.source(), files.set.recursive);
      if (outside.empty()) {
        placement.any_inside = true;
      } else if (placement.outside.empty()) {
        placement.outside = "component " + full_name(component->id) + ": " + outside;
      }
    }
  }
  co_return placement;
}

}  // namespace vss::core
