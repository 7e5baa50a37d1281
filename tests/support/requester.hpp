// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A requester on a bus connection of its own (the system bus, DBUS_SYSTEM_BUS_ADDRESS). Errors are values.
// Thread rule: made and destroyed on one thread; calls from any.

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <tl/expected.hpp>

#include "tests/support/sdbus_compat.hpp"

namespace vss::test {

inline constexpr const char* kService = "org.vssd.Vss1";
inline constexpr const char* kManagerPath = "/org/vssd/Vss1";
inline constexpr const char* kManagerInterface = "org.vssd.Vss1.Manager";
inline constexpr const char* kBackupInterface = "org.vssd.Vss1.Backup";
inline constexpr const char* kRestoreInterface = "org.vssd.Vss1.Restore";

using Dict = std::map<std::string, sdbus::Variant>;
using Dicts = std::vector<Dict>;

struct CallError {
  std::string name;  // without "org.vssd.Vss1.Error." if it is one of ours
  std::string message;
};
template <typename T = void>
using Reply = tl::expected<T, CallError>;

// "" if it succeeded, otherwise the name of the error: what most tests compare.
template <typename T>
std::string name_of(const Reply<T>& reply) {
  return reply ? std::string() : reply.error().name;
}
template <typename T>
T get(const Dict& dict, const std::string& key) {
  return dict.at(key).get<T>();
}

// A call whose answer has not been looked at yet.
class PendingCall {
 public:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    std::optional<CallError> error;
    sdbus::MethodReply reply;
    void finish(sdbus::MethodReply answer, std::optional<CallError> failure);
  };
  explicit PendingCall(std::shared_ptr<State> state) : state_(std::move(state)) {}

  [[nodiscard]] bool is_done() const;
  [[nodiscard]] bool wait_for(std::chrono::milliseconds limit) const;

  // Waits. T: void, one value, or a std::tuple.
  template <typename T = void>
  [[nodiscard]] Reply<T> result() {
    if (!wait_for(std::chrono::minutes(2))) return tl::unexpected(CallError{"Test.NoAnswer", "in 2 minutes"});
    if (state_->error) return tl::unexpected(*state_->error);
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      T value{};
      read(value);
      return value;
    }
  }

 private:
  template <typename T>
  void read(T& value) {
    state_->reply >> value;
  }
  template <typename... T>
  void read(std::tuple<T...>& values) {
    std::apply([this](T&... value) { ((void)(state_->reply >> value), ...); }, values);
  }

  std::shared_ptr<State> state_;
};

class Requester {
 public:
  Requester();
  // As this user: the bus takes the credentials of the thread that connects. Needs root.
  explicit Requester(uid_t user);
  // Ends the connection, as the death of the process would.
  ~Requester();
  Requester(const Requester&) = delete;
  Requester& operator=(const Requester&) = delete;

  [[nodiscard]] std::string bus_name() const { return connection_->getUniqueName(); }
  [[nodiscard]] sdbus::IConnection& connection() { return *connection_; }

  // Any call to any object.
  template <typename... In>
  [[nodiscard]] PendingCall begin_at(const std::string& path, const std::string& interface,
                                     const std::string& method, const In&... in) {
    sdbus::IProxy& proxy = proxy_of(path);
    sdbus::MethodCall message = proxy.createMethodCall(InterfaceName(interface), MethodName(method));
    ((void)(message << in), ...);
    return send(proxy, message);
  }
  template <typename T = void, typename... In>
  Reply<T> manager(const std::string& method, const In&... in) {
    return begin_at(kManagerPath, kManagerInterface, method, in...).template result<T>();
  }

  // Makes a Backup; the calls below go to the one made last.
  Reply<std::string> create_backup(const Dict& options = {});
  [[nodiscard]] const std::string& backup_path() const { return backup_path_; }
  void use_backup(std::string path) { backup_path_ = std::move(path); }

  template <typename T = void, typename... In>
  Reply<T> backup(const std::string& method, const In&... in) {
    return begin(method, in...).template result<T>();
  }
  template <typename... In>
  [[nodiscard]] PendingCall begin(const std::string& method, const In&... in) {
    return begin_at(backup_path_, kBackupInterface, method, in...);
  }
  // Property of the Backup; "" if that fails.
  std::string property(const std::string& name);
  [[nodiscard]] std::string state() { return property("State"); }

  // Makes a Restore; restore() goes to the one made last.
  Reply<std::string> create_restore(const std::string& document);
  template <typename T = void, typename... In>
  Reply<T> restore(const std::string& method, const In&... in) {
    return begin_at(restore_path_, kRestoreInterface, method, in...).template result<T>();
  }
  [[nodiscard]] const std::string& restore_path() const { return restore_path_; }

  // From CreateBackup to just before `last`, which is left to the caller ("" runs all up to DoSnapshotSet).
  // The first error ends it.
  struct Plan {
    std::vector<std::string> volumes;
    std::string provider = "fake";
    std::string context = "backup";
    Dict options;
    bool select_components = false;
    // With select_components, what is added: a component of logical path "" per name of a writer.
    std::map<std::string, std::string> components = {};
  };
  Reply<> run_until(const Plan& plan, const std::string& last = "");

 private:
  explicit Requester(std::unique_ptr<sdbus::IConnection> connection);
  Reply<> add_components(const std::map<std::string, std::string>& components);
  sdbus::IProxy& proxy_of(const std::string& path);
  PendingCall send(sdbus::IProxy& proxy, const sdbus::MethodCall& message);
  void dispatch() noexcept;
  void fail_all();

  std::unique_ptr<sdbus::IConnection> connection_;
  std::mutex mutex_;
  bool lost_ = false;
  std::set<std::shared_ptr<PendingCall::State>> pending_;
  std::map<std::string, std::unique_ptr<sdbus::IProxy>> proxies_;
  std::string backup_path_;
  std::string restore_path_;
  std::thread loop_;
};

}  // namespace vss::test
