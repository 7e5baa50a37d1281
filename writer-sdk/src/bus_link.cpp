// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/src/bus_link.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>
#include <vector>

#include "writer-sdk/src/names.hpp"
#include "writer-sdk/src/text.hpp"
#include "writer-sdk/src/writer_object.hpp"

namespace vss {
namespace {

using namespace std::chrono_literals;

constexpr const char* kService = "org.vssd.Vss1";
constexpr const char* kManagerPath = "/org/vssd/Vss1";
constexpr const char* kManager = "org.vssd.Vss1.Manager";
constexpr const char* kWriterPath = "/org/vssd/Vss1/writer";
constexpr const char* kBusService = "org.freedesktop.DBus";
constexpr const char* kBusPath = "/org/freedesktop/DBus";
constexpr const char* kOwnerMatch =
    "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
    "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.vssd.Vss1'";
constexpr auto kFirstBackoff = 250ms;
constexpr auto kLastBackoff = 5000ms;

std::unique_ptr<sdbus::IProxy> make_proxy(sdbus::IConnection& connection, const std::string& service,
                                          const char* path) {
  return sdbus::createProxy(connection, sdbus_compat::ServiceName(service), sdbus_compat::ObjectPath(path));
}

std::vector<std::string> subscriptions(std::uint32_t mask) {
  std::vector<std::string> names;
  for (const Name& name : kSubscriptions) {
    if ((mask & name.number) != 0) names.emplace_back(name.text);
  }
  return names;
}

Dictionary properties_of(const WriterConfig& config) {
  Dictionary properties;
  properties.emplace("name", sdbus::Variant(config.name));
  properties.emplace("class_id", sdbus::Variant(config.class_id));
  properties.emplace("instance_name", sdbus::Variant(config.instance_name));
  properties.emplace("version", sdbus::Variant(config.version));
  properties.emplace("level", sdbus::Variant(std::string(name_of(kLevels, config.level))));
  properties.emplace("freeze_timeout",
                     sdbus::Variant(static_cast<std::uint32_t>(config.freeze_timeout.count())));
  // Only what is not the default: a vssd that does not know these keys would refuse them.
  if (config.subscribe != VSS_SUBSCRIBE_ALL) {
    properties.emplace("subscribe", sdbus::Variant(subscriptions(config.subscribe)));
  }
  if (config.usage != VSS_USAGE_UNDEFINED) {
    properties.emplace("usage", sdbus::Variant(std::string(name_of(kUsages, config.usage))));
  }
  if (config.source != VSS_SOURCE_UNDEFINED) {
    properties.emplace("source", sdbus::Variant(std::string(name_of(kSources, config.source))));
  }
  return properties;
}

}  // namespace

// In the order of need: the connection goes last.
struct BusLink::Bus {
  Bus(Engine& engine, const std::string& owner)
      : connection(sdbus::createSystemBusConnection()),
        object(*connection, kWriterPath, engine, owner),
        bus(make_proxy(*connection, kBusService, kBusPath)) {}

  std::unique_ptr<sdbus::IConnection> connection;
  WriterObject object;
  std::unique_ptr<sdbus::IProxy> bus;
  std::unique_ptr<sdbus::IProxy> manager;
  sdbus::Slot owner_match;
};

BusLink::BusLink(Engine& engine) : engine_(engine) {}
BusLink::~BusLink() = default;

// No exception may pass through the C code of the bus library: it is kept for step().
template <typename Body>
void BusLink::guarded(Body body) noexcept {
  try {
    body();
  } catch (const std::exception& error) {
    broken_ = error.what();
  } catch (...) {
    broken_ = "unknown exception";
  }
}

void BusLink::step(TimePoint now) {
  guarded([&] {
    if (retry_at_ && now >= *retry_at_) {
      retry_at_.reset();
      if (!bus_) {
        connect();
      } else if (!owner_.empty()) {
        register_writer();
      }
    }
    take_messages();
  });
  if (!broken_.empty()) bus_lost(std::exchange(broken_, {}));
}

void BusLink::take_messages() {
  while (bus_ && broken_.empty() && sdbus_compat::process(*bus_->connection)) {
  }
}

sdbus_compat::PollRequest BusLink::poll_request() {
  if (!bus_) return {-1, 0, std::nullopt};
  try {
    return sdbus_compat::poll_request(*bus_->connection);
  } catch (const std::exception& error) {
    bus_lost(error.what());
    return {-1, 0, std::nullopt};
  }
}

void BusLink::connect() {
  bus_ = std::make_unique<Bus>(engine_, owner_);
  bus_->owner_match = sdbus_compat::add_match(*bus_->connection, kOwnerMatch, [this](auto&& message) {
    guarded([&] {
      std::string name;
      std::string before;
      std::string after;
      message >> name >> before >> after;
      owner_is(after);
    });
  });
  bus_->bus->callMethodAsync("GetNameOwner")
      .onInterface(kBusService)
      .withArguments(std::string(kService))
      .uponReplyInvoke([this](sdbus_compat::CallError error, const std::string& owner) {
        guarded([&] {
          if (!error) return owner_is(owner);
          report(VSS_WRITER_UNREGISTERED, "vssd is not running");
        });
      });
  backoff_ = {};
  if ((engine_.config().flags & VSS_WRITER_ACTIVATE) == 0) return;
  bus_->bus->callMethodAsync("StartServiceByName")
      .onInterface(kBusService)
      .withArguments(std::string(kService), std::uint32_t{0})
      .uponReplyInvoke([this](sdbus_compat::CallError error, std::uint32_t) {
        guarded([&] {
          if (error && owner_.empty()) {
            report(VSS_WRITER_UNREGISTERED, "vssd cannot be started: " + error->getMessage());
          }
        });
      });
}

void BusLink::owner_is(const std::string& owner) {
  if (owner == owner_) return;
  if (!owner_.empty()) vssd_lost("vssd has left the bus");
  owner_ = owner;
  if (owner_.empty()) return;
  backoff_ = {};
  register_writer();
}

void BusLink::register_writer() {
  retry_at_.reset();
  // The unique name, so that no other vssd gets what is meant for this one, and nothing is activated.
  bus_->manager = make_proxy(*bus_->connection, owner_, kManagerPath);
  bus_->manager->callMethodAsync("RegisterWriter")
      .onInterface(kManager)
      .withArguments(sdbus::ObjectPath(kWriterPath), properties_of(engine_.config()))
      .uponReplyInvoke([this, owner = owner_](sdbus_compat::CallError error, const std::string& instance) {
        guarded([&] {
          if (error) {
            not_registered(owner, *error);
          } else {
            registered(owner, instance);
          }
        });
      });
}

void BusLink::registered(const std::string& owner, const std::string& instance) {
  if (owner != owner_) return;
  instance_ = instance;
  backoff_ = {};
  report(VSS_WRITER_REGISTERED, "registered as instance " + instance);
}

void BusLink::not_registered(const std::string& owner, const sdbus::Error& error) {
  if (owner != owner_) return;
  // A registration whose answer was lost: only a new connection gets rid of it.
  if (sdbus_compat::error_name(error) == bus_name(ErrorCode::WriterAlreadySubscribed)) {
    broken_ = "vssd knows this connection already";
    return;
  }
  report(VSS_WRITER_REFUSED, error.getMessage());
  retry_later();
}

void BusLink::vssd_lost(const std::string& why) {
  owner_.clear();
  instance_.clear();
  engine_.end_all(why);
  report(VSS_WRITER_UNREGISTERED, why);
}

void BusLink::bus_lost(const std::string& why) {
  const std::string message = "no connection to the system bus: " + to_message(why);
  vssd_lost(message);
  bus_.reset();
  retry_later();
}

void BusLink::give_up(const std::string& why) noexcept {
  guarded([&] { bus_lost(why); });
}

void BusLink::retry_later() {
  backoff_ = std::clamp(backoff_ * 2, std::chrono::milliseconds(kFirstBackoff),
                        std::chrono::milliseconds(kLastBackoff));
  retry_at_ = std::chrono::steady_clock::now() + backoff_;
}

void BusLink::report(vss_writer_state state, const std::string& message) {
  if (reported_ == state) return;
  reported_ = state;
  engine_.state_changed(state, message);
}

void BusLink::close() {
  guarded([&] {
    if (!bus_ || instance_.empty()) return;
    bus_->manager->callMethod("UnregisterWriter")
        .onInterface(kManager)
        .withArguments(instance_)
        .dontExpectReply();
  });
  broken_.clear();
  instance_.clear();
  owner_.clear();
  bus_.reset();
  retry_at_.reset();
}

}  // namespace vss
