// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A writer whose handlers are the commands of its configuration.

#include <optional>
#include <string>
#include <vector>
#include <vss/writer.hpp>

#include "writer-sdk/writers/command/config.hpp"
#include "writer-sdk/writers/command/freeze_record.hpp"
#include "writer-sdk/writers/command/hook_directory.hpp"

namespace vss::command {

class CommandWriter final : public Writer {
 public:
  // Without a record nobody thaws what a writer that is killed has left frozen.
  explicit CommandWriter(Config config, std::optional<FreezeRecord> record = std::nullopt);

  // What the record says, by what Abort would run; before anything else. Logs what it does; false if it has
  // failed, and the record is kept. Throws std::system_error.
  [[nodiscard]] bool thaw_what_is_left();

 private:
  void on_identify(Metadata& metadata) override;
  void on_prepare_backup(Session& session) override { run(Event::PrepareForBackup, session); }
  void on_prepare_snapshot(Session& session) override { run(Event::PrepareForSnapshot, session); }
  void on_freeze(Session& session) override { run(Event::Freeze, session); }
  void on_thaw(Session& session) override { run(Event::Thaw, session); }
  void on_post_snapshot(Session& session) override { run(Event::PostSnapshot, session); }
  void on_abort(Session& session) override { run(Event::Abort, session); }
  void on_backup_complete(Session& session) override { run(Event::BackupComplete, session); }
  void on_backup_shutdown(Session& session) override { run(Event::BackupShutdown, session); }
  void on_pre_restore(Session& session) override { run(Event::PreRestore, session); }
  void on_post_restore(Session& session) override { run(Event::PostRestore, session); }
  void on_restore_shutdown(Session& session) override { run(Event::RestoreShutdown, session); }
  void on_state_changed(vss_writer_state state, const std::string& message) override;

  // Throws Veto when the command fails.
  void run(Event event, Session& session);
  // What went wrong, or nothing.
  [[nodiscard]] std::optional<std::string> act(Event event, const Session& session);
  // The same, and the record is there from before the freeze until all has been thawed.
  [[nodiscard]] std::optional<std::string> act_recorded(Event event, const Session& session);
  void note_start(pid_t command) noexcept;
  void log(const std::string& message) const;

  Config config_;
  std::optional<FreezeRecord> record_;
  std::optional<HookDirectory> hooks_;
  UniqueFd background_output_;  // of what the last command has left there, such as a client that has a lock
};

}  // namespace vss::command
