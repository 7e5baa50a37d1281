// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Drives a built provider module operation by operation, without the daemon around it. Each driver has a copy
// of the module, so that making a second one is what a restart of vssd is: nothing is remembered.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "daemon/core/provider.hpp"
#include "daemon/provider_host/abi_view.hpp"
#include "daemon/provider_host/operation.hpp"
#include "daemon/provider_host/provider_module.hpp"
#include "tests/support/temp_dir.hpp"

namespace vss::test {

class ModuleDriver {
 public:
  explicit ModuleDriver(const std::string& name);

  core::Result<core::VolumeSupport> is_volume_supported(const core::Volume& volume);
  core::Status begin_prepare(const core::Member& member);
  core::Status end_prepare(const core::Guid& set);
  core::Status pre_commit(const core::Guid& set);
  core::Result<core::CaptureReport> commit(const core::Guid& set, const std::vector<core::Guid>& snapshots);
  core::Status post_commit(const core::Guid& set);
  core::Status pre_final_commit(const core::Guid& set);
  core::Status post_final_commit(const core::Guid& set);
  core::Status abort(const core::Guid& set);
  core::Status remove(const core::Member& snapshot);
  core::Result<bool> exists(const core::Member& snapshot);
  core::Result<core::MountSpec> mount_info(const core::Member& snapshot, bool writable);
  core::Result<core::BrokenLocation> break_snapshot(const core::Member& snapshot, bool writable);
  core::Result<core::RevertStatus> revert(const core::Member& snapshot, bool force);
  core::Result<core::RevertStatus> revert_status(const core::Volume& volume);
  core::Result<std::vector<core::StorageReport>> storage(const core::Volume& volume);
  core::Status resize_storage(const core::Member& target, std::uint64_t maximum);

  // begin_prepare for each, then everything up to and with `last`. The first error ends it.
  core::Status make_set(const std::vector<core::Member>& members,
                        provider_host::OperationKind last = provider_host::OperationKind::PostFinalCommit);
  // As the module has completed it.
  [[nodiscard]] const core::Member& member(const core::Guid& snapshot) const { return members_.at(snapshot); }
  [[nodiscard]] const core::CaptureReport& last_report() const { return report_; }

 private:
  using SetFunction = int (*)(const vss_provider_host*, const char*);
  core::Status run(provider_host::Operation& operation);
  core::Status for_set(provider_host::OperationKind kind, SetFunction function, const core::Guid& set);
  core::Status for_member(provider_host::OperationKind kind,
                          int (*function)(const vss_provider_host*, const vss_member*),
                          const core::Member& member);

  TempDir directory_;
  std::string name_;
  vss_provider_ops ops_{};
  std::map<core::Guid, core::Member> members_;
  core::CaptureReport report_;
};

// A new member of a set for the volume at `path`.
core::Member new_member(const core::Guid& set, const std::filesystem::path& path,
                        const std::string& filesystem);

}  // namespace vss::test
