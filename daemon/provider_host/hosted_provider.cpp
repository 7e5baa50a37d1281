// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/provider_host/hosted_provider.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/provider_host/abi_view.hpp"

namespace vss::provider_host {

Limits::Time Limits::of(OperationKind kind) const {
  switch (kind) {
    case OperationKind::Load:
      return load;
    case OperationKind::IsVolumeSupported:
      return is_volume_supported;
    case OperationKind::BeginPrepare:
      return begin_prepare;
    case OperationKind::EndPrepare:
      return end_prepare;
    case OperationKind::PreCommit:
      return pre_commit;
    case OperationKind::Commit:
      return commit;
    case OperationKind::PostCommit:
      return post_commit;
    case OperationKind::PreFinalCommit:
      return pre_final_commit;
    case OperationKind::PostFinalCommit:
      return post_final_commit;
    case OperationKind::Abort:
      return abort;
    case OperationKind::Remove:
      return remove;
    case OperationKind::Query:
      return query;
    case OperationKind::MountInfo:
      return mount_info;
    case OperationKind::CheckHealth:
      return check_health;
    case OperationKind::BreakSnapshot:
      return break_snapshot;
    case OperationKind::Revert:
      return revert;
    case OperationKind::RevertStatus:
      return revert_status;
    case OperationKind::Storage:
      return storage;
    case OperationKind::ResizeStorage:
      return resize_storage;
  }
  return load;
}

void Limits::cap(Time most) {
  for (Time* limit :
       {&load, &is_volume_supported, &begin_prepare, &end_prepare, &pre_commit, &commit, &post_commit,
        &pre_final_commit, &post_final_commit, &abort, &remove, &query, &mount_info, &check_health,
        &break_snapshot, &revert, &revert_status, &storage, &resize_storage}) {
    *limit = std::min(*limit, most);
  }
}

HostedProvider::HostedProvider(asio::any_io_executor executor, ProviderModule module, Limits limits)
    : module_(std::move(module)),
      limits_(limits),
      creation_(executor, "set-" + module_.info().name),
      management_(executor, "mgmt-" + module_.info().name),
      health_(executor, "health-" + module_.info().name) {}

std::shared_ptr<Operation> HostedProvider::operation(OperationKind kind, Operation::Call call) const {
  auto made = std::make_shared<Operation>(info().name, kind, std::move(call));
  made->progress.limit = limits_.of(kind);
  return made;
}

asio::awaitable<core::Status> HostedProvider::run(Lane& lane, std::shared_ptr<Operation> operation) {
  const core::Status ran = co_await lane.run(operation);
  if (!ran) co_return ran;
  const core::Status kept = take_member_reports(operation->reports());
  const core::Status outcome = operation->outcome();
  co_return outcome ? kept : outcome;
}

core::Status HostedProvider::take_member_reports(Reports& reports) {
  core::Status status;
  const auto each = [&](const auto& list, auto apply) {
    for (const auto& [id, text] : list) {
      const auto guid = core::Guid::parse(id);
      const auto found = guid ? members_.find(*guid) : members_.end();
      if (found == members_.end()) {
        status =
            core::fail(ErrorCode::UnexpectedProviderError,
                       fmt::format("provider {} reported about an unknown snapshot '{}'", info().name, id));
        continue;
      }
      apply(found->second, text);
    }
  };
  each(reports.data, [](core::Member& member, const std::string& data) { member.provider_data = data; });
  each(reports.not_included,
       [](core::Member& member, const std::string& path) { member.not_included.push_back(path); });
  return status;
}

asio::awaitable<core::Status> HostedProvider::load(std::string runtime_dir, Settings settings) {
  auto call = operation(
      OperationKind::Load,
      [function = module_.ops().load, directory = std::move(runtime_dir)](const vss_provider_host* host) {
        return function == nullptr ? VSS_PROVIDER_OK : function(host, directory.c_str());
      });
  call->offer(std::move(settings));
  const core::Status loaded = co_await run(management_, call);
  if (!loaded) co_return loaded;
  const std::vector<std::string> unasked = call->settings_unasked();
  if (unasked.empty()) co_return core::Status{};
  co_return core::fail(ErrorCode::InvalidArgument,
                       fmt::format("provider {}: it does not know {} in [provider.{}] of the configuration",
                                   info().name, fmt::join(unasked, ", "), info().name));
}

std::string HostedProvider::stuck_in() const {
  std::string operation = creation_.stuck_in();
  return operation.empty() ? management_.stuck_in() : operation;
}

std::string HostedProvider::overdue() const {
  std::string operation = stuck_in();
  return operation.empty() ? health_.stuck_in() : operation;
}

asio::awaitable<core::Result<core::VolumeSupport>> HostedProvider::is_volume_supported(core::Volume volume) {
  auto call =
      operation(OperationKind::IsVolumeSupported, [function = module_.ops().is_volume_supported,
                                                   asked = std::move(volume)](const vss_provider_host* host) {
        const vss_volume view = view_of(asked);
        return function(host, &view);
      });
  const core::Status status = co_await run(management_, call);
  if (!status) co_return core::fail(status.error());
  if (!call->reports().support) {
    co_return core::fail(ErrorCode::UnexpectedProviderError,
                         fmt::format("provider {}, is_volume_supported: it did not answer", info().name));
  }
  co_return *std::move(call->reports().support);
}

asio::awaitable<core::Status> HostedProvider::begin_prepare(core::Member member) {
  members_[member.snapshot_id] = member;
  const core::Guid snapshot = member.snapshot_id;
  auto views = std::make_shared<MemberViews>(std::vector<core::Member>{std::move(member)});
  auto call = operation(OperationKind::BeginPrepare,
                        [function = module_.ops().begin_prepare, views](const vss_provider_host* host) {
                          return function(host, views->data());
                        });
  const core::Status status = co_await run(creation_, std::move(call));
  if (!status) members_.erase(snapshot);
  co_return status;
}

asio::awaitable<core::Status> HostedProvider::run_for_set(OperationKind kind, SetOperation function,
                                                          core::Guid set) {
  if (function == nullptr) co_return core::Status{};
  auto call = operation(
      kind, [function, id = set.str()](const vss_provider_host* host) { return function(host, id.c_str()); });
  co_return co_await run(creation_, std::move(call));
}

asio::awaitable<core::Status> HostedProvider::end_prepare(core::Guid set) {
  return run_for_set(OperationKind::EndPrepare, module_.ops().end_prepare, set);
}
asio::awaitable<core::Status> HostedProvider::pre_commit(core::Guid set) {
  return run_for_set(OperationKind::PreCommit, module_.ops().pre_commit, set);
}
asio::awaitable<core::Status> HostedProvider::post_commit(core::Guid set) {
  return run_for_set(OperationKind::PostCommit, module_.ops().post_commit, set);
}
asio::awaitable<core::Status> HostedProvider::pre_final_commit(core::Guid set) {
  return run_for_set(OperationKind::PreFinalCommit, module_.ops().pre_final_commit, set);
}
asio::awaitable<core::Status> HostedProvider::post_final_commit(core::Guid set) {
  return run_for_set(OperationKind::PostFinalCommit, module_.ops().post_final_commit, set);
}
asio::awaitable<core::Status> HostedProvider::abort(core::Guid set) {
  return run_for_set(OperationKind::Abort, module_.ops().abort, set);
}

asio::awaitable<core::Result<core::CaptureReport>> HostedProvider::commit(core::Guid set,
                                                                          std::vector<core::Guid> snapshots) {
  std::vector<core::Member> members;
  for (const core::Guid& snapshot : snapshots) {
    auto known = member(snapshot);
    if (!known) co_return core::fail(known.error());
    members.push_back(*std::move(known));
  }
  auto views = std::make_shared<MemberViews>(std::move(members));
  auto call = operation(OperationKind::Commit, [function = module_.ops().commit, views,
                                                id = set.str()](const vss_provider_host* host) {
    return function(host, id.c_str(), views->data(), views->size());
  });
  const core::Status status = co_await run(creation_, call);
  // An operation that overran its limit has another code, and may still be writing its answer.
  if (!status && status.error().code == ErrorCode::ProviderVeto && call->hold_refused()) {
    co_return core::CaptureReport{false, status.error().message, true};
  }
  if (!status) co_return core::fail(status.error());
  core::CaptureReport report;
  if (call->reports().not_one_instant) {
    report.one_instant = false;
    report.reason = *std::move(call->reports().not_one_instant);
  }
  co_return report;
}

core::Result<core::Member> HostedProvider::member(core::Guid snapshot) const {
  const auto found = members_.find(snapshot);
  if (found == members_.end()) {
    return core::fail(ErrorCode::ObjectNotFound,
                      fmt::format("provider {} does not create snapshot {}", info().name, snapshot.str()));
  }
  return found->second;
}

void HostedProvider::forget(core::Guid set) {
  std::erase_if(members_, [&](const auto& entry) { return entry.second.set_id == set; });
}

asio::awaitable<core::Status> HostedProvider::remove(core::Member snapshot) {
  auto views = std::make_shared<MemberViews>(std::vector<core::Member>{std::move(snapshot)});
  auto call = operation(OperationKind::Remove,
                        [function = module_.ops().remove, views](const vss_provider_host* host) {
                          return function(host, views->data());
                        });
  co_return co_await run(management_, std::move(call));
}

asio::awaitable<core::Result<bool>> HostedProvider::exists(core::Member snapshot) {
  auto views = std::make_shared<MemberViews>(std::vector<core::Member>{std::move(snapshot)});
  auto call =
      operation(OperationKind::Query, [function = module_.ops().query, views](const vss_provider_host* host) {
        return function(host, views->data());
      });
  const core::Status status = co_await run(management_, std::move(call));
  if (status) co_return true;
  if (status.error().code == ErrorCode::ObjectNotFound) co_return false;
  co_return core::fail(status.error());
}

asio::awaitable<core::Result<core::MountSpec>> HostedProvider::mount_info(core::Member snapshot,
                                                                          bool writable) {
  auto views = std::make_shared<MemberViews>(std::vector<core::Member>{std::move(snapshot)});
  auto call = operation(OperationKind::MountInfo, [function = module_.ops().mount_info, views,
                                                   writable](const vss_provider_host* host) {
    return function(host, views->data(), writable ? 1 : 0);
  });
  const core::Status status = co_await run(management_, call);
  if (!status) co_return core::fail(status.error());
  if (!call->reports().mount) {
    co_return core::fail(ErrorCode::UnexpectedProviderError,
                         fmt::format("provider {}, mount_info: it did not answer", info().name));
  }
  co_return *std::move(call->reports().mount);
}

asio::awaitable<core::Result<core::HealthReport>> HostedProvider::check_health(core::Member snapshot) {
  if (module_.ops().check_health == nullptr) co_return core::HealthReport{};
  auto views = std::make_shared<MemberViews>(std::vector<core::Member>{std::move(snapshot)});
  auto call = operation(OperationKind::CheckHealth,
                        [function = module_.ops().check_health, views](const vss_provider_host* host) {
                          return function(host, views->data());
                        });
  const core::Status status = co_await run(health_, call);
  if (!status) co_return core::fail(status.error());
  if (!call->reports().health) {
    co_return core::fail(ErrorCode::UnexpectedProviderError,
                         fmt::format("provider {}, check_health: it did not answer", info().name));
  }
  co_return *std::move(call->reports().health);
}

}  // namespace vss::provider_host
