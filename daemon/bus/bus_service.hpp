// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// vssd on the bus: the connection, the objects on it, the signals, and who left. When the connection is lost
// every session is released and the service connects again.

#include <map>
#include <memory>
#include <string>

#include "daemon/bus/backup_object.hpp"
#include "daemon/bus/bus_connection.hpp"
#include "daemon/bus/callers.hpp"
#include "daemon/bus/manager_object.hpp"
#include "daemon/bus/restore_object.hpp"
#include "daemon/core/coordinator.hpp"
#include "daemon/core/services.hpp"

namespace vss::bus {

class BusService final : public core::Observer {
 public:
  struct Settings {
    Callers::UnitOfPid unit_of_pid;
    std::vector<std::uint32_t> writer_uids;
    std::function<bool()> is_holding;
    ManagerObject::ReadDocument read_document;
  };
  BusService(asio::io_context& loop, Settings settings);
  ~BusService() override;

  // Puts the coordinator on the bus. Errors: no bus, or the name is taken.
  core::Status start(core::Coordinator& coordinator);
  // Connects again and again until it works. For a bus that was lost.
  asio::awaitable<void> reconnect();
  // Takes everything off the bus.
  void stop();

  void event_delivered(const DeliveredEvent& event) override;
  void progress(core::Guid session, std::string_view phase, std::size_t done, std::size_t total,
                std::vector<std::string> waiting_for) override;
  void session_changed(core::Guid session) override;
  void session_ended(core::Guid session) override;
  void set_created(const core::SetRecord& set) override;
  void set_deleted(core::Guid set) override;
  void snapshot_invalidated(core::Guid set, core::Guid snapshot, const core::HealthReport& report) override;
  void writer_added(const core::WriterInfo& writer) override;
  void writer_removed(const core::WriterInfo& writer) override;

 private:
  // Everything that lives and dies with one connection; the connection itself goes last.
  struct Link;

  std::string publish(std::shared_ptr<core::BackupSession> session);
  std::string publish(std::shared_ptr<core::RestoreSession> session);
  void watch_peers();
  void peer_gone(const std::string& bus_name);
  void connection_lost();
  asio::awaitable<void> recover_from_loss();
  // Runs `emit` on the connection, if there is one; what it throws is logged.
  template <typename Emit>
  void signal(Emit emit);

  asio::io_context& loop_;
  Settings settings_;
  core::Coordinator* coordinator_ = nullptr;
  std::unique_ptr<Link> link_;
  std::uint64_t last_backup_ = 0;
  std::uint64_t last_restore_ = 0;
};

}  // namespace vss::bus
