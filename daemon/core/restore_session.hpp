// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One Restore object: one operation of one requester, never used again. VSS: IVssBackupComponents after
// InitializeForRestore. Each method is the D-Bus method of the same name; legality, errors and meaning:
// org.vssd.Vss1.Restore.xml.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/core/long_call.hpp"
#include "daemon/core/requester.hpp"
#include "daemon/core/restore_document.hpp"
#include "daemon/core/restore_state.hpp"
#include "daemon/core/services.hpp"
#include "daemon/core/session_writers.hpp"

namespace vss::core {

class WriterRegistry;

class RestoreSession : public std::enable_shared_from_this<RestoreSession> {
 public:
  RestoreSession(Services& services, WriterRegistry& registry, Requester requester, RestoreDocument document);

  [[nodiscard]] Guid id() const { return id_; }
  [[nodiscard]] const Requester& requester() const { return requester_; }
  [[nodiscard]] RestoreState state() const { return state_; }
  [[nodiscard]] TimePoint started() const { return started_; }
  [[nodiscard]] const SessionWriters& writers() const { return writers_; }

  Status set_restore_state(std::string type);
  asio::awaitable<Status> gather_writer_metadata();

  // What is restored, and how; before PreRestore.
  Status set_selected_for_restore(const ComponentAddress& component, bool selected, Guid into_instance);
  Status add_restore_subcomponent(const ComponentAddress& component, const ComponentId& below);
  Status set_restore_options(const ComponentAddress& component, std::string options);
  Status set_additional_restores(const ComponentAddress& component, bool more);
  Status set_restore_name(const ComponentAddress& component, std::string name);
  Status set_authoritative_restore(const ComponentAddress& component, bool authoritative);
  Status set_roll_forward(const ComponentAddress& component, std::string type, std::string point);
  Status add_new_target(const ComponentAddress& component, const FileSet& files, std::string destination);
  asio::awaitable<Status> pre_restore();

  // What has become of the files; before PostRestore.
  Status add_alternative_location_mapping(const ComponentAddress& component, const FileSet& files,
                                          std::string destination);
  Status set_file_restore_status(const ComponentAddress& component, std::string status);
  Status set_ranges_file_path(const ComponentAddress& component, std::uint32_t partial_file,
                              std::string path);
  asio::awaitable<Status> post_restore();

  Status gather_writer_status() const;  // states are in writers()
  Result<std::string> get_writer_components(const WriterAddress& writer);
  Result<std::string> save_document() const;
  Status cancel();
  // Ends the session for good; comes back when the writers were told.
  asio::awaitable<void> release();

 private:
  using Json = RestoreDocument::Json;
  // A writer of the document and the one that runs now.
  struct Pair {
    RestoreDocument::Entry* entry;
    std::shared_ptr<Participant> participant;
  };

  // True: go on; false: nothing to do, answer success. BadState says what is missing.
  Result<bool> admit(RestoreCall call) const;
  Status admit_setting(RestoreCall call) const;
  void enter(RestoreState state);
  // The component, if the call is legal now; `schema` is what its writer has to support, "" for nothing.
  Result<RestoreDocument::Found> change(RestoreCall call, const ComponentAddress& component,
                                        std::string_view schema = "");
  Status add_mapping(RestoreCall call, const ComponentAddress& component, const char* key,
                     const FileSet& files, std::string destination, std::string_view schema);
  Result<std::shared_ptr<Participant>> running(const WriterAddress& writer, Guid into_instance) const;
  Status take_target(const RestoreDocument::Entry& entry, Guid instance);
  [[nodiscard]] std::vector<Pair> pairs();
  asio::awaitable<Status> run_event(WriterEvent event, RestoreState during, RestoreState after);
  [[nodiscard]] Status check_sizes();
  [[nodiscard]] Status check_alive(const std::vector<Pair>& all) const;

  Services& services_;
  WriterRegistry& registry_;
  const Guid id_ = Guid::random();
  const Requester requester_;
  const TimePoint started_ = std::chrono::steady_clock::now();

  RestoreState state_ = RestoreState::Initialized;
  RestoreDocument document_;
  SessionWriters writers_;
  std::map<const RestoreDocument::Entry*, Guid> targets_;  // running instance that an entry is restored into
  LongCall* running_ = nullptr;
  Signal released_;  // release() is through
};

}  // namespace vss::core
