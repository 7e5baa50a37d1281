// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/cli/bus.hpp"

#include <poll.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <utility>

namespace vss::cli {
namespace {

// sd-bus: no time limit at all. How long a call may take is for vssd to decide.
constexpr std::uint64_t kNoTimeout = std::numeric_limits<std::uint64_t>::max();

Json value_to_json(const sdbus::Variant& value) {
  const std::string type = compat::signature(value);
  if (type == "s") return value.get<std::string>();
  if (type == "o") return std::string(value.get<sdbus::ObjectPath>());
  if (type == "b") return value.get<bool>();
  if (type == "u") return value.get<std::uint32_t>();
  if (type == "i") return value.get<std::int32_t>();
  if (type == "t") return value.get<std::uint64_t>();
  if (type == "x") return value.get<std::int64_t>();
  if (type == "d") return value.get<double>();
  if (type == "as") return value.get<std::vector<std::string>>();
  if (type == "a{sd}") return Json(value.get<std::map<std::string, double>>());
  if (type == "a{sv}") return to_json(value.get<Dict>());
  if (type == "aa{sv}") return to_json(value.get<std::vector<Dict>>());
  return nullptr;
}

std::unique_ptr<sdbus::IConnection> connect(const std::optional<std::string>& host) {
  return host ? sdbus::createRemoteSystemBusConnection(*host) : sdbus::createSystemBusConnection();
}

void report(const char* where, const std::exception& error) noexcept {
  std::fprintf(stderr, "vssctl: %s: %s\n", where, error.what());
}

}  // namespace

Json to_json(const Dict& dict) {
  Json json = Json::object();
  for (const auto& [key, value] : dict) json[key] = value_to_json(value);
  return json;
}

Json to_json(const std::vector<Dict>& dicts) {
  Json json = Json::array();
  for (const Dict& dict : dicts) json.push_back(to_json(dict));
  return json;
}

Bus::Bus(const std::optional<std::string>& host) {
  const std::string where = host ? "connect to the bus of " + *host : "connect to the system bus";
  try {
    connection_ = connect(host);
    connection_->setMethodCallTimeout(kNoTimeout);
    owner_watch_ =
        compat::add_match(*connection_,
                          "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                          "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.vssd.Vss1'",
                          [this](auto&& signal) { owner_changed(signal); });
  } catch (const sdbus::Error& error) {
    throw Failure(ExitCode::Unreachable, error.getName(), where, error.getMessage());
  }
}

Bus::~Bus() {
  if (thread_.joinable()) connection_->leaveEventLoop();
}

// As long as nobody dispatches, a call has the connection for itself until its answer is there: DoSnapshotSet
// would let no Cancel pass. So there is an answer to wait for first.
void Bus::start() {
  attempt("talk to the bus", [this] { ask_bus_daemon(); });
  thread_ = std::jthread([this] { dispatch(); });
  std::array<pollfd, 2> polls{{{dispatching_.fd(), POLLIN, 0}, {lost_.fd(), POLLIN, 0}}};
  while (::poll(polls.data(), polls.size(), -1) < 0 && errno == EINTR) {
  }
}

// Before the other thread exists: what is asked may be answered while the question is still being put away.
void Bus::ask_bus_daemon() {
  bus_daemon_ = sdbus::createProxy(*connection_, compat::ServiceName("org.freedesktop.DBus"),
                                   sdbus::ObjectPath("/org/freedesktop/DBus"));
  bus_daemon_->callMethodAsync("GetId")
      .onInterface("org.freedesktop.DBus")
      .uponReplyInvoke([this](compat::ReplyError, const std::string&) { dispatching_.set(); });
}

void Bus::dispatch() noexcept {
  try {
    connection_->enterEventLoop();
  } catch (const std::exception& error) {
    report("the connection to the bus is lost", error);
    lost_.set();
  }
}

void Bus::owner_changed(sdbus::Message& signal) noexcept {
  try {
    std::string name, old_owner, new_owner;
    signal >> name >> old_owner >> new_owner;
    if (!old_owner.empty()) lost_.set();
    if (on_change_) on_change_(!new_owner.empty());
  } catch (const std::exception& error) {
    report("NameOwnerChanged", error);
  }
}

ManagerProxy::ManagerProxy(Bus& bus, ManagerListener* listener)
    : ProxyInterfaces(bus.connection(), compat::ServiceName(kServiceName), sdbus::ObjectPath(kManagerPath)),
      listener_(listener) {
  registerProxy();
}

ManagerProxy::~ManagerProxy() { unregisterProxy(); }

void ManagerProxy::onWriterAdded(const std::string& instance, const std::string& name) {
  tell({{"signal", "WriterAdded"}, {"instance", instance}, {"name", name}});
}

void ManagerProxy::onWriterRemoved(const std::string& instance, const std::string& name) {
  tell({{"signal", "WriterRemoved"}, {"instance", instance}, {"name", name}});
}

void ManagerProxy::onSnapshotSetCreated(const std::string& set, const std::string& context) {
  tell({{"signal", "SnapshotSetCreated"}, {"set", set}, {"context", context}});
}

void ManagerProxy::onSnapshotSetDeleted(const std::string& set) {
  tell({{"signal", "SnapshotSetDeleted"}, {"set", set}});
}

void ManagerProxy::onSnapshotInvalidated(const std::string& set, const std::string& snapshot,
                                         const std::string& state, const std::int64_t& seconds_left,
                                         const std::string& reason) {
  tell({{"signal", "SnapshotInvalidated"},
        {"set", set},
        {"snapshot", snapshot},
        {"state", state},
        {"seconds_left", seconds_left},
        {"reason", reason}});
}

void ManagerProxy::onEvent(const std::string& session, const std::string& set, const std::string& writer,
                           const std::string& instance, const std::string& event, const std::string& outcome,
                           const double& duration_ms) {
  tell({{"signal", "Event"},
        {"session", session},
        {"set", set},
        {"writer", writer},
        {"instance", instance},
        {"event", event},
        {"outcome", outcome},
        {"duration_ms", duration_ms}});
}

void ManagerProxy::tell(const Json& signal) noexcept {
  if (listener_ == nullptr) return;
  try {
    listener_->on_signal(signal);
  } catch (const std::exception& error) {
    report("signal", error);
  }
}

void tell_progress(ProgressListener* listener, const std::string& phase, std::uint32_t done,
                   std::uint32_t total, const std::vector<std::string>& waiting_for) noexcept {
  if (listener == nullptr) return;
  try {
    listener->on_progress(phase, done, total, waiting_for);
  } catch (const std::exception& error) {
    report("progress", error);
  }
}

}  // namespace vss::cli
