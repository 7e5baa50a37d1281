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
  // Put a session on the bus and return its path.
  struct Publish {
    std::function<std::string(std::shared_ptr<core::BackupSession>)> backup;
    std::function<std::string(std::shared_ptr<core::RestoreSession>)> restore;
  };
  // Reads a document where it may take its time: one of many megabytes does.
  using ReadDocument = std::function<asio::awaitable<core::Result<core::RestoreDocument>>(std::string text)>;
  // `is_holding` tells whether something is held right now.
  ManagerObject(std::shared_ptr<BusConnection> bus, std::shared_ptr<Callers> callers,
                core::Coordinator& coordinator, Publish publish, std::function<bool()> is_holding,
                ReadDocument read_document);
  ~ManagerObject();

  // A peer left the bus: its writers are gone.
  void peer_gone(const std::string& bus_name);
  // The connection is lost: all writers are gone.
  void all_gone();

 private:
  void CreateBackup(sdbus::Result<sdbus::ObjectPath>&& result, Dictionary options) override;
  void CreateRestore(sdbus::Result<sdbus::ObjectPath>&& result, std::string document,
                     Dictionary options) override;
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
  void ExposeSnapshot(sdbus::Result<std::string>&& result, std::string snapshot, std::string path) override;
  void UnexposeSnapshot(sdbus::Result<>&& result, std::string snapshot) override;
  void ListWriterFailures(sdbus::Result<Dictionaries>&& result, std::string instance) override;
  void ResetWriter(sdbus::Result<>&& result, std::string instance) override;
  void CollectGarbage(sdbus::Result<std::uint32_t>&& result) override;
  void BreakSnapshotSet(sdbus::Result<Dictionaries>&& result, std::string set, Dictionary options) override;
  void RevertToSnapshot(sdbus::Result<Dictionary>&& result, std::string snapshot, bool force) override;
  void QueryRevertStatus(sdbus::Result<Dictionary>&& result, std::string volume) override;
  void ListStorage(sdbus::Result<Dictionaries>&& result) override;
  void ResizeStorage(sdbus::Result<>&& result, std::string target, std::uint64_t maximum) override;
  void GetStatus(sdbus::Result<Dictionary>&& result) override;
  std::string Version() override;

  asio::awaitable<Answer<sdbus::ObjectPath>> create_backup(std::string sender, Dictionary options);
  asio::awaitable<Answer<sdbus::ObjectPath>> create_restore(std::string sender, std::string document,
                                                            Dictionary options);
  asio::awaitable<Answer<std::string>> register_writer(std::string sender, std::string path,
                                                       Dictionary properties);
  asio::awaitable<Answer<Dictionaries>> list_volumes();
  asio::awaitable<Answer<bool, Dictionary>> is_volume_supported(std::string sender, std::string path,
                                                                std::string provider);
  asio::awaitable<Answer<std::uint32_t, std::string>> delete_snapshots(std::string sender, std::string kind,
                                                                       std::string id, bool force);
  asio::awaitable<Answer<std::string>> expose_snapshot(std::string sender, std::string snapshot,
                                                       std::string path);
  asio::awaitable<Answer<>> unexpose_snapshot(std::string sender, std::string snapshot);
  asio::awaitable<Answer<>> reset_writer(std::string sender, std::string instance);
  asio::awaitable<Answer<std::uint32_t>> collect_garbage(std::string sender);
  asio::awaitable<Answer<Dictionaries>> break_snapshot_set(std::string sender, std::string set,
                                                           Dictionary options);
  asio::awaitable<Answer<Dictionary>> revert_to_snapshot(std::string sender, std::string snapshot,
                                                         bool force);
  asio::awaitable<Answer<Dictionary>> query_revert_status(std::string sender, std::string volume);
  asio::awaitable<Answer<Dictionaries>> list_storage();
  asio::awaitable<Answer<>> resize_storage(std::string sender, std::string target, std::uint64_t maximum);
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
  ReadDocument read_document_;
  int reading_ = 0;  // documents, which wait in memory
  std::map<core::Guid, std::shared_ptr<RemoteWriter>> writers_;
};

}  // namespace vss::bus
