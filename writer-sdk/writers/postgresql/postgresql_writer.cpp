// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/postgresql_writer.hpp"

#include <filesystem>
#include <iostream>
#include <thread>
#include <utility>

#include "writer-sdk/writers/common/places.hpp"
#include "writer-sdk/writers/common/restore_events.hpp"
#include "writer-sdk/writers/postgresql/archive.hpp"
#include "writer-sdk/writers/postgresql/restore.hpp"

namespace vss::postgresql {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectLimit = 10s;
constexpr auto kArchivePoll = 200ms;
constexpr const char* kWho = "the cluster";

WriterOptions options_of(const Config& config) {
  WriterOptions options;
  options.name = "PostgreSQL";
  options.class_id = "6e5f3b0a-4a0e-4d5c-9d57-0b8c6f0f5a11";
  options.instance_name = config.instance;
  options.version = VSSD_VERSION;
  options.usage = VSS_USAGE_USER_DATA;
  options.source = VSS_SOURCE_TRANSACTED_DATABASE;
  return options;
}

// What a server makes anew, and what says that one runs.
void exclude(Metadata& metadata, const std::string& data_directory) {
  metadata.add_exclude(data_directory, "postmaster.pid", false);
  metadata.add_exclude(data_directory, "postmaster.opts", false);
  metadata.add_exclude(data_directory + "/pg_stat_tmp");
  metadata.add_exclude(data_directory + "/base/pgsql_tmp");
}

// A server that has no room for its WAL ends at once, and only its log says why.
template <typename Function>
void asking_the_server_of(const ClusterLayout& layout, Function&& function) {
  try {
    function();
  } catch (const writers::ServerFailure& failure) {
    std::string message = failure.what();
    for (const std::string& place : writers::full_of(layout.places()))
      message += "; the volume of " + place + " is full: make room there, and start the server";
    throw Veto(VSS_E_WRITER_RETRYABLE, message);
  }
}

}  // namespace

PostgresqlWriter::PostgresqlWriter(Config config)
    : Writer(options_of(config)),
      config_(std::move(config)),
      data_directory_(config_.server.data_directory) {}

Connection PostgresqlWriter::connect() const { return {config_.server, kConnectLimit}; }

// A cluster is restored while its server does not run.
ClusterLayout PostgresqlWriter::find_layout() {
  try {
    Connection server = connect();
    ClusterLayout layout = layout_of(server);
    data_directory_ = layout.data_directory;
    return layout;
  } catch (const ServerError&) {
    if (data_directory_.empty()) throw;
    return layout_on_disk(data_directory_);
  }
}

void PostgresqlWriter::on_identify(Metadata& metadata) {
  const ClusterLayout layout = find_layout();
  declared_ = layout.places();
  const std::string& name = config_.instance;
  const std::string caption =
      layout.major == 0 ? "PostgreSQL"
                        : "PostgreSQL " + (layout.major == 9 ? "9.6" : std::to_string(layout.major));
  metadata.add_component(VSS_COMPONENT_DATABASE, "", name, caption);
  metadata.add_database_files("", name, layout.data_directory);
  if (!layout.wal_directory.empty()) metadata.add_database_log_files("", name, layout.wal_directory);
  for (const std::string& place : layout.elsewhere) metadata.add_database_files("", name, place);
  exclude(metadata, layout.data_directory);
  metadata.set_restore_method("restore-if-can-replace", "", "man:vss-writer-postgresql(8)",
                              VSS_WRITER_RESTORE_ALWAYS);
}

bool PostgresqlWriter::takes_part(const Session& session, const ClusterLayout& layout) {
  return writers::has_all(session, layout.places(), "the cluster in " + layout.data_directory);
}

// The volumes may be known already, and this is the earliest moment to say that one is missing.
void PostgresqlWriter::on_prepare_backup(Session& session) {
  if (session.volumes().empty()) return;
  refusals_.keep(session, VSS_E_WRITER_NON_RETRYABLE, [&] { (void)takes_part(session, find_layout()); });
}

bool PostgresqlWriter::needs_backup_mode(const Session& session, const ClusterLayout& layout) const {
  if (config_.mode != Mode::Backup && session.is_one_instant(layout.places())) return false;
  if (config_.mode != Mode::Atomic) return true;
  throw Veto(
      VSS_E_WRITER_NON_RETRYABLE,
      "the volumes of the cluster cannot be captured at one instant, and its configuration says mode = "
      "\"atomic\"");
}

// Whether a restore from it will be possible.
void PostgresqlWriter::check_backup_mode(const Session& session, Connection& server) const {
  const auto refuse = [](const std::string& why) {
    throw Veto(VSS_E_WRITER_NON_RETRYABLE,
               why + "; volumes that show one instant need no backup mode (--require cut)");
  };
  // It writes no end of the backup; where that is would be read from a file of another instant.
  if (server.row("SELECT pg_is_in_recovery()", {}, kLookLimit)[0] == "t")
    refuse("the cluster is a standby: its backup mode does not suit volumes of several instants");
  const auto fault = config_.require_archive ? archive_fault(server) : std::nullopt;
  if (fault) {
    refuse(
        "backup mode needs the WAL that is written while the snapshots are made and is in none of them, "
        "and " +
        *fault + ", or require_archive = false if something else keeps the WAL");
  }
  if (session.components().empty())
    refuse(
        "the label of the backup mode is kept with the component, and the requester has selected none "
        "(vssctl "
        "--component PostgreSQL)");
}

void PostgresqlWriter::prepare(const Session& session, Operation& operation) const {
  Connection server = connect();
  const writers::Places places = operation.layout.places();
  writers::expect_known(places, declared_, VSS_E_WRITER_RETRYABLE, kWho);
  operation.empty = writers::empty_of(places);
  if (needs_backup_mode(session, operation.layout)) {
    check_backup_mode(session, server);
    operation.backup_mode.emplace(std::move(server), "vssd " + session.id(), config_.checkpoint_limit);
  } else {
    server.query("CHECKPOINT", {}, config_.checkpoint_limit);
  }
}

void PostgresqlWriter::on_prepare_snapshot(Session& session) {
  refusals_.keep(session, VSS_E_WRITER_NON_RETRYABLE, [&] {
    Operation operation{find_layout(), std::nullopt, {}};
    if (!takes_part(session, operation.layout)) return;
    asking_the_server_of(operation.layout, [&] { prepare(session, operation); });
    operations_.insert_or_assign(session.id(), std::move(operation));
  });
}

// The last moment to find out at no cost that the server has been restarted since.
void PostgresqlWriter::on_freeze(Session& session) {
  refusals_.refuse_again(session);
  const auto found = operations_.find(session.id());
  if (found == operations_.end() || !found->second.backup_mode) return;
  asking_the_server_of(found->second.layout, [&] { found->second.backup_mode->check(); });
}

void PostgresqlWriter::on_post_snapshot(Session& session) {
  const auto found = operations_.find(session.id());
  if (found == operations_.end()) return;
  Operation operation = std::move(found->second);
  operations_.erase(found);
  const ClusterLayout& layout = operation.layout;
  const auto deadline = std::chrono::steady_clock::now() + config_.checkpoint_limit;
  BackupRecord record{layout.data_directory, layout.major, std::nullopt, layout.places(), {}};
  if (operation.backup_mode) {
    asking_the_server_of(layout, [&] { record.end = operation.backup_mode->end(config_.checkpoint_limit); });
  } else if (!session.is_one_instant(layout.places())) {
    throw Veto(
        VSS_E_WRITER_INCONSISTENT_SNAPSHOT,
        "the volumes of the cluster were to show one instant and do not: this snapshot of it may not start; "
        "make another one");
  }
  writers::expect_known(layout_on_disk(layout.data_directory).places(), layout.places(),
                        VSS_E_WRITER_INCONSISTENT_SNAPSHOT, kWho);
  // Before or after: the snapshot may have nothing there.
  record.empty = writers::empty_of(layout.places());
  record.empty.insert(record.empty.end(), operation.empty.begin(), operation.empty.end());
  for (Component& component : session.components()) component.set_backup_metadata(to_text(record));
  if (record.end && config_.require_archive)
    asking_the_server_of(layout, [&] { wait_for_archive(session, record, deadline); });
}

// A restore is not possible before, and might never be.
void PostgresqlWriter::wait_for_archive(const Session& session, const BackupRecord& record,
                                        std::chrono::steady_clock::time_point deadline) const {
  const auto wal = std::filesystem::path(record.data_directory) / wal_name(record.major);
  for (;;) {
    const std::vector<std::string> left = not_archived(wal, record.end->wal_needed);
    if (left.empty()) return;
    if (std::chrono::steady_clock::now() >= deadline || session.is_writer_shutting_down()) {
      Connection server = connect();
      throw writers::ServerFailure(
          "the snapshots cannot be restored before the WAL " + left.front() +
          " is in the archive, where it is not yet (checkpoint_timeout_ms): " +
          archive_fault(server).value_or("see pg_stat_archiver, and wait, or make other snapshots"));
    }
    std::this_thread::sleep_for(kArchivePoll);
  }
}

void PostgresqlWriter::end_operation(const Session& session) {
  operations_.erase(session.id());
  refusals_.forget(session);
}

// The end of its session ends the backup mode.
void PostgresqlWriter::on_abort(Session& session) { end_operation(session); }
void PostgresqlWriter::on_backup_shutdown(Session& session) { end_operation(session); }

void PostgresqlWriter::on_pre_restore(Session& session) {
  writers::pre_restore(
      session, [this](const std::string& metadata) { make_way(parse_backup_record(metadata), config_); });
}

void PostgresqlWriter::on_post_restore(Session& session) {
  writers::post_restore(session, [this](const std::string& metadata) {
    complete_restore(parse_backup_record(metadata), config_);
  });
}

void PostgresqlWriter::on_state_changed(vss_writer_state, const std::string& message) {
  std::cerr << (config_.instance + ": " + message + "\n") << std::flush;
}

}  // namespace vss::postgresql
