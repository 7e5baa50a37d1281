// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// core::Provider over a module: every operation runs in one of three lanes (set creation; management; looks
// at health, which a deletion that waits must not keep waiting), for a limited time.
//
// Thread rule: called on the executor given to the constructor. The executor's context must outlive this
// object; this object must outlive the awaitables it returns, unless the executor never runs again.

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <asio/any_io_executor.hpp>

#include "daemon/core/provider.hpp"
#include "daemon/provider_host/lane.hpp"
#include "daemon/provider_host/operation.hpp"
#include "daemon/provider_host/provider_module.hpp"

namespace vss::provider_host {

// How long the host waits for each operation.
struct Limits {
  using Time = std::chrono::milliseconds;
  Time load = std::chrono::seconds(30);
  Time is_volume_supported = std::chrono::seconds(5);
  Time begin_prepare = std::chrono::seconds(30);
  Time end_prepare = std::chrono::minutes(10);
  Time pre_commit = std::chrono::seconds(30);
  Time commit = std::chrono::seconds(10);
  Time post_commit = std::chrono::seconds(30);
  Time pre_final_commit = std::chrono::minutes(2);
  Time post_final_commit = std::chrono::minutes(2);
  Time abort = std::chrono::minutes(2);
  Time remove = std::chrono::minutes(5);
  Time query = std::chrono::seconds(30);
  Time mount_info = std::chrono::seconds(30);
  Time check_health = std::chrono::seconds(10);
  Time break_snapshot = std::chrono::minutes(2);
  Time revert = std::chrono::minutes(10);
  Time revert_status = std::chrono::seconds(30);
  Time storage = std::chrono::seconds(30);
  Time resize_storage = std::chrono::minutes(2);

  [[nodiscard]] Time of(OperationKind kind) const;
  // Nothing may take longer than `most`.
  void cap(Time most);
};

class HostedProvider final : public core::Provider {
 public:
  // Throws std::system_error when no thread is to be had.
  HostedProvider(asio::any_io_executor executor, ProviderModule module, Limits limits);

  // Calls the module's load(); before any other operation. runtime_dir: exists, root-only.
  // Errors: what the module says; InvalidArgument if it did not ask for each of the settings.
  asio::awaitable<core::Status> load(std::string runtime_dir, Settings settings);
  // Never chosen unless somebody asks for it by name.
  [[nodiscard]] bool only_by_name() const { return module_.only_by_name(); }

  [[nodiscard]] const core::ProviderInfo& info() const override { return module_.info(); }
  [[nodiscard]] std::string overdue() const override;
  [[nodiscard]] std::string stuck_in() const override;
  asio::awaitable<core::Result<core::VolumeSupport>> is_volume_supported(core::Volume volume) override;

  asio::awaitable<core::Status> begin_prepare(core::Member member) override;
  asio::awaitable<core::Status> end_prepare(core::Guid set) override;
  asio::awaitable<core::Status> pre_commit(core::Guid set) override;
  asio::awaitable<core::Result<core::CaptureReport>> commit(core::Guid set,
                                                            std::vector<core::Guid> snapshots) override;
  asio::awaitable<core::Status> post_commit(core::Guid set) override;
  asio::awaitable<core::Status> pre_final_commit(core::Guid set) override;
  asio::awaitable<core::Status> post_final_commit(core::Guid set) override;
  asio::awaitable<core::Status> abort(core::Guid set) override;
  [[nodiscard]] core::Result<core::Member> member(core::Guid snapshot) const override;
  void forget(core::Guid set) override;

  asio::awaitable<core::Status> remove(core::Member snapshot) override;
  asio::awaitable<core::Result<bool>> exists(core::Member snapshot) override;
  asio::awaitable<core::Result<core::MountSpec>> mount_info(core::Member snapshot, bool writable) override;
  asio::awaitable<core::Result<core::HealthReport>> check_health(core::Member snapshot) override;
  asio::awaitable<core::Result<core::BrokenLocation>> break_snapshot(core::Member snapshot,
                                                                     bool writable) override;
  asio::awaitable<core::Result<core::RevertStatus>> revert(core::Member snapshot, bool force) override;
  asio::awaitable<core::Result<core::RevertStatus>> revert_status(core::Volume volume) override;
  asio::awaitable<core::Result<std::vector<core::StorageReport>>> storage(core::Volume volume) override;
  asio::awaitable<core::Status> resize_storage(core::Member target, std::uint64_t maximum) override;

 private:
  using SetOperation = int (*)(const vss_provider_host*, const char*);

  [[nodiscard]] std::shared_ptr<Operation> operation(OperationKind kind, Operation::Call call) const;
  asio::awaitable<core::Status> run(Lane& lane, std::shared_ptr<Operation> operation);
  asio::awaitable<core::Status> run_for_set(OperationKind kind, SetOperation function, core::Guid set);
  core::Status take_member_reports(Reports& reports);
  [[nodiscard]] core::Status not_supported(OperationKind kind) const;
  template <typename T>
  asio::awaitable<core::Result<T>> answer_of(OperationKind kind, std::shared_ptr<Operation> call,
                                             std::optional<T> Reports::*answer);

  ProviderModule module_;
  Limits limits_;
  std::map<core::Guid, core::Member> members_;  // by snapshot id
  Lane creation_;
  Lane management_;
  Lane health_;
};

}  // namespace vss::provider_host
