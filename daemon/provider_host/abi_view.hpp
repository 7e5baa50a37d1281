// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Volumes and members as the C ABI sees them. A view points into the object it was made from.

#include <string>
#include <vector>

#include "daemon/core/provider.hpp"
#include "vss/provider_abi.h"

namespace vss::provider_host {

[[nodiscard]] inline vss_volume view_of(const core::Volume& volume) {
  vss_volume view{};
  view.struct_size = sizeof view;
  view.path = volume.path.c_str();
  view.mount_point = volume.mount_point.c_str();
  view.filesystem = volume.filesystem.c_str();
  view.device = volume.device.c_str();
  view.uuid = volume.uuid.c_str();
  view.superblock = volume.superblock.c_str();
  view.backing_file = volume.backing_file.c_str();
  view.subvolume_id = volume.subvolume_id;
  return view;
}

// Members with what their views point to; not to be moved once a view exists.
class MemberViews {
 public:
  explicit MemberViews(std::vector<core::Member> members) : members_(std::move(members)) {
    ids_.reserve(members_.size() * 2);
    views_.reserve(members_.size());
    for (const core::Member& member : members_) {
      vss_member view{};
      view.struct_size = sizeof view;
      view.set_id = ids_.emplace_back(member.set_id.str()).c_str();
      view.snapshot_id = ids_.emplace_back(member.snapshot_id.str()).c_str();
      view.volume = view_of(member.volume);
      view.data = member.provider_data.c_str();
      views_.push_back(view);
    }
  }
  MemberViews(const MemberViews&) = delete;
  MemberViews& operator=(const MemberViews&) = delete;

  [[nodiscard]] const vss_member* data() const { return views_.data(); }
  [[nodiscard]] std::size_t size() const { return views_.size(); }

 private:
  std::vector<core::Member> members_;
  std::vector<std::string> ids_;
  std::vector<vss_member> views_;
};

}  // namespace vss::provider_host
