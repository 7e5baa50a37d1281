// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The connection of vssctl and its proxies. A thread of its own dispatches what comes in, so that a signal is
// seen, and a long call can be cancelled, while another thread waits in the call.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <vss_dbus/backup_proxy.hpp>
#include <vss_dbus/manager_proxy.hpp>
#include <vss_dbus/restore_proxy.hpp>

#include "daemon/cli/event_fd.hpp"
#include "daemon/cli/failure.hpp"
#include "daemon/cli/json.hpp"
#include "daemon/cli/sdbus_compat.hpp"

namespace vss::cli {

inline constexpr const char* kServiceName = "org.vssd.Vss1";
inline constexpr const char* kManagerPath = "/org/vssd/Vss1";

using Dict = std::map<std::string, sdbus::Variant>;

// Dictionaries of the bus as JSON. A value of a type that the contract does not use becomes null.
[[nodiscard]] Json to_json(const Dict& dict);
[[nodiscard]] Json to_json(const std::vector<Dict>& dicts);

// Calls `function`; an error of the bus becomes a Failure that says what was tried.
template <typename Function>
auto attempt(const std::string& what, Function&& function) {
  try {
    return std::forward<Function>(function)();
  } catch (const sdbus::Error& error) {
    throw failure_from_bus(error.getName(), error.getMessage(), what);
  }
}

// Thread rule: made and destroyed on one thread; the rest may be called from any.
class Bus {
 public:
  // The system bus of this machine, or of `host` over ssh. Throws Failure (Unreachable).
  explicit Bus(const std::optional<std::string>& host);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  [[nodiscard]] sdbus::IConnection& connection() { return *connection_; }
  // Becomes readable when vssd, or the bus itself, has gone away; stays so.
  [[nodiscard]] const EventFd& lost() const { return lost_; }
  // Called on the dispatching thread with true when vssd comes and false when it goes. Set before the first
  // call.
  void on_daemon_change(std::function<void(bool present)> handler) { on_change_ = std::move(handler); }
  // Starts dispatching. Throws Failure.
  void start();

 private:
  void ask_bus_daemon();
  void dispatch() noexcept;
  void owner_changed(sdbus::Message& signal) noexcept;

  std::unique_ptr<sdbus::IConnection> connection_;
  EventFd lost_;
  std::function<void(bool)> on_change_;
  compat::Subscription owner_watch_;
  EventFd dispatching_;
  std::unique_ptr<sdbus::IProxy> bus_daemon_;  // asked once; its answer may still be on its way out
  std::jthread thread_;
};

// Who wants to know of the signals of Manager. Called on the dispatching thread.
class ManagerListener {
 public:
  virtual ~ManagerListener() = default;
  // `signal` is {"signal": name, ...arguments}.
  virtual void on_signal(const Json& signal) = 0;
};

class ManagerProxy final : public sdbus::ProxyInterfaces<org::vssd::Vss1::Manager_proxy> {
 public:
  explicit ManagerProxy(Bus& bus, ManagerListener* listener = nullptr);
  ~ManagerProxy();
  ManagerProxy(const ManagerProxy&) = delete;
  ManagerProxy& operator=(const ManagerProxy&) = delete;

 private:
  void onWriterAdded(const std::string& instance, const std::string& name) override;
  void onWriterRemoved(const std::string& instance, const std::string& name) override;
  void onSnapshotSetCreated(const std::string& set, const std::string& context) override;
  void onSnapshotSetDeleted(const std::string& set) override;
  void onSnapshotInvalidated(const std::string& set, const std::string& snapshot, const std::string& state,
                             const std::int64_t& seconds_left, const std::string& reason) override;
  void onEvent(const std::string& session, const std::string& set, const std::string& writer,
               const std::string& instance, const std::string& event, const std::string& outcome,
               const double& duration_ms) override;
  void tell(const Json& signal) noexcept;

  ManagerListener* listener_;
};

// Who wants to know how far a Backup or a Restore is. Called on the dispatching thread.
class ProgressListener {
 public:
  virtual ~ProgressListener() = default;
  virtual void on_progress(const std::string& phase, unsigned done, unsigned total,
                           const std::vector<std::string>& waiting_for) = 0;
};

void tell_progress(ProgressListener* listener, const std::string& phase, std::uint32_t done,
                   std::uint32_t total, const std::vector<std::string>& waiting_for) noexcept;

// What the proxies of a Backup and a Restore share. Calls that take long go through call(), in place of the
// generated ones: Cancel() is for another thread to call meanwhile.
template <typename Generated>
class SessionProxy : public sdbus::ProxyInterfaces<Generated> {
 public:
  SessionProxy(const SessionProxy&) = delete;
  SessionProxy& operator=(const SessionProxy&) = delete;

 protected:
  SessionProxy(Bus& bus, sdbus::ObjectPath path, ProgressListener* listener)
      : sdbus::ProxyInterfaces<Generated>(bus.connection(), compat::ServiceName(kServiceName),
                                          std::move(path)),
        listener_(listener) {
    this->registerProxy();
  }
  ~SessionProxy() { this->unregisterProxy(); }

  template <typename Out = void, typename... In>
  Out call(const char* method, const In&... in) {
    return compat::call<Out>(this->getProxy(), Generated::INTERFACE_NAME, method, in...);
  }

 private:
  void onProgress(const std::string& phase, const std::uint32_t& done, const std::uint32_t& total,
                  const std::vector<std::string>& waiting_for) override {
    tell_progress(listener_, phase, done, total, waiting_for);
  }

  ProgressListener* listener_;
};

class BackupProxy final : public SessionProxy<org::vssd::Vss1::Backup_proxy> {
 public:
  BackupProxy(Bus& bus, sdbus::ObjectPath path, ProgressListener* listener)
      : SessionProxy(bus, std::move(path), listener) {}

  std::vector<Dict> GatherWriterMetadata() { return call<std::vector<Dict>>("GatherWriterMetadata"); }
  std::string StartSnapshotSet() { return call<std::string>("StartSnapshotSet"); }
  std::string AddToSnapshotSet(const std::string& volume, const std::string& provider) {
    return call<std::string>("AddToSnapshotSet", volume, provider);
  }
  void PrepareForBackup() { call("PrepareForBackup"); }
  Dict DoSnapshotSet() { return call<Dict>("DoSnapshotSet"); }
  void BackupComplete() { call("BackupComplete"); }
  void AbortBackup() { call("AbortBackup"); }
  void Release() { call("Release"); }
};

class RestoreProxy final : public SessionProxy<org::vssd::Vss1::Restore_proxy> {
 public:
  RestoreProxy(Bus& bus, sdbus::ObjectPath path, ProgressListener* listener)
      : SessionProxy(bus, std::move(path), listener) {}

  std::vector<Dict> GatherWriterMetadata() { return call<std::vector<Dict>>("GatherWriterMetadata"); }
  void PreRestore() { call("PreRestore"); }
  void PostRestore() { call("PostRestore"); }
  void Release() { call("Release"); }
};

}  // namespace vss::cli
