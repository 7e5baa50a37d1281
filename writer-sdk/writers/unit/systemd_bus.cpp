// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/systemd_bus.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace vss::unit {
namespace {

constexpr const char* kSystemd = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kPeer = "org.freedesktop.DBus.Peer";
constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
constexpr std::chrono::seconds kAnswerLimit{5};

std::uint64_t microseconds(std::chrono::microseconds time) {
  return static_cast<std::uint64_t>(time.count());
}

// Of one call.
class BusError {
 public:
  BusError() = default;
  ~BusError() { sd_bus_error_free(&error_); }
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;

  [[nodiscard]] sd_bus_error* out() { return &error_; }
  [[nodiscard]] bool is(const char* name) const { return sd_bus_error_has_name(&error_, name) != 0; }
  [[noreturn]] void raise(const std::string& what, int result) const {
    std::string why = error_.message == nullptr ? std::generic_category().message(-result) : error_.message;
    if (result == -ETIMEDOUT || is(SD_BUS_ERROR_NO_REPLY)) why = "no answer in time";
    throw ManagerError(what + ": " + why);
  }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

struct Unref {
  void operator()(sd_bus_message* message) const noexcept { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, Unref>;

}  // namespace

SystemdBus::SystemdBus() {
  sd_bus* bus = nullptr;
  const int result = sd_bus_open_system(&bus);
  bus_.reset(bus);
  if (result < 0) BusError().raise("the system bus", result);
  sd_bus_set_method_call_timeout(bus, microseconds(kAnswerLimit));
}

std::string SystemdBus::property(const std::string& object, const char* interface, const char* name) {
  BusError error;
  char* text = nullptr;
  const int result =
      sd_bus_get_property_string(bus_.get(), kSystemd, object.c_str(), interface, name, error.out(), &text);
  if (result < 0) error.raise(name, result);
  const std::unique_ptr<char, decltype(&std::free)> owned(text, &std::free);
  return text;
}

UnitFacts SystemdBus::look(const std::string& unit) {
  BusError error;
  sd_bus_message* answer = nullptr;
  int result = sd_bus_call_method(bus_.get(), kSystemd, kManagerPath, kManager, "LoadUnit", error.out(),
                                  &answer, "s", unit.c_str());
  const Message owned(answer);
  const char* path = nullptr;
  if (result >= 0) result = sd_bus_message_read(answer, "o", &path);
  if (result < 0) error.raise("LoadUnit", result);
  const std::string object = path;
  UnitFacts facts{property(object, kUnit, "Id"), property(object, kUnit, "LoadState"),
                  property(object, kUnit, "ActiveState"), "", 0};
  const char* const kind =
      unit.ends_with(".scope") ? "org.freedesktop.systemd1.Scope" : "org.freedesktop.systemd1.Service";
  facts.control_group = property(object, kind, "ControlGroup");
  // One that does its work without ever being "active" leaves "inactive" too.
  constexpr const char* kStarted = "InactiveExitTimestampMonotonic";
  result = sd_bus_get_property_trivial(bus_.get(), kSystemd, object.c_str(), kUnit, kStarted, error.out(),
                                       't', &facts.started);
  if (result < 0) error.raise(kStarted, result);
  return facts;
}

// A limit of 0 would be the default of the bus.
void SystemdBus::call(const char* interface, const char* method, const std::string* unit,
                      std::chrono::milliseconds limit) {
  BusError error;
  sd_bus_message* call = nullptr;
  int result = sd_bus_message_new_method_call(bus_.get(), &call, kSystemd, kManagerPath, interface, method);
  const Message owned(call);
  if (result >= 0 && unit != nullptr) result = sd_bus_message_append(call, "s", unit->c_str());
  const auto least = std::max(limit, std::chrono::milliseconds(1));
  if (result >= 0) result = sd_bus_call(bus_.get(), call, microseconds(least), error.out(), nullptr);
  if (result < 0) error.raise(method, result);
}

void SystemdBus::freeze(const std::string& unit, std::chrono::milliseconds limit) {
  call(kManager, "FreezeUnit", &unit, limit);
}

void SystemdBus::thaw(const std::string& unit, std::chrono::milliseconds limit) {
  call(kManager, "ThawUnit", &unit, limit);
}

// It takes what comes to it by the bus in order.
void SystemdBus::catch_up(std::chrono::milliseconds limit) { call(kPeer, "Ping", nullptr, limit); }

std::optional<pid_t> SystemdBus::owner_of(const std::string& bus_name) {
  BusError error;
  sd_bus_message* answer = nullptr;
  int result =
      sd_bus_call_method(bus_.get(), "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                         "GetConnectionUnixProcessID", error.out(), &answer, "s", bus_name.c_str());
  const Message owned(answer);
  if (result < 0 && error.is(SD_BUS_ERROR_NAME_HAS_NO_OWNER)) return std::nullopt;
  std::uint32_t process = 0;
  if (result >= 0) result = sd_bus_message_read(answer, "u", &process);
  if (result < 0) error.raise("who owns " + bus_name, result);
  return static_cast<pid_t>(process);
}

}  // namespace vss::unit
