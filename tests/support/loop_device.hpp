// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A real filesystem in a file: made, attached to a loop device, mounted, and removed again.

#include <filesystem>
#include <string>

namespace vss::test {

class LoopFilesystem {
 public:
  // Makes `directory`/<name>.img and mounts it at `directory`/<name>. `directory` may lie on another
  // LoopFilesystem. `type`: "ext4", "xfs" (made at least 300 MiB), "btrfs" (at least 128 MiB); files are
  // sparse. Throws std::runtime_error or std::system_error.
  static LoopFilesystem create(const std::filesystem::path& directory, const std::string& name,
                               const std::string& type, unsigned size_mib);
  // Thaws, unmounts, detaches and removes the file.
  ~LoopFilesystem();
  LoopFilesystem(LoopFilesystem&& other) noexcept;
  LoopFilesystem& operator=(LoopFilesystem&&) = delete;

  [[nodiscard]] const std::filesystem::path& mount_point() const { return mount_point_; }
  [[nodiscard]] const std::filesystem::path& image() const { return image_; }
  [[nodiscard]] const std::string& device() const { return device_; }  // "/dev/loopN"
  [[nodiscard]] const std::string& type() const { return type_; }

  // A new descriptor of the root directory, close-on-exec; the caller closes it.
  [[nodiscard]] int open_root() const;
  // Whether a modification would block now. Finds out without hanging: in a child.
  [[nodiscard]] bool is_frozen() const;

  void unmount();
  void mount(const std::string& options = "");
  void remount(const std::string& options = "") {
    unmount();
    mount(options);
  }

 private:
  LoopFilesystem() = default;
  void attach();

  std::filesystem::path image_;
  std::filesystem::path mount_point_;
  std::string device_;
  std::string type_;
  int device_fd_ = -1;
  bool mounted_ = false;
};

}  // namespace vss::test
