// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/unit_writer.hpp"

#include <algorithm>
#include <exception>
#include <iostream>

namespace vss::unit {
namespace {

// Where the data are that the file tells of.
std::vector<std::string> data_of(const Config& config) {
  std::vector<std::string> paths = config.paths;
  for (const writers::DeclaredComponent& component : config.components) {
    for (const writers::FileSet& files : component.files) paths.push_back(files.path);
  }
  return paths;
}

}  // namespace

UnitWriter::UnitWriter(Config config, Places places, std::vector<std::string> guard)
    : Writer(config.writer),
      config_(std::move(config)),
      guard_arguments_(std::move(guard)),
      freezer_(config_.units, places.record(), places.cgroups,
               [this](const std::string& text) { log(text); }) {}

void UnitWriter::on_identify(Metadata& metadata) { writers::declare(config_, metadata); }

// A service need not stand still for volumes that have nothing of it. Where its data are may be unknown.
bool UnitWriter::takes_part(const Session& session) const {
  const std::vector<std::string> data = data_of(config_);
  return data.empty() || !session.components().empty() ||
         std::ranges::any_of(data, [&](const std::string& path) { return session.is_path_affected(path); });
}

bool UnitWriter::is_prepared_for(const Session& session) const {
  return operation_ && operation_->session == session.id();
}

// Everything that takes time, and every refusal that can be known before anything stands still.
void UnitWriter::on_prepare_snapshot(Session& session) {
  if (freezer_.is_any_frozen()) throw Veto(VSS_E_WRITER_RETRYABLE, "another set has the units frozen");
  operation_.reset();
  if (!takes_part(session)) return;
  try {
    operation_.emplace(session.id(), guard_arguments_);
    freezer_.check(operation_->systemd);
  } catch (const std::exception& error) {
    operation_.reset();
    log(error.what());
    throw Veto(VSS_E_WRITER_RETRYABLE, error.what());
  }
}

void UnitWriter::on_freeze(Session& session) {
  if (!is_prepared_for(session)) return;
  try {
    operation_->guard.arm();
    freezer_.freeze(operation_->systemd, config_.freeze_limit);
    if (operation_->guard.has_ended()) throw FreezeError("the guard ended while the units were being frozen");
  } catch (const std::exception& error) {
    const std::string failures = end_operation();
    const std::string message = error.what() + (failures.empty() ? "" : "; " + failures);
    log(message);
    throw Veto(VSS_E_WRITER_RETRYABLE, message);
  }
}

void UnitWriter::on_thaw(Session& session) {
  if (!is_prepared_for(session)) return;
  const std::string disturbed = freezer_.disturbed();
  const std::string failures = end_operation();
  if (!disturbed.empty()) {
    const std::string message = "somebody else let go on, or ended, what was to stand still: " + disturbed;
    log(message);
    throw Veto(VSS_E_WRITER_RETRYABLE, message);
  }
  if (!failures.empty()) throw Veto(VSS_E_WRITER_NON_RETRYABLE, failures);
}

void UnitWriter::on_abort(Session& session) {
  if (!is_prepared_for(session)) return;
  const std::string failures = end_operation();
  if (!failures.empty()) throw Veto(VSS_E_WRITER_NON_RETRYABLE, failures);
}

void UnitWriter::on_backup_shutdown(Session& session) { on_abort(session); }

// With a unit that cannot be thawed the guard stays, and tries again at its time.
std::string UnitWriter::end_operation() {
  std::string failures = freezer_.thaw(operation_->systemd);
  if (failures.empty()) {
    operation_.reset();
  } else {
    log(failures);
  }
  return failures;
}

void UnitWriter::on_state_changed(vss_writer_state, const std::string& message) { log(message); }

void UnitWriter::log(const std::string& message) const {
  std::cerr << (config_.writer.name + ": " + message + "\n") << std::flush;
}

}  // namespace vss::unit
