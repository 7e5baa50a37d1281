// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A directory with the layout of /sys, as far as block devices go.

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace vss::test {

class SysfsFixture {
 public:
  [[nodiscard]] std::string root() const { return directory_.path().string(); }

  // `number`: "7:0"; `name`: "loop0", or "sda/sda1" for a partition.
  std::filesystem::path add_device(const std::string& number, const std::string& name) const {
    const auto device = directory_.path() / "devices" / name;
    std::filesystem::create_directories(device / "slaves");
    std::filesystem::create_directories(directory_.path() / "dev/block");
    std::filesystem::create_directory_symlink(device, directory_.path() / "dev/block" / number);
    if (name.find('/') != std::string::npos) write(device / "partition", "1");
    return device;
  }
  void add_loop(const std::string& number, const std::string& name, const std::string& backing_file) const {
    write(add_device(number, name) / "loop/backing_file", backing_file);
  }
  void add_mapped(const std::string& number, const std::string& name, const std::string& mapped_name,
                  const std::string& slave, bool suspended = false) const {
    const auto device = add_device(number, name);
    write(device / "dm/name", mapped_name);
    write(device / "dm/suspended", suspended ? "1" : "0");
    std::filesystem::create_directory_symlink(directory_.path() / "devices" / slave,
                                              device / "slaves" / std::filesystem::path(slave).filename());
  }
  void add_btrfs(const std::string& fsid, const std::string& device) const {
    const auto devices = directory_.path() / "fs/btrfs" / fsid / "devices";
    std::filesystem::create_directories(devices);
    std::filesystem::create_directory_symlink(directory_.path() / "devices" / device, devices / device);
  }

 private:
  static void write(const std::filesystem::path& file, const std::string& line) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << line << '\n';
  }

  TempDir directory_;
};

}  // namespace vss::test
