// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The machine-wide creation lock: held from StartSnapshotSet until DoSnapshotSet ends. Others wait in a
// queue, first come first served, and are told who holds it. VSS: VSS_E_SNAPSHOT_SET_IN_PROGRESS.

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "daemon/core/async.hpp"
#include "daemon/core/error.hpp"
#include "daemon/core/guid.hpp"

namespace vss::core {

class CreationLock {
 public:
  struct Holder {
    std::string client;  // what the requester calls itself
    std::string unit;    // its systemd unit, "" if none
    std::uint32_t pid = 0;
    Guid set;
    TimePoint since{};
    [[nodiscard]] std::string describe() const;
  };

  // The lock is free again when the lease is gone. It may outlive the lock.
  class Lease {
   public:
    Lease() = default;
    ~Lease() { release(); }
    Lease(Lease&& other) noexcept : lock_(std::exchange(other.lock_, {})) {}
    Lease& operator=(Lease&& other) noexcept;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    void release() noexcept;
    [[nodiscard]] explicit operator bool() const { return !lock_.expired(); }

   private:
    friend class CreationLock;
    struct State;
    explicit Lease(std::weak_ptr<State> lock) : lock_(std::move(lock)) {}
    std::weak_ptr<State> lock_;
  };

  CreationLock();

  // Waits for at most `patience`. Errors: SnapshotSetInProgress (names the holder), Cancelled.
  asio::awaitable<Result<Lease>> acquire(Holder who, Milliseconds patience, Signal cancel);
  [[nodiscard]] std::optional<Holder> holder() const;
  [[nodiscard]] std::size_t waiters() const;

 private:
  std::shared_ptr<Lease::State> state_;
};

}  // namespace vss::core
