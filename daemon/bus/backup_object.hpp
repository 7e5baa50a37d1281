// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One Backup object on the bus: checks who calls, turns arguments into values, and hands over to the session.

#include <memory>
#include <string>

#include <vss_dbus/backup_adaptor.hpp>

#include "daemon/bus/bus_connection.hpp"
#include "daemon/bus/callers.hpp"
#include "daemon/bus/dictionary.hpp"
#include "daemon/bus/reply.hpp"
#include "daemon/core/coordinator.hpp"

namespace vss::bus {

class BackupObject final : public sdbus::AdaptorInterfaces<org::vssd::Vss1::Backup_adaptor> {
 public:
  BackupObject(std::shared_ptr<BusConnection> bus, std::shared_ptr<Callers> callers,
               core::Coordinator& coordinator, std::shared_ptr<core::BackupSession> session,
               const std::string& path);
  ~BackupObject();

  void send_progress(std::string_view phase, std::size_t done, std::size_t total,
                     const std::vector<std::string>& waiting_for);
  void send_properties_changed();

 private:
  using Session = std::shared_ptr<core::BackupSession>;

  void SetContext(sdbus::Result<>&& result, std::string context) override;
  void SetBackupState(sdbus::Result<>&& result, bool select_components, bool bootable_system_state,
                      std::string type, bool partial_file_support) override;
  void EnableWriterClasses(sdbus::Result<>&& result, std::vector<std::string> classes) override;
  void DisableWriterClasses(sdbus::Result<>&& result, std::vector<std::string> classes) override;
  void DisableWriterInstances(sdbus::Result<>&& result, std::vector<std::string> instances) override;
  void GatherWriterMetadata(sdbus::Result<Dictionaries>&& result) override;
  void AddComponent(sdbus::Result<>&& result, std::string instance, std::string logical_path,
                    std::string name) override;
  void GetWriterComponents(sdbus::Result<std::string>&& result, std::string instance) override;
  void SetBackupOptions(sdbus::Result<>&& result, std::string instance, std::string logical_path,
                        std::string name, std::string options) override;
  void SetPreviousBackupStamp(sdbus::Result<>&& result, std::string instance, std::string logical_path,
                              std::string name, std::string stamp) override;
  void StartSnapshotSet(sdbus::Result<std::string>&& result) override;
  void AddToSnapshotSet(sdbus::Result<std::string>&& result, std::string volume,
                        std::string provider) override;
  void PrepareForBackup(sdbus::Result<>&& result) override;
  void DoSnapshotSet(sdbus::Result<Dictionary>&& result) override;
  void GatherWriterStatus(sdbus::Result<Dictionaries>&& result) override;
  void GetSnapshotProperties(sdbus::Result<Dictionary>&& result, std::string snapshot) override;
  void SetBackupSucceeded(sdbus::Result<>&& result, std::string instance, std::string logical_path,
                          std::string name, bool succeeded) override;
  void BackupComplete(sdbus::Result<>&& result) override;
  void AbortBackup(sdbus::Result<>&& result) override;
  void DeleteSnapshots(sdbus::Result<std::uint32_t, std::string>&& result, std::string kind, std::string id,
                       bool force) override;
  void SaveDocument(sdbus::Result<std::string>&& result) override;
  void Cancel(sdbus::Result<>&& result) override;
  void Release(sdbus::Result<>&& result) override;

  std::string State() override;
  std::string SessionId() override;
  std::string SnapshotSetId() override;
  std::string Context() override;

  // Answers with the outcome of `work(session)`, a coroutine, if the caller owns the object.
  template <typename... T, typename Work>
  void handle(sdbus::Result<T...>&& result, Work work);
  // The same for calls that end at once: `work` returns a Status.
  template <typename Work>
  void handle_now(sdbus::Result<>&& result, Work work);
  [[nodiscard]] core::Status check_owner() const;

  std::shared_ptr<BusConnection> bus_;
  std::shared_ptr<Callers> callers_;
  core::Coordinator& coordinator_;
  Session session_;
};

}  // namespace vss::bus
