// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One Restore object on the bus: checks who calls, turns arguments into values, and hands over to the
// session.

#include <memory>
#include <string>

#include <vss_dbus/restore_adaptor.hpp>

#include "daemon/bus/bus_connection.hpp"
#include "daemon/bus/dictionary.hpp"
#include "daemon/bus/reply.hpp"
#include "daemon/core/coordinator.hpp"

namespace vss::bus {

class RestoreObject final : public sdbus::AdaptorInterfaces<org::vssd::Vss1::Restore_adaptor> {
 public:
  RestoreObject(std::shared_ptr<BusConnection> bus, core::Coordinator& coordinator,
                std::shared_ptr<core::RestoreSession> session, const std::string& path);
  ~RestoreObject();

  void send_progress(std::string_view phase, std::size_t done, std::size_t total,
                     const std::vector<std::string>& waiting_for);
  void send_properties_changed();

 private:
  using Session = std::shared_ptr<core::RestoreSession>;
  using Plain = sdbus::Result<>;
  using Text = std::string;

  void SetRestoreState(Plain&& result, Text type) override;
  void GatherWriterMetadata(sdbus::Result<Dictionaries>&& result) override;
  void SetSelectedForRestore(Plain&& result, Text class_id, Text instance_name, Text logical_path, Text name,
                             bool selected, Text into_instance) override;
  void AddRestoreSubcomponent(Plain&& result, Text class_id, Text instance_name, Text logical_path, Text name,
                              Text sub_logical_path, Text sub_name) override;
  void SetRestoreOptions(Plain&& result, Text class_id, Text instance_name, Text logical_path, Text name,
                         Text options) override;
  void SetAdditionalRestores(Plain&& result, Text class_id, Text instance_name, Text logical_path, Text name,
                             bool additional) override;
  void SetRestoreName(Plain&& result, Text class_id, Text instance_name, Text logical_path, Text name,
                      Text restore_name) override;
  void SetAuthoritativeRestore(Plain&& result, Text class_id, Text instance_name, Text logical_path,
                               Text name, bool authoritative) override;
  void SetRollForward(Plain&& result, Text class_id, Text instance_name, Text logical_path, Text name,
                      Text type, Text point) override;
  void AddNewTarget(Plain&& result, Text class_id, Text instance_name, Text logical_path, Text name,
                    Text path, Text spec, bool recursive, Text destination) override;
  void PreRestore(Plain&& result) override;
  void AddAlternativeLocationMapping(Plain&& result, Text class_id, Text instance_name, Text logical_path,
                                     Text name, Text path, Text spec, bool recursive,
                                     Text destination) override;
  void SetFileRestoreStatus(Plain&& result, Text class_id, Text instance_name, Text logical_path, Text name,
                            Text status) override;
  void SetRangesFilePath(Plain&& result, Text class_id, Text instance_name, Text logical_path, Text name,
                         std::uint32_t partial_file, Text path) override;
  void PostRestore(Plain&& result) override;
  void GatherWriterStatus(sdbus::Result<Dictionaries>&& result) override;
  void GetWriterComponents(sdbus::Result<std::string>&& result, Text class_id, Text instance_name) override;
  void SaveDocument(sdbus::Result<std::string>&& result) override;
  void Cancel(Plain&& result) override;
  void Release(Plain&& result) override;

  std::string State() override;
  std::string SessionId() override;

  // Answers with the outcome of `work(session)`, a coroutine, if the caller owns the object.
  template <typename... T, typename Work>
  void handle(sdbus::Result<T...>&& result, Work work);
  // The same for calls that end at once: `work(session)` returns a Status.
  template <typename Work>
  void handle_now(Plain&& result, Work work);
  // And for those that change a component.
  template <typename... Parameters>
  using Change = core::Status (core::RestoreSession::*)(const core::ComponentAddress&, Parameters...);
  template <typename... Parameters, typename... Values>
  void on_component(Plain&& result, const Text& class_id, const Text& instance_name, const Text& logical_path,
                    const Text& name, Change<Parameters...> change, const Values&... values);

  std::shared_ptr<BusConnection> bus_;
  core::Coordinator& coordinator_;
  Session session_;
};

}  // namespace vss::bus
