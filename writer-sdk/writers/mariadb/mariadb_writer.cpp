// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/mariadb_writer.hpp"

#include <iostream>
#include <stdexcept>
#include <utility>

#include "writer-sdk/writers/common/restore_events.hpp"
#include "writer-sdk/writers/mariadb/mysql8.hpp"
#include "writer-sdk/writers/mariadb/replication.hpp"
#include "writer-sdk/writers/mariadb/restore.hpp"
#include "writer-sdk/writers/mariadb/standstill.hpp"

namespace vss::mariadb {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectLimit = 10s;
constexpr const char* kWho = "the server";
constexpr unsigned long kOldestMariadb = 100400;
constexpr unsigned long kOldestMysql = 80000;

WriterOptions options_of(const Config& config) {
  WriterOptions options;
  options.name = "MariaDB";
  options.class_id = "0d1f7a52-8c0b-4d8e-9b1e-5a5d2f7c9e34";
  options.instance_name = config.instance;
  options.version = VSSD_VERSION;
  options.freeze_timeout = kWindow;
  options.usage = VSS_USAGE_USER_DATA;
  options.source = VSS_SOURCE_TRANSACTED_DATABASE;
  return options;
}

// What a server makes anew, and what says that one runs.
void exclude(Metadata& metadata, const std::string& data_directory) {
  metadata.add_exclude(data_directory, "*.pid", false);
  metadata.add_exclude(data_directory, "ibtmp1", false);
}

}  // namespace

MariadbWriter::MariadbWriter(Config config) : Writer(options_of(config)), config_(std::move(config)) {}

Connection MariadbWriter::connect() const { return {config_.server, kConnectLimit}; }

// A server is restored while it does not run.
ServerLayout MariadbWriter::find_layout() {
  try {
    Connection server = connect();
    last_ = layout_of(server);
    return last_;
  } catch (const ServerError&) {
    if (!last_.data_directory.empty()) return last_;
    if (config_.server.data_directory.empty()) throw;
    return layout_on_disk(config_.server.data_directory);
  }
}

// Tables may have been made since, by statements; what only the configuration says cannot have changed while
// the session of the lock lasted. Where MySQL's tables are only it can tell.
writers::Places MariadbWriter::places_now(const ServerLayout& layout) const {
  if (layout.product == "MariaDB") return layout_on_disk(layout.data_directory).places();
  Connection server = connect();
  return layout_of(server).places();
}

void MariadbWriter::on_identify(Metadata& metadata) {
  const ServerLayout layout = find_layout();
  declared_ = layout.places();
  const std::string& name = config_.instance;
  metadata.add_component(VSS_COMPONENT_DATABASE, "", name,
                         layout.version.empty() ? layout.product : layout.product + " " + layout.version);
  metadata.add_database_files("", name, layout.data_directory);
  for (const std::string& place : layout.logs) metadata.add_database_log_files("", name, place);
  for (const std::string& place : layout.elsewhere) metadata.add_database_files("", name, place);
  exclude(metadata, layout.data_directory);
  metadata.set_restore_method("restore-if-can-replace", "", "man:vss-writer-mariadb(8)",
                              VSS_WRITER_RESTORE_ALWAYS);
}

// The volumes may be known already, and this is the earliest moment to say that one is missing.
void MariadbWriter::on_prepare_backup(Session& session) {
  if (session.volumes().empty()) return;
  refusals_.keep(session, VSS_E_WRITER_NON_RETRYABLE, [&] {
    const ServerLayout layout = find_layout();
    (void)writers::has_all(session, layout.places(), layout.whose());
  });
}

Consistency MariadbWriter::choose(const Session& session, const ServerLayout& layout) const {
  if (config_.mode != Mode::Standstill && session.is_one_instant(layout.places())) return Consistency::Atomic;
  const std::string why = "the volumes of the server cannot be captured at one instant, and ";
  if (config_.mode == Mode::Atomic)
    throw Veto(VSS_E_WRITER_NON_RETRYABLE, why + "its configuration says mode = \"atomic\"");
  if (layout.product != "MariaDB")
    throw Veto(VSS_E_WRITER_NON_RETRYABLE, why + "what is written meanwhile cannot be stopped in " +
                                               layout.product +
                                               ": put its files on volumes for which --require cut succeeds");
  return Consistency::Standstill;
}

// In a session of its own, which ends if the account may not look; few servers are replicas.
void MariadbWriter::refuse_relay_logs_that_move() const {
  std::optional<std::string> why;
  try {
    Connection server = connect();
    why = relay_logs_that_move(server, last_.data_directory);
  } catch (const ServerError& error) {
    if (error.number() != kNoRight) throw;
    std::cerr << (config_.instance + ": it is not known whether the server is a replica: " + error.what() +
                  "\n")
              << std::flush;
  }
  if (why) throw Veto(VSS_E_WRITER_NON_RETRYABLE, *why);
}

std::unique_ptr<BackupLock> MariadbWriter::prepare_lock(Connection server, Consistency consistency) const {
  const bool is_mariadb = server.is_mariadb();
  if (server.version() < (is_mariadb ? kOldestMariadb : kOldestMysql))
    throw Veto(VSS_E_WRITER_NON_RETRYABLE,
               server.version_text() + " has no locks for backups: MariaDB 10.4 or MySQL 8.0 is needed");
  if (consistency == Consistency::Standstill) {
    refuse_relay_logs_that_move();
    return std::make_unique<Standstill>(std::move(server), connect(), config_.limits);
  }
  if (is_mariadb) return std::make_unique<BackupStages>(std::move(server), config_.limits);
  return std::make_unique<mysql8::InstanceLock>(std::move(server), config_.limits);
}

void MariadbWriter::on_prepare_snapshot(Session& session) {
  refusals_.keep(session, VSS_E_WRITER_NON_RETRYABLE, [&] {
    Operation operation;
    operation.layout = find_layout();
    const writers::Places places = operation.layout.places();
    if (!writers::has_all(session, places, operation.layout.whose())) return;
    Connection server = connect();
    writers::expect_known(places, declared_, VSS_E_WRITER_RETRYABLE, kWho);
    operation.consistency = choose(session, operation.layout);
    operation.lock = prepare_lock(std::move(server), operation.consistency);
    operation.empty = writers::empty_of(places);
    operations_.insert_or_assign(session.id(), std::move(operation));
  });
}

// What fails lets go at once, before vssd says so.
void MariadbWriter::on_freeze(Session& session) {
  refusals_.refuse_again(session);
  const auto found = operations_.find(session.id());
  if (found == operations_.end()) return;
  try {
    found->second.lock->block();
    found->second.position = found->second.lock->position();
    found->second.replica_gtid = found->second.lock->replica_gtid();
  } catch (const ServerError& error) {
    operations_.erase(found);
    throw Veto(VSS_E_WRITER_RETRYABLE, error.what());
  }
}

void MariadbWriter::on_thaw(Session& session) {
  const auto found = operations_.find(session.id());
  if (found == operations_.end()) return;
  const std::unique_ptr<BackupLock> lock = std::move(found->second.lock);
  try {
    lock->release();
  } catch (const ServerError& error) {
    operations_.erase(found);
    throw Veto(VSS_E_WRITER_INCONSISTENT_SNAPSHOT, error.what());
  }
}

void MariadbWriter::on_post_snapshot(Session& session) {
  const auto found = operations_.find(session.id());
  if (found == operations_.end()) return;
  const Operation operation = std::move(found->second);
  operations_.erase(found);
  const ServerLayout& layout = operation.layout;
  if (operation.consistency == Consistency::Atomic && !session.is_one_instant(layout.places())) {
    throw Veto(
        VSS_E_WRITER_INCONSISTENT_SNAPSHOT,
        "the volumes of the server were to show one instant and do not: this snapshot of it may not start; "
        "make another one");
  }
  writers::expect_known(writers::asking_the_server([&] { return places_now(layout); }), layout.places(),
                        VSS_E_WRITER_INCONSISTENT_SNAPSHOT, kWho);
  // Before or after: the snapshot may have nothing there.
  writers::Places empty = writers::empty_of(layout.places());
  empty.insert(empty.end(), operation.empty.begin(), operation.empty.end());
  const BackupRecord record{operation.consistency,  layout.product,  layout.version,
                            layout.data_directory,  layout.places(), operation.position,
                            operation.replica_gtid, std::move(empty)};
  for (Component& component : session.components()) component.set_backup_metadata(to_text(record));
}

void MariadbWriter::end_operation(const Session& session) {
  operations_.erase(session.id());
  refusals_.forget(session);
}

// The end of its session ends whatever lock there is.
void MariadbWriter::on_abort(Session& session) { end_operation(session); }
void MariadbWriter::on_backup_shutdown(Session& session) { end_operation(session); }

// What is installed here is known if a server has answered.
void MariadbWriter::expect_same_product(const BackupRecord& record) const {
  if (last_.version.empty() || last_.product == record.product) return;
  throw std::runtime_error("what was saved is of " + record.product + " " + record.version + ", and " +
                           last_.product + " " + last_.version +
                           " has run here, which cannot read it: install " + record.product);
}

void MariadbWriter::on_pre_restore(Session& session) {
  writers::pre_restore(session, [this](const std::string& metadata) {
    const BackupRecord record = parse_backup_record(metadata);
    expect_same_product(record);
    make_way(record, config_);
  });
}

void MariadbWriter::on_post_restore(Session& session) {
  writers::post_restore(session, [this](const std::string& metadata) {
    complete_restore(parse_backup_record(metadata), config_);
  });
}

void MariadbWriter::on_state_changed(vss_writer_state, const std::string& message) {
  std::cerr << (config_.instance + ": " + message + "\n") << std::flush;
}

}  // namespace vss::mariadb
