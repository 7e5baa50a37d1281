// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The writer of one server: what it is asked for so that its files can be captured depends on what the set of
// snapshots will show.

#include <map>
#include <memory>
#include <string>
#include <vss/writer.hpp>

#include "writer-sdk/writers/common/early_refusals.hpp"
#include "writer-sdk/writers/mariadb/backup_lock.hpp"
#include "writer-sdk/writers/mariadb/backup_record.hpp"
#include "writer-sdk/writers/mariadb/config.hpp"
#include "writer-sdk/writers/mariadb/server_layout.hpp"

namespace vss::mariadb {

class MariadbWriter : public Writer {
 public:
  explicit MariadbWriter(Config config);

 protected:
  void on_identify(Metadata& metadata) override;
  void on_prepare_backup(Session& session) override;
  void on_prepare_snapshot(Session& session) override;
  void on_freeze(Session& session) override;
  void on_thaw(Session& session) override;
  void on_post_snapshot(Session& session) override;
  void on_abort(Session& session) override;
  void on_backup_shutdown(Session& session) override;
  void on_pre_restore(Session& session) override;
  void on_post_restore(Session& session) override;
  void on_state_changed(vss_writer_state state, const std::string& message) override;

 private:
  // From PrepareForSnapshot to PostSnapshot.
  struct Operation {
    ServerLayout layout;
    Consistency consistency = Consistency::Atomic;
    std::unique_ptr<BackupLock> lock;  // until Thaw
    std::optional<Position> position;
    std::string replica_gtid;
    writers::Places empty;  // of the places, before the snapshot
  };

  [[nodiscard]] Connection connect() const;
  [[nodiscard]] ServerLayout find_layout();
  [[nodiscard]] writers::Places places_now(const ServerLayout& layout) const;
  [[nodiscard]] Consistency choose(const Session& session, const ServerLayout& layout) const;
  [[nodiscard]] std::unique_ptr<BackupLock> prepare_lock(Connection server, Consistency consistency) const;
  void refuse_relay_logs_that_move() const;
  void expect_same_product(const BackupRecord& record) const;
  void end_operation(const Session& session);

  Config config_;
  ServerLayout last_;                            // of the last server that answered
  writers::Places declared_;                     // the places of the last Identify
  std::map<std::string, Operation> operations_;  // by session
  writers::EarlyRefusals refusals_;
};

}  // namespace vss::mariadb
