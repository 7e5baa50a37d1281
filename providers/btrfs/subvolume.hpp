// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Subvolumes through libbtrfsutil and the two ioctls it lacks. All functions throw std::system_error.
// Thread rule: no shared state.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vss::btrfs {

using Uuid = std::array<std::uint8_t, 16>;

[[nodiscard]] std::string to_text(const Uuid& uuid);
// `text` is a GUID in text form (is_guid_text).
[[nodiscard]] Uuid uuid_from(const std::string& text);

struct Subvolume {
  std::uint64_t id = 0;
  Uuid uuid{};
  Uuid parent_uuid{};            // of the subvolume it is a snapshot of
  Uuid received_uuid{};          // our marker: the id of the set
  std::uint64_t created_in = 0;  // otransid: the transaction in which it was made
  std::uint64_t changed_in = 0;  // generation: the last one that changed it
};

// Of the filesystem that an open file lies on.
[[nodiscard]] Uuid filesystem_uuid(int fd);
[[nodiscard]] bool is_subvolume(int fd);
// Of the subvolume that an open file lies in.
[[nodiscard]] Subvolume subvolume_of(int fd);
// Paths of the subvolumes below, relative to it.
[[nodiscard]] std::vector<std::string> nested_subvolumes(int fd, std::uint64_t id);
void set_read_only(int fd, bool read_only);
// Writes the received UUID; the subvolume must be writable. Commits a transaction.
void set_marker(int fd, const Uuid& marker);
// All of the filesystem that `top` is open on, with their paths from the top level.
struct Entry {
  std::string path;
  Subvolume subvolume;
};
[[nodiscard]] std::vector<Entry> all_subvolumes(int top);
// Where it lies, from the top level, "" for the top level; nothing if there is no such subvolume. `fd`:
// anywhere on the filesystem.
[[nodiscard]] std::optional<std::string> path_of(int fd, std::uint64_t id);
// A writable snapshot of the subvolume `source`.
void make_snapshot(int source, int directory, const std::string& name);
// The subvolume that is mounted where nobody names one.
[[nodiscard]] std::uint64_t default_subvolume(int fd);
void set_default_subvolume(int fd, std::uint64_t id);
// Everything is on disk when it returns.
void sync_filesystem(int fd);
// Also what was made inside it meanwhile. One that does not exist is success.
void delete_subvolume(int directory, const std::string& name);

}  // namespace vss::btrfs
