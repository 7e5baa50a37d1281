// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/bus_service.hpp"
#include "daemon/bus/utf8.hpp"

#include <algorithm>
#include <utility>

#include <asio/post.hpp>

namespace vss::bus {
namespace {
constexpr const char* kBusName = "org.vssd.Vss1";
constexpr core::Milliseconds kFirstPause{100};
constexpr core::Milliseconds kLongestPause{5000};
}  // namespace

struct BusService::Link {
  std::shared_ptr<BusConnection> bus;
  std::shared_ptr<Callers> callers;
  std::shared_ptr<ManagerObject> manager;
  std::map<core::Guid, std::unique_ptr<BackupObject>> backups;
  std::map<core::Guid, std::unique_ptr<RestoreObject>> restores;

  // Calls `send` with the object of the session, if it has one.
  template <typename Send>
  void to(core::Guid session, Send send) {
    if (const auto backup = backups.find(session); backup != backups.end()) send(*backup->second);
    if (const auto restore = restores.find(session); restore != restores.end()) send(*restore->second);
  }
  sdbus::Slot peers;

  ~Link() {
    peers = {};
    backups.clear();
    restores.clear();
    manager.reset();
    callers.reset();
  }
};

BusService::BusService(asio::io_context& loop, Settings settings)
    : loop_(loop), settings_(std::move(settings)) {}

BusService::~BusService() = default;

core::Status BusService::start(core::Coordinator& coordinator) {
  coordinator_ = &coordinator;
  coordinator.open();
  auto bus = BusConnection::open(loop_, [this] { connection_lost(); });
  if (!bus) return core::fail(std::move(bus.error()));
  link_ = std::make_unique<Link>();
  link_->bus = std::move(*bus);
  try {
    link_->callers = std::make_shared<Callers>(link_->bus, settings_.unit_of_pid, settings_.writer_uids);
    link_->manager = std::make_shared<ManagerObject>(
        link_->bus, link_->callers, coordinator,
        ManagerObject::Publish{
            [this](std::shared_ptr<core::BackupSession> session) { return publish(std::move(session)); },
            [this](std::shared_ptr<core::RestoreSession> session) { return publish(std::move(session)); }},
        settings_.is_holding, settings_.read_document);
    watch_peers();
  } catch (const sdbus::Error& error) {
    link_.reset();
    return core::fail(ErrorCode::Unexpected, "put vssd on the bus: " + error.getMessage());
  }
  core::Status started = link_->bus->start(kBusName);
  if (!started) link_.reset();
  return started;
}

// One match for all peers that leave: no peer can be missed between its first call and a match of its own.
void BusService::watch_peers() {
  link_->peers = add_match(link_->bus->sdbus(),
                           "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                           "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''",
                           [this](sdbus::Message& message) {
                             // Nothing may be thrown through sd-bus.
                             try {
                               std::string name;
                               message >> name;
                               if (name.starts_with(':')) peer_gone(name);
                             } catch (const std::exception& error) {
                               spdlog::error("NameOwnerChanged: {}", error.what());
                             }
                           });
}

void BusService::peer_gone(const std::string& bus_name) {
  link_->callers->gone(bus_name);
  link_->manager->peer_gone(bus_name);
  coordinator_->requester_gone(bus_name);
}

std::string BusService::publish(std::shared_ptr<core::BackupSession> session) {
  const std::string path = std::string(kManagerPath) + "/backup/" + std::to_string(++last_backup_);
  const core::Guid id = session->id();
  link_->backups[id] =
      std::make_unique<BackupObject>(link_->bus, link_->callers, *coordinator_, std::move(session), path);
  return path;
}

std::string BusService::publish(std::shared_ptr<core::RestoreSession> session) {
  const std::string path = std::string(kManagerPath) + "/restore/" + std::to_string(++last_restore_);
  const core::Guid id = session->id();
  link_->restores[id] = std::make_unique<RestoreObject>(link_->bus, *coordinator_, std::move(session), path);
  return path;
}

void BusService::connection_lost() {
  if (link_) core::spawn(loop_.get_executor(), recover_from_loss());
}

asio::awaitable<void> BusService::recover_from_loss() {
  // Nobody can be told any more; the writers' own timers abort. What is temporary goes, then we come back.
  link_->manager->all_gone();
  co_await coordinator_->close();
  link_.reset();
  co_await reconnect();
}

asio::awaitable<void> BusService::reconnect() {
  core::Milliseconds pause = kFirstPause;
  for (;;) {
    const core::Status started = start(*coordinator_);
    if (started) {
      spdlog::info("connected to the bus again");
      co_return;
    }
    spdlog::warn("{}; trying again in {} ms", started.error().message, pause.count());
    asio::steady_timer timer(loop_, pause);
    asio::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    pause = std::min(2 * pause, kLongestPause);
  }
}

void BusService::stop() { link_.reset(); }

template <typename Emit>
void BusService::signal(Emit emit) {
  if (!link_ || link_->bus->is_lost()) return;
  try {
    emit();
    link_->bus->touch();
  } catch (const std::exception& error) {
    spdlog::warn("a signal could not be sent: {}", error.what());
  }
}

void BusService::event_delivered(const DeliveredEvent& event) {
  spdlog::debug("session {} set {}: {} {} {} {:.1f} ms", event.session.str(), event.set.str(),
                event.writer.name, to_string(event.event), event.outcome, event.duration_ms);
  signal([&] {
    link_->manager->emitEvent(event.session.str(), event.set.str(), event.writer.name,
                              event.writer.instance_id.str(), std::string(to_string(event.event)),
                              std::string(event.outcome), event.duration_ms);
  });
}

void BusService::progress(core::Guid session, std::string_view phase, std::size_t done, std::size_t total,
                          std::vector<std::string> waiting_for) {
  signal([&] {
    link_->to(session, [&](auto& object) { object.send_progress(phase, done, total, waiting_for); });
  });
}

void BusService::session_changed(core::Guid session) {
  signal([&] { link_->to(session, [](auto& object) { object.send_properties_changed(); }); });
}

void BusService::session_ended(core::Guid session) {
  // Later: the call that ended it may still be on the stack of the object.
  asio::post(loop_, [this, session] {
    if (!link_) return;
    link_->backups.erase(session);
    link_->restores.erase(session);
  });
}

void BusService::set_created(const core::SetRecord& set) {
  signal(
      [&] { link_->manager->emitSnapshotSetCreated(set.set_id.str(), std::string(to_string(set.context))); });
}

void BusService::set_deleted(core::Guid set) {
  signal([&] { link_->manager->emitSnapshotSetDeleted(set.str()); });
}

void BusService::snapshot_invalidated(core::Guid set, core::Guid snapshot, const core::HealthReport& report) {
  signal([&] {
    link_->manager->emitSnapshotInvalidated(set.str(), snapshot.str(), std::string(to_string(report.health)),
                                            report.seconds_left, to_utf8(report.reason));
  });
}

void BusService::writer_added(const core::WriterInfo& writer) {
  signal([&] { link_->manager->emitWriterAdded(writer.instance_id.str(), writer.name); });
}

void BusService::writer_removed(const core::WriterInfo& writer) {
  signal([&] { link_->manager->emitWriterRemoved(writer.instance_id.str(), writer.name); });
}

}  // namespace vss::bus
