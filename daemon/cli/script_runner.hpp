// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Does what a script says, one command after the other. What is set is only noted, as DiskShadow does it;
// `create` and `begin restore` make the calls, in the order of VSS.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/cli/commands.hpp"
#include "daemon/cli/plan_file.hpp"
#include "daemon/cli/progress.hpp"
#include "daemon/cli/script_parser.hpp"
#include "daemon/cli/signals.hpp"
#include "daemon/cli/warnings.hpp"

namespace vss::cli {

// Thread rule: one thread. Every failure is a Failure.
class ScriptRunner {
 public:
  ScriptRunner(const CommonOptions& common, Bus& bus, const SignalFd& signals);
  // A session that is open is aborted and released.
  ~ScriptRunner();
  ScriptRunner(const ScriptRunner&) = delete;
  ScriptRunner& operator=(const ScriptRunner&) = delete;

  // Stops at the first error, which names `file` and the line.
  void run(const std::vector<ScriptCommand>& commands, const std::string& file);

 private:
  using Command = ScriptCommand;

  // script_runner.cpp
  [[nodiscard]] Command expand(Command command) const;
  void run_one(const Command& command);
  // Each is false for a command that is not its own.
  [[nodiscard]] bool control(const Command& command);
  [[nodiscard]] bool use_session(const Command& command);
  [[nodiscard]] bool manage(const Command& command);
  void cancel() noexcept;
  void exec(const Command& command);
  void end_of_script();
  void give_up() noexcept;
  void reset();
  void emit(const Command& command, const Json& result, const std::string& for_people) const;

  // script_settings.cpp
  [[nodiscard]] bool set_backup(const Command& command);
  void set_context(const Command& command);
  void set_lock_timeout(const Command& command);
  void add_volume(const Command& command);
  void add_component(const Command& command);
  [[nodiscard]] bool set_restore(const Command& command);
  void load_metadata(const Command& command);

  // script_session.cpp
  [[nodiscard]] Requester& backup(const char* what) const;
  [[nodiscard]] RestoreRequester& restore(const char* what) const;
  void require_no_session() const;
  // An object that is not released yet is left to vssd.
  void forget_session();
  void create(const Command& command);
  void end_backup();
  void abort_backup();
  void begin_restore(const Command& command);
  void end_restore();
  void simulate_restore(const Command& command);
  void restore_location(const Command& command);
  void restore_ranges(const Command& command);
  void save_metadata(const Command& command);
  void show_session(const Command& command);
  void show_components(const Command& command);
  void show_snapshot(const Command& command);
  void delete_own(const Command& command);
  void list_writer_status(const Command& command);

  // script_manage.cpp
  void list(const Command& command);
  void list_writers(const Command& command);
  void list_metadata(const Command& command);
  void list_shadows(const Command& command, const Dict& filter);
  void list_shadows_by(const Command& command);
  void delete_shadows(const Command& command, const std::string& kind, const std::string& id);
  void delete_shadows_by(const Command& command);
  // Throws Failure if one could not be deleted.
  void report_deletion(const Command& command, const Json& answer);
  void revert(const Command& command);
  void show_volume(const Command& command);
  void resize_storage(const Command& command);

  const CommonOptions& common_;
  Bus& bus_;
  const SignalFd& signals_;
  Progress progress_;
  ManagerProxy manager_;

  bool verbose_ = false;
  bool exit_ = false;
  std::map<std::string, std::string> variables_;
  std::map<std::string, std::string> alias_of_volume_;

  RequestOptions request_;
  bool backup_begun_ = false;
  std::unique_ptr<Requester> requester_;
  Json set_;

  RestoreOptions restore_options_;
  std::string document_path_;
  std::unique_ptr<RestoreRequester> restore_;
  std::optional<PlanFile> plan_;

  Warnings warnings_;  // of the session
  std::mutex mutex_;   // guards the two sessions' pointers against cancel()
};

}  // namespace vss::cli
