// SPDX-License-Identifier: LGPL-2.1-or-later
// The operations of HostedProvider that came with minor 2 of the ABI: break, revert, storage.
#include <fmt/format.h>

#include "daemon/provider_host/abi_view.hpp"
#include "daemon/provider_host/hosted_provider.hpp"

namespace vss::provider_host {

namespace {

std::shared_ptr<MemberViews> views_of(core::Member member) {
  return std::make_shared<MemberViews>(std::vector<core::Member>{std::move(member)});
}

}  // namespace

core::Status HostedProvider::not_supported(OperationKind kind) const {
  return core::fail(ErrorCode::NotSupported,
                    fmt::format("provider {} has no {}", info().name, to_string(kind)));
}

// Runs it and takes the answer that it has to give.
template <typename T>
asio::awaitable<core::Result<T>> HostedProvider::answer_of(OperationKind kind,
                                                           std::shared_ptr<Operation> call,
                                                           std::optional<T> Reports::*answer) {
  const core::Status status = co_await run(management_, call);
  if (!status) co_return core::fail(status.error());
  std::optional<T>& given = call->reports().*answer;
  if (given) co_return *std::move(given);
  co_return core::fail(ErrorCode::UnexpectedProviderError,
                       fmt::format("provider {}, {}: it did not answer", info().name, to_string(kind)));
}

asio::awaitable<core::Result<core::BrokenLocation>> HostedProvider::break_snapshot(core::Member snapshot,
                                                                                   bool writable) {
  constexpr auto kKind = OperationKind::BreakSnapshot;
  const auto function = module_.ops().break_snapshot;
  if (function == nullptr) co_return core::fail(not_supported(kKind).error());
  const auto views = views_of(std::move(snapshot));
  auto call = operation(kKind, [function, views, writable](const vss_provider_host* host) {
    return function(host, views->data(), writable ? 1 : 0);
  });
  co_return co_await answer_of(kKind, std::move(call), &Reports::location);
}

asio::awaitable<core::Result<core::RevertStatus>> HostedProvider::revert(core::Member snapshot, bool force) {
  constexpr auto kKind = OperationKind::Revert;
  const auto function = module_.ops().revert;
  if (function == nullptr) co_return core::fail(not_supported(kKind).error());
  const auto views = views_of(std::move(snapshot));
  auto call = operation(kKind, [function, views, force](const vss_provider_host* host) {
    return function(host, views->data(), force ? 1 : 0);
  });
  co_return co_await answer_of(kKind, std::move(call), &Reports::revert);
}

asio::awaitable<core::Result<core::RevertStatus>> HostedProvider::revert_status(core::Volume volume) {
  constexpr auto kKind = OperationKind::RevertStatus;
  const auto function = module_.ops().revert_status;
  if (function == nullptr) co_return core::fail(not_supported(kKind).error());
  auto call = operation(kKind, [function, asked = std::move(volume)](const vss_provider_host* host) {
    const vss_volume view = view_of(asked);
    return function(host, &view);
  });
  co_return co_await answer_of(kKind, std::move(call), &Reports::revert);
}

asio::awaitable<core::Result<std::vector<core::StorageReport>>> HostedProvider::storage(core::Volume volume) {
  constexpr auto kKind = OperationKind::Storage;
  const auto function = module_.ops().storage;
  if (function == nullptr) co_return core::fail(not_supported(kKind).error());
  auto call = operation(kKind, [function, asked = std::move(volume)](const vss_provider_host* host) {
    const vss_volume view = view_of(asked);
    return function(host, &view);
  });
  const core::Status status = co_await run(management_, call);
  if (!status) co_return core::fail(status.error());
  co_return std::move(call->reports().storage);
}

asio::awaitable<core::Status> HostedProvider::resize_storage(core::Member target, std::uint64_t maximum) {
  constexpr auto kKind = OperationKind::ResizeStorage;
  const auto function = module_.ops().resize_storage;
  if (function == nullptr) co_return not_supported(kKind);
  const auto views = views_of(std::move(target));
  auto call = operation(kKind, [function, views, maximum](const vss_provider_host* host) {
    return function(host, views->data(), maximum);
  });
  co_return co_await run(management_, std::move(call));
}

}  // namespace vss::provider_host
