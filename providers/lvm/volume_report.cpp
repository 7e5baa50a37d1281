// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/volume_report.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "providers/lvm/logical_volume.hpp"
#include "providers/lvm/store_policy.hpp"
#include "vss/provider_module.hpp"

namespace vss::lvm {

namespace {

constexpr const char* kLimitTag = "vssd.limit=";

const std::string& text_at(const Row& row, const std::string& field) {
  const auto found = row.find(field);
  if (found == row.end()) throw ProviderError(VSS_PROVIDER_E_UNEXPECTED, "a report of lvm has no " + field);
  return found->second;
}

std::uint64_t number_at(const Row& row, const std::string& field) {
  return std::strtoull(text_at(row, field).c_str(), nullptr, 10);
}

std::vector<std::string> split(const std::string& tags) {
  std::vector<std::string> list;
  std::istringstream parts(tags);
  for (std::string tag; std::getline(parts, tag, ',');) list.push_back(tag);
  return list;
}

std::string mebibytes_of(std::uint64_t bytes) { return std::to_string(bytes / kMiB) + " MiB"; }

Words permission(const VolumeRow& volume, const char* which) {
  return {"lvchange", "--yes", "--permission", which, volume.full_name()};
}

// All of ours.
Words tags(const VolumeRow& volume, const char* option, const std::string& set_id,
           const std::string& snapshot_id) {
  Words words{"lvchange", option, set_tag(set_id), option, snapshot_tag(snapshot_id)};
  if (const std::uint64_t limit = limit_of(volume); limit != 0)
    words.insert(words.end(), {option, limit_tag(limit)});
  words.push_back(volume.full_name());
  return words;
}

Words activation_skip(const VolumeRow& volume, const char* which) {
  return {"lvchange", "--yes", "--setactivationskip", which, volume.full_name()};
}

// lvs(8), the type of the target: also if the volume is an origin.
bool is_thin(const std::string& attributes) { return attributes.size() > 6 && attributes[6] == 't'; }

}  // namespace

bool VolumeRow::has_tag(const std::string& tag) const { return std::ranges::find(tags, tag) != tags.end(); }

std::string VolumeRow::tag_after(const std::string& begin) const {
  for (const std::string& tag : tags) {
    if (tag.starts_with(begin)) return tag.substr(begin.size());
  }
  return "";
}

std::vector<VolumeRow> volume_rows(const std::vector<Row>& report) {
  std::vector<VolumeRow> rows;
  for (const Row& row : report) {
    const std::string uuid = without_hyphens(text_at(row, "lv_uuid"));
    if (find_volume(rows, uuid) != nullptr) continue;  // another segment of it
    rows.push_back({.volume_group = text_at(row, "vg_name"),
                    .vg_uuid = without_hyphens(text_at(row, "vg_uuid")),
                    .name = text_at(row, "lv_name"),
                    .lv_uuid = uuid,
                    .tags = split(text_at(row, "lv_tags")),
                    .attributes = text_at(row, "lv_attr"),
                    .origin_uuid = without_hyphens(text_at(row, "origin_uuid")),
                    .pool = is_thin(text_at(row, "lv_attr")) ? text_at(row, "pool_lv") : "",
                    .extent = number_at(row, "vg_extent_size"),
                    .size = number_at(row, "lv_size"),
                    .chunk = number_at(row, "chunk_size"),
                    .percent = std::strtod(text_at(row, "snap_percent").c_str(), nullptr)});
  }
  return rows;
}

const VolumeRow* find_volume(const std::vector<VolumeRow>& rows, const std::string& lv_uuid) {
  const auto found = std::ranges::find(rows, lv_uuid, &VolumeRow::lv_uuid);
  return found == rows.end() || lv_uuid.empty() ? nullptr : &*found;
}

// A larger chunk of theirs may be copied for a small one of the merge.
std::vector<std::string> endangered_by_merge(const std::vector<VolumeRow>& rows, const VolumeRow& merging) {
  std::vector<std::string> names;
  if (!merging.is_thick_snapshot()) return names;
  for (const VolumeRow& other : rows) {
    if (!other.is_thick_snapshot() || other.lv_uuid == merging.lv_uuid || other.is_invalid() ||
        other.origin_uuid != merging.origin_uuid) {
      continue;
    }
    const std::uint64_t factor =
        merging.chunk == 0 ? 1 : std::max<std::uint64_t>(1, other.chunk / merging.chunk);
    if (other.size - other.used() < merging.used() * factor) names.push_back(other.full_name());
  }
  return names;
}

MergeProgress parse_merge_status(const std::string& parameters) {
  std::istringstream words(parameters);
  std::uint64_t used = 0;
  std::uint64_t total = 0;
  std::uint64_t metadata = 0;
  char slash = 0;
  if (!(words >> used >> slash >> total >> metadata) || slash != '/' || total == 0)
    return {.failed = true, .finished = false, .percent = -1};
  if (used <= metadata) return {.failed = false, .finished = true, .percent = 100};
  return {.failed = false, .finished = false, .percent = static_cast<int>(100 - 100 * used / total)};
}

std::uint64_t limit_of(const VolumeRow& store) {
  return std::strtoull(store.tag_after(kLimitTag).c_str(), nullptr, 10);
}

std::string limit_tag(std::uint64_t bytes) { return kLimitTag + std::to_string(bytes); }

std::uint64_t limited_size(const VolumeRow& store, std::uint64_t origin_bytes, std::uint64_t maximum) {
  const std::uint64_t extent = std::max<std::uint64_t>(store.extent, 1);
  const std::uint64_t size = std::min(maximum / extent * extent, StorePolicy::largest(origin_bytes, extent));
  // What lvm reports is rounded, and the origin goes on being written to.
  const std::uint64_t least = std::max(kSmallestStore, store.used() + store.size / 100 + kMiB);
  if (size >= least) return size;
  throw ProviderError(VSS_PROVIDER_E_INSUFFICIENT_STORAGE,
                      "the store " + store.full_name() + " has " + mebibytes_of(store.used()) +
                          " in it and cannot be smaller than " + mebibytes_of(least));
}

std::vector<Words> commands_to_break(const VolumeRow& snapshot, const std::string& set_id,
                                     const std::string& snapshot_id, bool writable) {
  std::vector<Words> commands;
  if (writable) commands.push_back(permission(snapshot, "rw"));
  if (!snapshot.is_thick_snapshot()) commands.push_back(activation_skip(snapshot, "n"));
  commands.push_back(tags(snapshot, "--deltag", set_id, snapshot_id));
  return commands;
}

std::vector<Words> commands_before_merge(const VolumeRow& snapshot, const std::string& set_id,
                                         const std::string& snapshot_id) {
  return commands_to_break(snapshot, set_id, snapshot_id, true);
}

bool is_ready_for_merge(const VolumeRow& volume, const std::string& origin_uuid) {
  constexpr std::size_t kPermission = 1;
  constexpr std::size_t kSkipsActivation = 9;
  const auto letter = [&](std::size_t at) {
    return at < volume.attributes.size() ? volume.attributes[at] : '-';
  };
  return volume.is_snapshot() && volume.origin_uuid == origin_uuid && letter(kPermission) == 'w' &&
         letter(kSkipsActivation) != 'k' && volume.tag_after("vssd.").empty();
}

// In the background: the merge of a large store takes hours.
Words command_to_merge(const VolumeRow& snapshot) {
  return {"lvconvert", "--yes", "--background", "--merge", snapshot.full_name()};
}

std::vector<Words> commands_to_undo_merge(const VolumeRow& snapshot, const std::string& set_id,
                                          const std::string& snapshot_id) {
  std::vector<Words> commands{tags(snapshot, "--addtag", set_id, snapshot_id), permission(snapshot, "r")};
  if (!snapshot.is_thick_snapshot()) commands.push_back(activation_skip(snapshot, "y"));
  return commands;
}

Words command_to_extend(const VolumeRow& store, std::uint64_t bytes) {
  return {"lvextend", "--yes", "--size", std::to_string(bytes) + "b", store.full_name()};
}

std::vector<Words> commands_to_reduce(const VolumeRow& store, std::uint64_t bytes) {
  const std::string size = std::to_string(bytes) + "b";
  return {{"lvreduce", "--yes", "--force", "--fs", "ignore", "--size", size, store.full_name()},
          {"lvreduce", "--yes", "--force", "--size", size, store.full_name()}};
}

Words command_to_limit(const VolumeRow& store, std::uint64_t maximum) {
  Words words{"lvchange"};
  for (const std::string& tag : store.tags) {
    if (tag.starts_with(kLimitTag) && tag != limit_tag(maximum)) words.insert(words.end(), {"--deltag", tag});
  }
  if (maximum != 0) words.insert(words.end(), {"--addtag", limit_tag(maximum)});
  if (words.size() == 1) return {};
  words.push_back(store.full_name());
  return words;
}

}  // namespace vss::lvm
