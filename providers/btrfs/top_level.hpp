// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The top level (subvolume 5) of a btrfs, found by the UUID of the filesystem, whether it is mounted anywhere
// or not. It is mounted without a place in the directory tree: nobody else can reach it, and it is gone with
// the last descriptor, however this process ends.

#include <string>
#include <vector>

#include "vss/provider_support.hpp"

namespace vss::btrfs {

class TopLevel {
 public:
  // uuid: text form. Throws ProviderError VETO when no device with this filesystem is present, or
  // std::system_error.
  explicit TopLevel(const std::string& uuid);

  [[nodiscard]] int directory() const { return directory_.get(); }
  // A device of the filesystem, as mount(2) takes it.
  [[nodiscard]] const std::string& device() const { return device_; }
  // The whole filesystem is read-only.
  [[nodiscard]] bool read_only() const { return read_only_; }

 private:
  std::string device_;
  bool read_only_ = false;
  UniqueFd mount_;
  UniqueFd directory_;
};

}  // namespace vss::btrfs
