// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/loop/providers/module_driver.hpp"

#include <stdexcept>

namespace vss::test {

using provider_host::MemberViews;
using provider_host::Operation;
using provider_host::OperationKind;

ModuleDriver::ModuleDriver(const std::string& name) : name_(name) {
  const std::string file = name + ".so";
  std::filesystem::copy_file(std::filesystem::path(VSS_BUILT_PROVIDERS) / file, directory_.path() / file);
  const auto module = provider_host::ProviderModule::load(directory_.path(), name);
  if (!module) throw std::runtime_error(module.error().message);
  ops_ = module->ops();
  const std::string runtime_dir = directory_.path().string();
  Operation load(name_, OperationKind::Load,
                 [&](const vss_provider_host* host) { return ops_.load(host, runtime_dir.c_str()); });
  if (const auto status = run(load); !status) throw std::runtime_error(status.error().message);
}

core::Status ModuleDriver::run(Operation& operation) {
  operation.run();
  for (const auto& [id, data] : operation.reports().data) {
    members_.at(*core::Guid::parse(id)).provider_data = data;
  }
  for (const auto& [id, path] : operation.reports().not_included) {
    members_.at(*core::Guid::parse(id)).not_included.push_back(path);
  }
  return operation.outcome();
}

core::Status ModuleDriver::for_set(OperationKind kind, SetFunction function, const core::Guid& set) {
  const std::string id = set.str();
  Operation operation(name_, kind, [&](const vss_provider_host* host) { return function(host, id.c_str()); });
  return run(operation);
}

core::Status ModuleDriver::for_member(OperationKind kind,
                                      int (*function)(const vss_provider_host*, const vss_member*),
                                      const core::Member& member) {
  const MemberViews views({member});
  Operation operation(name_, kind,
                      [&](const vss_provider_host* host) { return function(host, views.data()); });
  return run(operation);
}

core::Result<core::VolumeSupport> ModuleDriver::is_volume_supported(const core::Volume& volume) {
  Operation operation(name_, OperationKind::IsVolumeSupported, [&](const vss_provider_host* host) {
    const vss_volume view = provider_host::view_of(volume);
    return ops_.is_volume_supported(host, &view);
  });
  if (auto status = run(operation); !status) return core::fail(status.error());
  return operation.reports().support.value();
}

core::Status ModuleDriver::begin_prepare(const core::Member& member) {
  members_[member.snapshot_id] = member;
  return for_member(OperationKind::BeginPrepare, ops_.begin_prepare, member);
}
core::Status ModuleDriver::end_prepare(const core::Guid& set) {
  return for_set(OperationKind::EndPrepare, ops_.end_prepare, set);
}
core::Status ModuleDriver::pre_commit(const core::Guid& set) {
  return for_set(OperationKind::PreCommit, ops_.pre_commit, set);
}
core::Status ModuleDriver::post_commit(const core::Guid& set) {
  return for_set(OperationKind::PostCommit, ops_.post_commit, set);
}
core::Status ModuleDriver::pre_final_commit(const core::Guid& set) {
  return for_set(OperationKind::PreFinalCommit, ops_.pre_final_commit, set);
}
core::Status ModuleDriver::post_final_commit(const core::Guid& set) {
  return for_set(OperationKind::PostFinalCommit, ops_.post_final_commit, set);
}
core::Status ModuleDriver::abort(const core::Guid& set) {
  return for_set(OperationKind::Abort, ops_.abort, set);
}
core::Status ModuleDriver::remove(const core::Member& snapshot) {
  return for_member(OperationKind::Remove, ops_.remove, snapshot);
}

core::Result<core::CaptureReport> ModuleDriver::commit(const core::Guid& set,
                                                       const std::vector<core::Guid>& snapshots) {
  std::vector<core::Member> list;
  for (const core::Guid& snapshot : snapshots) list.push_back(members_.at(snapshot));
  const MemberViews views(list);
  const std::string id = set.str();
  Operation operation(name_, OperationKind::Commit, [&](const vss_provider_host* host) {
    return ops_.commit(host, id.c_str(), views.data(), views.size());
  });
  if (auto status = run(operation); !status) return core::fail(status.error());
  const auto& reason = operation.reports().not_one_instant;
  report_ = {!reason.has_value(), reason.value_or("")};
  return report_;
}

core::Result<bool> ModuleDriver::exists(const core::Member& snapshot) {
  const auto status = for_member(OperationKind::Query, ops_.query, snapshot);
  if (status) return true;
  if (status.error().code == ErrorCode::ObjectNotFound) return false;
  return core::fail(status.error());
}

core::Result<core::MountSpec> ModuleDriver::mount_info(const core::Member& snapshot, bool writable) {
  const MemberViews views({snapshot});
  Operation operation(name_, OperationKind::MountInfo, [&](const vss_provider_host* host) {
    return ops_.mount_info(host, views.data(), writable ? 1 : 0);
  });
  if (auto status = run(operation); !status) return core::fail(status.error());
  return operation.reports().mount.value();
}

core::Result<core::BrokenLocation> ModuleDriver::break_snapshot(const core::Member& snapshot, bool writable) {
  const MemberViews views({snapshot});
  Operation operation(name_, OperationKind::BreakSnapshot, [&](const vss_provider_host* host) {
    return ops_.break_snapshot(host, views.data(), writable ? 1 : 0);
  });
  if (auto status = run(operation); !status) return core::fail(status.error());
  return operation.reports().location.value();
}

core::Result<core::RevertStatus> ModuleDriver::revert(const core::Member& snapshot, bool force) {
  const MemberViews views({snapshot});
  Operation operation(name_, OperationKind::Revert, [&](const vss_provider_host* host) {
    return ops_.revert(host, views.data(), force ? 1 : 0);
  });
  if (auto status = run(operation); !status) return core::fail(status.error());
  return operation.reports().revert.value();
}

core::Result<core::RevertStatus> ModuleDriver::revert_status(const core::Volume& volume) {
  const vss_volume view = provider_host::view_of(volume);
  Operation operation(name_, OperationKind::RevertStatus,
                      [&](const vss_provider_host* host) { return ops_.revert_status(host, &view); });
  if (auto status = run(operation); !status) return core::fail(status.error());
  return operation.reports().revert.value();
}

core::Result<std::vector<core::StorageReport>> ModuleDriver::storage(const core::Volume& volume) {
  const vss_volume view = provider_host::view_of(volume);
  Operation operation(name_, OperationKind::Storage,
                      [&](const vss_provider_host* host) { return ops_.storage(host, &view); });
  if (auto status = run(operation); !status) return core::fail(status.error());
  return operation.reports().storage;
}

core::Status ModuleDriver::resize_storage(const core::Member& target, std::uint64_t maximum) {
  const MemberViews views({target});
  Operation operation(name_, OperationKind::ResizeStorage, [&](const vss_provider_host* host) {
    return ops_.resize_storage(host, views.data(), maximum);
  });
  return run(operation);
}

core::Status ModuleDriver::make_set(const std::vector<core::Member>& members, OperationKind last) {
  const core::Guid set = members.front().set_id;
  std::vector<core::Guid> snapshots;
  for (const core::Member& member : members) {
    if (auto status = begin_prepare(member); !status) return status;
    snapshots.push_back(member.snapshot_id);
  }
  for (const OperationKind kind :
       {OperationKind::EndPrepare, OperationKind::PreCommit, OperationKind::Commit, OperationKind::PostCommit,
        OperationKind::PreFinalCommit, OperationKind::PostFinalCommit}) {
    if (kind > last) break;
    core::Status status;
    if (kind == OperationKind::EndPrepare) status = end_prepare(set);
    if (kind == OperationKind::PreCommit) status = pre_commit(set);
    if (kind == OperationKind::Commit) {
      if (auto report = commit(set, snapshots); !report) status = core::fail(report.error());
    }
    if (kind == OperationKind::PostCommit) status = post_commit(set);
    if (kind == OperationKind::PreFinalCommit) status = pre_final_commit(set);
    if (kind == OperationKind::PostFinalCommit) status = post_final_commit(set);
    if (!status) return status;
  }
  return {};
}

core::Member new_member(const core::Guid& set, const std::filesystem::path& path,
                        const std::string& filesystem) {
  core::Member member;
  member.set_id = set;
  member.snapshot_id = core::Guid::random();
  member.volume.path = path.string();
  member.volume.mount_point = path.string();
  member.volume.filesystem = filesystem;
  return member;
}

}  // namespace vss::test
