// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What the sets of these tests consist of: subvolumes of a btrfs, and images on an XFS that can share blocks.

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/freeze_guard.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/temp_dir.hpp"

namespace vss::test {

// Filesystems are removed in reverse order of adding: inner ones go before outer ones.
class Volumes {
 public:
  Volumes();
  ~Volumes();
  Volumes(const Volumes&) = delete;
  Volumes& operator=(const Volumes&) = delete;

  // A filesystem in a file in our own directory, or on the filesystem `on`.
  LoopFilesystem& add(const std::string& name, const std::string& type, unsigned size_mib,
                      const LoopFilesystem* on = nullptr);
  // Subvolumes "<prefix>0", "<prefix>1", ...
  static std::vector<std::filesystem::path> add_subvolumes(const LoopFilesystem& btrfs, std::size_t count,
                                                           const std::string& prefix = "sub");

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
  [[nodiscard]] const std::vector<std::unique_ptr<LoopFilesystem>>& all() const { return all_; }
  // For one step that holds: thaws all of them if the test dies or the step takes longer.
  [[nodiscard]] FreezeGuard guard(std::chrono::seconds limit = std::chrono::seconds(60)) const;

  // What a set left behind on these filesystems or below `runtime_dir`: snapshots, clones, loop devices,
  // mounts.
  [[nodiscard]] std::vector<std::string> leftovers(const std::filesystem::path& runtime_dir) const;

 private:
  TempDir directory_;
  std::vector<std::unique_ptr<LoopFilesystem>> all_;
};

// The filesystem made a new file in `directory` durable within the limit. Does not hang: a child tries it.
[[nodiscard]] bool write_succeeds(const std::filesystem::path& directory, std::chrono::milliseconds limit);

// What e2fsck or xfs_repair finds wrong in a copy of the image, which is made in `scratch`; "" if it is
// clean.
[[nodiscard]] std::string check_filesystem(const std::filesystem::path& image, const std::string& type,
                                           const std::filesystem::path& scratch);

// The file behind a loop device.
[[nodiscard]] std::filesystem::path file_behind(const std::string& device);

}  // namespace vss::test
