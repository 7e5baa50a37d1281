// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/common/restore_events.hpp"

#include <unistd.h>

#include <chrono>
#include <stdexcept>

#include "writer-sdk/writers/common/run_command.hpp"

namespace vss::writers {
namespace {

// As long as vssd waits for PreRestore and PostRestore, less what the rest takes.
constexpr std::chrono::milliseconds kCommandLimit = std::chrono::minutes(9);

void run(const std::vector<std::string>& command, const std::string& what) {
  if (command.empty()) return;
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  if (const auto failure = run_command(command, environment, kCommandLimit))
    throw std::runtime_error(what + ": " + *failure);
}

}  // namespace

void pre_restore(Session& session, const RestoreStep& step) {
  for (Component& component : session.components()) {
    if (!component.is_selected_for_restore()) continue;
    try {
      step(component.backup_metadata());
    } catch (const std::exception& error) {
      component.set_pre_restore_failure(error.what());
      throw Veto(VSS_E_WRITER_NON_RETRYABLE, error.what());
    }
  }
}

void post_restore(Session& session, const RestoreStep& step) {
  for (Component& component : session.components()) {
    if (!component.is_selected_for_restore() || component.file_restore_status() != VSS_FILES_RESTORED_ALL ||
        component.has_additional_restores())
      continue;
    try {
      step(component.backup_metadata());
    } catch (const std::exception& error) {
      component.set_post_restore_failure(error.what());
      throw Veto(VSS_E_WRITER_NON_RETRYABLE, error.what());
    }
  }
}

void make_way(const ServerSearch& search, const std::vector<std::string>& stop_command) {
  if (!search()) return;
  run(stop_command, "stop_command");
  if (const auto server = search())
    throw std::runtime_error(*server + ": stop it and restore again, or set stop_command");
}

void expect_no_server(const ServerSearch& search) {
  if (const auto server = search())
    throw std::runtime_error("a server was started before the files were back (" + *server +
                             "): stop it and restore again");
}

void start_server(const std::vector<std::string>& start_command) { run(start_command, "start_command"); }

}  // namespace vss::writers
