// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Port: what core needs from a snapshot provider. Implemented by daemon/provider_host over the C ABI.
// Operations that overrun their limit answer UnexpectedProviderError while the module still works on them.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <asio/awaitable.hpp>

#include "daemon/core/error.hpp"
#include "daemon/core/guid.hpp"
#include "daemon/core/volume.hpp"

namespace vss::core {

// How writes to a volume are stopped while it is captured; as in provider_abi.h.
enum class HoldAbility : std::uint8_t { Freeze, Suspend, Impossible, NotNeeded };

struct VolumeSupport {
  bool supported = false;
  HoldAbility hold = HoldAbility::Freeze;
  std::string group;   // members with an equal, non-empty group are captured by one commit call
  std::string reason;  // why not
};

// A member of a set, or later a snapshot.
struct Member {
  Guid set_id;
  Guid snapshot_id;
  Volume volume;
  std::string provider_data;              // the provider's own, opaque
  std::vector<std::string> not_included;  // nested subvolumes: empty directories in the snapshot
};

struct CaptureReport {
  bool one_instant = true;
  std::string reason;  // why not, or why the hold was refused
  // Nothing was captured: the volume cannot be captured under this kind of hold. From now on
  // is_volume_supported answers with another one.
  bool hold_refused = false;
};

// How a snapshot fares while it is in use; as in provider_abi.h.
enum class SnapshotHealth : std::uint8_t { Good, AtRisk, Lost };

[[nodiscard]] constexpr std::string_view to_string(SnapshotHealth health) noexcept {
  switch (health) {
    case SnapshotHealth::Good:
      return "good";
    case SnapshotHealth::AtRisk:
      return "at-risk";
    case SnapshotHealth::Lost:
      return "lost";
  }
  return "";
}

struct HealthReport {
  SnapshotHealth health = SnapshotHealth::Good;
  std::int64_t seconds_left = -1;  // until it is lost if all goes on as it does, -1 if unknown
  std::string reason;              // "" when good
};

// Arguments of mount(2) for a snapshot.
struct MountSpec {
  std::string source;
  std::string filesystem;
  std::string options;
  std::string device;  // node of the snapshot, "" if it has none of its own
};

// Where a snapshot lives after it was broken away.
struct BrokenLocation {
  std::string location;  // for people and for mount(8) or lvm(8)
  std::string device;    // "" if it has none of its own
};

// How far a revert is; as in provider_abi.h.
enum class RevertState : std::uint8_t { None, PendingReboot, Running, Done };

[[nodiscard]] constexpr std::string_view to_string(RevertState state) noexcept {
  switch (state) {
    case RevertState::None:
      return "none";
    case RevertState::PendingReboot:
      return "pending-reboot";
    case RevertState::Running:
      return "running";
    case RevertState::Done:
      return "done";
  }
  return "";
}

struct RevertStatus {
  RevertState state = RevertState::None;
  int percent = -1;     // -1 if unknown
  std::string message;  // what it waits for
};

// One place where snapshots of a volume are stored. Bytes.
struct StorageReport {
  std::string volume;
  std::string location;
  std::optional<std::uint64_t> used;
  std::optional<std::uint64_t> allocated;
  std::uint64_t maximum = 0;  // 0: nothing limits it
};

struct ProviderInfo {
  std::string name;
  std::string version;
  bool specialised = false;
  int priority = 0;
};

class Provider {
 public:
  virtual ~Provider() = default;
  [[nodiscard]] virtual const ProviderInfo& info() const = 0;
  // The operation that overran its limit and still runs, "" otherwise.
  [[nodiscard]] virtual std::string overdue() const = 0;
  // The same without looks at health, which leave nothing uncertain.
  [[nodiscard]] virtual std::string stuck_in() const = 0;

  virtual asio::awaitable<Result<VolumeSupport>> is_volume_supported(Volume volume) = 0;

  // The operations of set creation; order and meaning as in provider_abi.h. The members given to
  // begin_prepare are known to the implementation until post_final_commit, abort or forget; what the module
  // reports about them (provider_data, not_included) is read back with member().
  virtual asio::awaitable<Status> begin_prepare(Member member) = 0;
  virtual asio::awaitable<Status> end_prepare(Guid set) = 0;
  virtual asio::awaitable<Status> pre_commit(Guid set) = 0;
  virtual asio::awaitable<Result<CaptureReport>> commit(Guid set, std::vector<Guid> snapshots) = 0;
  virtual asio::awaitable<Status> post_commit(Guid set) = 0;
  virtual asio::awaitable<Status> pre_final_commit(Guid set) = 0;
  virtual asio::awaitable<Status> post_final_commit(Guid set) = 0;
  virtual asio::awaitable<Status> abort(Guid set) = 0;
  // The member as the module has completed it so far.
  [[nodiscard]] virtual Result<Member> member(Guid snapshot) const = 0;
  // Drops what the implementation remembers of the set; no call into the module.
  virtual void forget(Guid set) = 0;

  virtual asio::awaitable<Status> remove(Member snapshot) = 0;
  virtual asio::awaitable<Result<bool>> exists(Member snapshot) = 0;
  virtual asio::awaitable<Result<MountSpec>> mount_info(Member snapshot, bool writable) = 0;
  // Good from a provider that cannot tell.
  virtual asio::awaitable<Result<HealthReport>> check_health(Member snapshot) = 0;

  // Meaning as in provider_abi.h; NotSupported from a provider that has no such operation.
  virtual asio::awaitable<Result<BrokenLocation>> break_snapshot(Member snapshot, bool writable) = 0;
  virtual asio::awaitable<Result<RevertStatus>> revert(Member snapshot, bool force) = 0;
  virtual asio::awaitable<Result<RevertStatus>> revert_status(Volume volume) = 0;
  virtual asio::awaitable<Result<std::vector<StorageReport>>> storage(Volume volume) = 0;
  virtual asio::awaitable<Status> resize_storage(Member target, std::uint64_t maximum) = 0;
};

struct ProviderChoice {
  Provider* provider = nullptr;
  VolumeSupport support;
};

// Port: the loaded providers.
class Providers {
 public:
  virtual ~Providers() = default;
  [[nodiscard]] virtual std::vector<Provider*> all() const = 0;
  // The one of that name, nullptr if there is none.
  [[nodiscard]] virtual Provider* find(std::string_view name) const = 0;
  // The provider for a volume: the named one, or if `name` is "" specialised before general, then by
  // priority. Errors: ProviderNotRegistered, VolumeNotSupportedByProvider, VolumeNotSupported (each
  // provider's reason), ProviderInUse.
  virtual asio::awaitable<Result<ProviderChoice>> choose(Volume volume, std::string name) = 0;
};

}  // namespace vss::core
