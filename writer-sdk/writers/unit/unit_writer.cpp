// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/unit/unit_writer.hpp"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "writer-sdk/writers/unit/control_group.hpp"

namespace vss::unit {
namespace {

struct Place {
  std::string path;
  bool with_what_is_below = true;
};

// Where the data are that the file tells of.
std::vector<Place> data_of(const Config& config) {
  std::vector<Place> places;
  for (const std::string& path : config.paths) places.push_back({path, true});
  for (const writers::DeclaredComponent& component : config.components) {
    for (const writers::FileSet& files : component.files) places.push_back({files.path, files.recursive});
  }
  return places;
}

bool is_affected(const Place& place, const Session& session) {
  if (session.is_path_affected(place.path)) return true;
  if (!place.with_what_is_below) return false;
  std::error_code none;
  const std::string path = std::filesystem::weakly_canonical(place.path, none).string();
  return std::ranges::any_of(session.volumes(), [&](const std::string& volume) {
    return is_within(volume, none ? place.path : path);
  });
}

}  // namespace

UnitWriter::UnitWriter(Config config, Places places, std::vector<std::string> guard)
    : Writer(config.writer),
      config_(std::move(config)),
      guard_arguments_(std::move(guard)),
      freezer_(config_.units, places.record(), places.cgroups,
               [this](const std::string& text) { log(text); }) {}

// What could not be thawed until now is left to the guard.
UnitWriter::~UnitWriter() {
  if (operation_ && freezer_.is_any_frozen()) operation_->guard.leave();
}

void UnitWriter::on_identify(Metadata& metadata) { writers::declare(config_, metadata); }

// A service need not stand still for volumes that have nothing of it. Where its data are may be unknown.
bool UnitWriter::takes_part(const Session& session) const {
  const std::vector<Place> data = data_of(config_);
  return data.empty() || !session.components().empty() ||
         std::ranges::any_of(data, [&](const Place& place) { return is_affected(place, session); });
}

bool UnitWriter::is_prepared_for(const Session& session) const {
  return operation_ && operation_->session == session.id();
}

// Everything that takes time, and every refusal that can be known before anything stands still.
void UnitWriter::prepare(const Session& session) {
  if (operation_ && operation_->is_overdue) {
    const std::string failures = end_operation();
    if (!failures.empty()) throw FreezeError("an earlier set has left units frozen: " + failures);
  }
  if (freezer_.is_any_frozen()) throw FreezeError("another set has the units frozen");
  operation_.reset();
  if (!takes_part(session)) return;
  operation_.emplace(session.id(), guard_arguments_);
  freezer_.check(operation_->systemd);
}

void UnitWriter::on_prepare_snapshot(Session& session) {
  const auto refusal = refusals_.keep(session, VSS_E_WRITER_RETRYABLE, [&] { prepare(session); });
  if (!refusal) return;
  if (!freezer_.is_any_frozen()) operation_.reset();
  log(*refusal);
}

void UnitWriter::on_freeze(Session& session) {
  if (!is_prepared_for(session)) {
    if (!takes_part(session)) return;
    refusals_.refuse_again(session);
    throw Veto(VSS_E_WRITER_RETRYABLE, "the units are not prepared to stand still");
  }
  std::string message;
  try {
    operation_->guard.arm();
    freezer_.freeze(operation_->systemd, config_.freeze_limit);
    if (!operation_->guard.has_ended()) return;
    message = "the guard ended while the units were being frozen";
    const std::string failures = freezer_.thaw(operation_->systemd);
    if (!failures.empty()) message += "; " + failures;
  } catch (const std::exception& error) {
    message = error.what();
  }
  leave_operation();
  log(message);
  throw Veto(VSS_E_WRITER_RETRYABLE, message);
}

void UnitWriter::on_thaw(Session& session) {
  if (!is_prepared_for(session)) return;
  const std::string disturbed = freezer_.disturbed();
  const std::string failures = freezer_.thaw(operation_->systemd);
  std::string message;
  if (!disturbed.empty())
    message = "somebody else let go on, or ended, what was to stand still: " + disturbed;
  else if (failures.empty())
    message = fault_of_those_left_alone();
  leave_operation();
  if (!failures.empty()) log(failures);
  if (!message.empty()) {
    log(message);
    throw Veto(VSS_E_WRITER_RETRYABLE, message);
  }
  if (!failures.empty()) throw Veto(VSS_E_WRITER_NON_RETRYABLE, failures);
}

// "" if there is none.
std::string UnitWriter::fault_of_those_left_alone() {
  try {
    const std::string started = freezer_.started_since(operation_->systemd);
    return started.empty() ? ""
                           : "what was not active was started before the volumes were captured: " + started;
  } catch (const ManagerError& error) {
    return std::string("it is not known whether what was not active was started meanwhile: ") + error.what();
  }
}

void UnitWriter::on_abort(Session& session) {
  refusals_.forget(session);
  if (!is_prepared_for(session)) return;
  const std::string failures = end_operation();
  if (!failures.empty()) throw Veto(VSS_E_WRITER_NON_RETRYABLE, failures);
}

void UnitWriter::on_backup_shutdown(Session& session) { on_abort(session); }

std::string UnitWriter::end_operation() {
  std::string failures;
  try {
    if (operation_->is_overdue) {
      SystemdBus anew;
      failures = freezer_.thaw_again(anew);
    } else {
      failures = freezer_.thaw(operation_->systemd);
    }
  } catch (const std::exception& error) {
    failures = error.what();
  }
  leave_operation();
  if (!failures.empty()) log(failures);
  return failures;
}

// With a unit that may stand still yet the guard stays, and tries until it goes on.
void UnitWriter::leave_operation() {
  if (!freezer_.is_any_frozen()) return operation_.reset();
  operation_->is_overdue = true;
  operation_->guard.take_over();
}

void UnitWriter::on_state_changed(vss_writer_state, const std::string& message) { log(message); }

void UnitWriter::log(const std::string& message) const {
  std::cerr << (config_.writer.name + ": " + message + "\n") << std::flush;
}

}  // namespace vss::unit
