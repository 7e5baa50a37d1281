// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The Manager object on the bus.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <vss_dbus/manager_adaptor.hpp>

#include "daemon/bus/bus_connection.hpp"
#include "daemon/bus/callers.hpp"
#include "daemon/bus/dictionary.hpp"
#include "daemon/bus/remote_writer.hpp"
#include "daemon/bus/reply.hpp"
#include "daemon/core/coordinator.hpp"

namespace vss::bus {

inline constexpr const char* kManagerPath = "/org/vssd/Vss1";

class ManagerObject final : public sdbus::AdaptorInterfaces<org::vssd::Vss1::Manager_adaptor>,
                            public std::enable_shared_from_this<ManagerObject> {
 public:
  // `publish` puts a session on the bus and returns its path; `is_holding` tells whether something is held
  // right now.
  using Publish = std::function<std::string(std::shared_ptr<core::BackupSession>)>;
  ManagerObject(std::shared_ptr<BusConnection> bus, std::shared_ptr<Callers> callers,
                core::Coordinator& coordinator, Publish publish, std::function<bool()> is_holding);
  ~ManagerObject();

  // A peer left the bus: its writers are gone.
  void peer_gone(const std::string& bus_name);
  // The connection is lost: all writers are gone.
  void all_gone();

 private:
  void CreateBackup(sdbus::Result<sdbus::ObjectPath>&& result, Dictionary options) override;
  void RegisterWriter(sdbus::Result<std::string>&& result, sdbus::ObjectPath writer,
                      Dictionary properties) override;
  void UnregisterWriter(sdbus::Result<>&& result, std::string instance) override;
  void ListWriters(sdbus::Result<Dictionaries>&& result) override;
  void ListProviders(sdbus::Result<Dictionaries>&& result) override;
  void ListVolumes(sdbus::Result<Dictionaries>&& result) override;
  void IsVolumeSupported(sdbus::Result<bool, Dictionary>&& result, std::string path,
                         std::string provider) override;
  void ListSnapshots(sdbus::Result<Dictionaries>&& result, Dictionary filter) override;
  void DeleteSnapshots(sdbus::Result<std::uint32_t, std::string>&& result, std::string kind, std::string id,
                       bool force) override;
  void CollectGarbage(sdbus::Result<std::uint32_t>&& result) override;
  void GetStatus(sdbus::Result<Dictionary>&& result) override;
  std::string Version() override;

  asio::awaitable<Answer<sdbus::ObjectPath>> create_backup(std::string sender, Dictionary options);
  asio::awaitable<Answer<std::string>> register_writer(std::string sender, std::string path,
                                                       Dictionary properties);
  asio::awaitable<Answer<Dictionaries>> list_volumes();
  asio::awaitable<Answer<bool, Dictionary>> is_volume_supported(std::string sender, std::string path,
                                                                std::string provider);
  asio::awaitable<Answer<std::uint32_t, std::string>> delete_snapshots(std::string sender, std::string kind,
                                                                       std::string id, bool force);
  asio::awaitable<Answer<std::uint32_t>> collect_garbage(std::string sender);
  asio::awaitable<core::Result<Caller>> allow(std::string sender, Action action);
  void forget_writers(const std::function<bool(const RemoteWriter&)>& which);

  template <typename... T>
  void reply_with(sdbus::Result<T...>&& result, asio::awaitable<Answer<T...>> work);
  [[nodiscard]] std::string sender() const { return sender_of(getObject()); }

  std::shared_ptr<BusConnection> bus_;
  std::shared_ptr<Callers> callers_;
  core::Coordinator& coordinator_;
  Publish publish_;
  std::function<bool()> is_holding_;
  std::map<core::Guid, std::shared_ptr<RemoteWriter>> writers_;
};

}  // namespace vss::bus
