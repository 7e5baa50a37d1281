// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/btrfs/snapshot_storage.hpp"

#include <endian.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include "providers/btrfs/snapshot_location.hpp"
#include "providers/btrfs/subvolume.hpp"
#include "providers/btrfs/top_level.hpp"

namespace vss::btrfs {

namespace {

using Exclusive = std::map<std::uint64_t, std::uint64_t>;  // subvolume: bytes that nothing else refers to

struct QuotaTree {
  bool reliable = false;  // not being counted anew
  Exclusive exclusive;
};

template <typename Item>
Item read_item(const std::byte* data, std::size_t size) {
  Item item{};
  std::memcpy(&item, data, std::min(size, sizeof item));
  return item;
}

void take(QuotaTree& tree, const btrfs_ioctl_search_header& header, const std::byte* data) {
  if (header.type == BTRFS_QGROUP_STATUS_KEY) {
    const auto status = read_item<btrfs_qgroup_status_item>(data, header.len);
    constexpr std::uint64_t kUnsure = BTRFS_QGROUP_STATUS_FLAG_RESCAN | BTRFS_QGROUP_STATUS_FLAG_INCONSISTENT;
    tree.reliable = (le64toh(status.flags) & kUnsure) == 0;
  } else if (header.type == BTRFS_QGROUP_INFO_KEY) {
    tree.exclusive[header.offset] = le64toh(read_item<btrfs_qgroup_info_item>(data, header.len).excl);
  }
}

// Nothing if quotas are off.
std::optional<QuotaTree> read_quota_tree(int fd) {
  QuotaTree tree;
  btrfs_ioctl_search_args search{};
  search.key.tree_id = BTRFS_QUOTA_TREE_OBJECTID;
  search.key.max_type = BTRFS_QGROUP_INFO_KEY;
  search.key.max_offset = UINT64_MAX;
  search.key.max_transid = UINT64_MAX;
  while (true) {
    search.key.nr_items = UINT32_MAX;
    if (::ioctl(fd, BTRFS_IOC_TREE_SEARCH, &search) != 0) {
      if (errno == ENOENT) return std::nullopt;
      throw_errno("BTRFS_IOC_TREE_SEARCH of the quota tree");
    }
    if (search.key.nr_items == 0) return tree;
    const auto* at = reinterpret_cast<const std::byte*>(search.buf);
    btrfs_ioctl_search_header header{};
    for (std::uint32_t i = 0; i < search.key.nr_items; ++i) {
      std::memcpy(&header, at, sizeof header);
      take(tree, header, at + sizeof header);
      at += sizeof header + header.len;
    }
    // From the item after the last one.
    search.key.min_objectid = header.objectid;
    search.key.min_type = header.type;
    search.key.min_offset = header.offset + 1;
    if (search.key.min_offset == 0) return tree;
  }
}

// The subvolume, what it was reverted to, what that is a snapshot of, and so on.
std::vector<Uuid> lineage_of(Uuid uuid, const std::vector<Entry>& all) {
  std::vector<Uuid> lineage;
  while (uuid != Uuid{} && std::ranges::find(lineage, uuid) == lineage.end()) {
    lineage.push_back(uuid);
    const auto entry = std::ranges::find(all, uuid, [](const Entry& e) { return e.subvolume.uuid; });
    uuid = entry == all.end() ? Uuid{} : entry->subvolume.parent_uuid;
  }
  return lineage;
}

std::vector<std::uint64_t> snapshots_of(int root, int top) {
  const std::vector<Entry> all = all_subvolumes(top);
  const std::vector<Uuid> lineage = lineage_of(subvolume_of(root).uuid, all);
  std::vector<std::uint64_t> ids;
  for (const Entry& entry : all) {
    const bool is_marked = entry.subvolume.received_uuid != Uuid{};
    const bool is_of_it = std::ranges::find(lineage, entry.subvolume.parent_uuid) != lineage.end();
    if (SnapshotLocation::is_ours(entry.path) && is_marked && is_of_it) ids.push_back(entry.subvolume.id);
  }
  return ids;
}

}  // namespace

void report_storage(const ProviderHost& host, const std::string& path, int root) {
  const std::string filesystem = to_text(filesystem_uuid(root));
  const TopLevel top(filesystem);
  const std::vector<std::uint64_t> ids = snapshots_of(root, top.directory());
  if (ids.empty()) return;
  std::uint64_t used = VSS_STORAGE_UNKNOWN;
  if (const auto tree = read_quota_tree(top.directory()); tree && tree->reliable) {
    used = 0;
    for (const std::uint64_t id : ids) {
      const auto found = tree->exclusive.find(id);
      if (found != tree->exclusive.end()) used += found->second;
    }
  }
  // Nothing is set apart beforehand.
  host.add_storage(path, "btrfs " + filesystem, used, used, 0);
}

void refuse_limit(int root) {
  const TopLevel top(to_text(filesystem_uuid(root)));
  const bool has_quotas = read_quota_tree(top.directory()).has_value();
  throw ProviderError(VSS_PROVIDER_E_NOT_SUPPORTED,
                      has_quotas ? "a quota of btrfs limits what is written into a subvolume, and a snapshot "
                                   "grows by what is written "
                                   "to its origin: it would limit nothing"
                                 : "quotas are off on this filesystem");
}

}  // namespace vss::btrfs
