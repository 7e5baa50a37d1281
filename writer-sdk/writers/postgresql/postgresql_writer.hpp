// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The writer of one cluster. Its snapshots need nothing but a checkpoint if they show one instant; else the
// server is in backup mode from PrepareForSnapshot to PostSnapshot.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vss/writer.hpp>

#include "writer-sdk/writers/common/early_refusals.hpp"
#include "writer-sdk/writers/postgresql/backup_mode.hpp"
#include "writer-sdk/writers/postgresql/backup_record.hpp"
#include "writer-sdk/writers/postgresql/cluster_layout.hpp"
#include "writer-sdk/writers/postgresql/config.hpp"

namespace vss::postgresql {

class PostgresqlWriter : public Writer {
 public:
  explicit PostgresqlWriter(Config config);

 protected:
  void on_identify(Metadata& metadata) override;
  void on_prepare_backup(Session& session) override;
  void on_prepare_snapshot(Session& session) override;
  void on_freeze(Session& session) override;
  void on_thaw(Session&) override {}
  void on_post_snapshot(Session& session) override;
  void on_abort(Session& session) override;
  void on_backup_shutdown(Session& session) override;
  void on_pre_restore(Session& session) override;
  void on_post_restore(Session& session) override;
  void on_state_changed(vss_writer_state state, const std::string& message) override;

 private:
  // From PrepareForSnapshot to PostSnapshot.
  struct Operation {
    ClusterLayout layout;
    std::optional<BackupMode> backup_mode;
    writers::Places empty;  // of the places, before the snapshot
  };

  [[nodiscard]] Connection connect() const;
  [[nodiscard]] ClusterLayout find_layout();
  [[nodiscard]] static bool takes_part(const Session& session, const ClusterLayout& layout);
  [[nodiscard]] bool needs_backup_mode(const Session& session, const ClusterLayout& layout) const;
  void check_backup_mode(const Session& session, Connection& server) const;
  void prepare(const Session& session, Operation& operation) const;
  void wait_for_archive(const Session& session, const BackupRecord& record,
                        std::chrono::steady_clock::time_point deadline) const;
  void end_operation(const Session& session);

  Config config_;
  std::string data_directory_;                   // of the last server that answered
  std::vector<std::string> declared_;            // the places of the last Identify
  std::map<std::string, Operation> operations_;  // by session
  writers::EarlyRefusals refusals_;
};

}  // namespace vss::postgresql
