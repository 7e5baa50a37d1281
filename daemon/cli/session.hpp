// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What the sessions of a backup and of a restore share: the object at vssd, the calls on it one after the
// other, and the end of both.

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "daemon/cli/bus.hpp"
#include "daemon/cli/steps.hpp"

namespace vss::cli {

// Thread rule: one thread, but cancel(). Every failure is a Failure; a destroyed one leaves the object to
// vssd, which releases it, and tells the writers, when the connection ends.
template <typename Proxy>
class Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // BackupShutdown or RestoreShutdown to the writers; auto-release snapshots are gone when it returns.
  void release() {
    attempt("Release", [&] { proxy_->Release(); });
    const std::lock_guard lock(mutex_);
    proxy_.reset();
  }

  // Stops the call that runs, and the sequence before its next one. Any thread.
  void cancel() noexcept {
    step_.cancel();
    std::shared_ptr<Proxy> proxy;
    {
      const std::lock_guard lock(mutex_);
      proxy = proxy_;
    }
    if (proxy) quietly("Cancel", [&] { proxy->Cancel(); });
  }

  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  // The object, for calls that are no part of the sequence; between make_set() or begin() and the release
  // only.
  [[nodiscard]] Proxy& object() { return *proxy_; }

 protected:
  Session(Bus& bus, ProgressListener* progress) : bus_(bus), manager_(bus), progress_(progress) {}
  ~Session() = default;

  void open(sdbus::ObjectPath path) {
    const std::lock_guard lock(mutex_);
    proxy_ = std::make_shared<Proxy>(bus_, std::move(path), progress_);
  }

  Bus& bus_;
  ManagerProxy manager_;
  Steps step_;
  std::shared_ptr<Proxy> proxy_;
  std::vector<std::string> warnings_;

 private:
  ProgressListener* progress_;
  std::mutex mutex_;  // guards proxy_ against cancel()
};

}  // namespace vss::cli
