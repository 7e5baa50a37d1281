// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One call of an operation of a provider: the functions of the host that the module gets (provider_abi.h),
// and what it reported through them.
//
// Thread rule: run() and the host's functions work in the lane's thread; the rest is read on the executor
// after run() has returned. cancel() may come from any thread.

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/steady_timer.hpp>

#include "daemon/core/error.hpp"
#include "daemon/core/provider.hpp"
#include "vss/provider_abi.h"

namespace vss::provider_host {

// The section [provider.<name>] of vssd.conf: keys and values as text.
using Settings = std::map<std::string, std::string>;

enum class OperationKind : std::uint8_t {
  Load,
  IsVolumeSupported,
  BeginPrepare,
  EndPrepare,
  PreCommit,
  Commit,
  PostCommit,
  PreFinalCommit,
  PostFinalCommit,
  Abort,
  Remove,
  Query,
  MountInfo,
  CheckHealth,
  BreakSnapshot,
  Revert,
  RevertStatus,
  Storage,
  ResizeStorage,
};
inline constexpr std::size_t kOperationKinds = 19;

// The name that provider_abi.h gives to the operation; static storage.
[[nodiscard]] std::string_view to_string(OperationKind kind) noexcept;

struct Reports {
  std::string message;
  std::optional<core::VolumeSupport> support;
  std::vector<std::pair<std::string, std::string>> data;          // snapshot id, data
  std::vector<std::pair<std::string, std::string>> not_included;  // snapshot id, path
  std::optional<std::string> not_one_instant;
  std::optional<core::MountSpec> mount;
  std::optional<core::HealthReport> health;
  std::optional<core::BrokenLocation> location;
  std::optional<core::RevertStatus> revert;
  std::vector<core::StorageReport> storage;
  std::set<std::string> settings_asked;  // keys
  std::string violation;                 // the first thing the module must not do by contract
};

class Operation {
 public:
  using Call = std::function<int(const vss_provider_host*)>;

  Operation(std::string provider, OperationKind kind, Call call);
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // What the module may ask for in load. Before run().
  void offer(Settings settings) { settings_ = std::move(settings); }

  // Calls the module. Never throws.
  void run() noexcept;

  // The module may see that nobody waits any longer.
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  [[nodiscard]] OperationKind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& provider() const noexcept { return provider_; }
  // The documented code as our error, with the provider, the operation and its message.
  [[nodiscard]] core::Status outcome() const;
  // commit answered that the volume cannot be captured under this kind of hold.
  [[nodiscard]] bool hold_refused() const;
  // Keys of the settings that the module did not ask for.
  [[nodiscard]] std::vector<std::string> settings_unasked() const;
  [[nodiscard]] Reports& reports() noexcept { return reports_; }

  // For the lane, on the executor only.
  struct Progress {
    std::chrono::milliseconds limit{};
    std::chrono::steady_clock::time_point started{};
    std::chrono::steady_clock::time_point deadline{};  // set when it starts
    bool finished = false;
    bool abandoned = false;  // nobody waits for it any longer
    bool refused = false;    // taken out of the queue, because the one before it is stuck
    std::weak_ptr<asio::steady_timer> waiter;
  };
  Progress progress;

 private:
  struct HostFunctions;

  std::string provider_;
  OperationKind kind_;
  Call call_;
  Settings settings_;
  vss_provider_host host_{};
  std::atomic<bool> cancelled_{false};
  int status_ = VSS_PROVIDER_E_UNEXPECTED;
  Reports reports_;
};

}  // namespace vss::provider_host
