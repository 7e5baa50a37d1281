// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A writer that has units stand still from Freeze to Thaw.

#include <filesystem>
#include <optional>
#include <string>
#include <vss/writer.hpp>

#include "writer-sdk/writers/common/early_refusals.hpp"
#include "writer-sdk/writers/unit/config.hpp"
#include "writer-sdk/writers/unit/guard.hpp"
#include "writer-sdk/writers/unit/systemd_bus.hpp"
#include "writer-sdk/writers/unit/unit_freezer.hpp"

namespace vss::unit {

// Where things are.
struct Places {
  std::filesystem::path runtime;  // the record's directory
  std::filesystem::path cgroups = "/sys/fs/cgroup";

  [[nodiscard]] Record record() const { return Record(runtime / "frozen"); }
};

class UnitWriter final : public Writer {
 public:
  // `guard`: the arguments of this program that make it the guard of these places.
  UnitWriter(Config config, Places places, std::vector<std::string> guard);
  ~UnitWriter() override;
  UnitWriter(const UnitWriter&) = delete;
  UnitWriter& operator=(const UnitWriter&) = delete;

  void log(const std::string& message) const;

 private:
  void on_identify(Metadata& metadata) override;
  void on_prepare_snapshot(Session& session) override;
  void on_freeze(Session& session) override;
  void on_thaw(Session& session) override;
  void on_abort(Session& session) override;
  void on_backup_shutdown(Session& session) override;
  void on_state_changed(vss_writer_state state, const std::string& message) override;

  // One set at a time is being made.
  struct Operation {
    Operation(std::string session_id, const std::vector<std::string>& guard_arguments)
        : session(std::move(session_id)), guard(guard_arguments) {}
    std::string session;
    SystemdBus systemd;  // connected while there is time
    Guard guard;
    bool is_overdue = false;  // what it has frozen could not be thawed when it was to be
  };
  [[nodiscard]] bool takes_part(const Session& session) const;
  void prepare(const Session& session);
  [[nodiscard]] bool is_prepared_for(const Session& session) const;
  // What failed, "" if nothing.
  [[nodiscard]] std::string end_operation();
  void leave_operation();
  [[nodiscard]] std::string fault_of_those_left_alone();

  const Config config_;
  const std::vector<std::string> guard_arguments_;
  UnitFreezer freezer_;
  std::optional<Operation> operation_;
  writers::EarlyRefusals refusals_;
};

}  // namespace vss::unit
