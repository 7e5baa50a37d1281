// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Port: a registered writer and the events it gets. Implemented in daemon/bus. VSS: CVssWriter,
// VSS_WRITER_STATE.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include "daemon/core/error.hpp"
#include "daemon/core/guid.hpp"

namespace vss::core {

enum class WriterEvent : std::uint8_t {
  Identify,
  PrepareForBackup,
  PrepareForSnapshot,
  Freeze,
  Thaw,
  PostSnapshot,
  Abort,
  BackupComplete,
  BackupShutdown,
  PreRestore,
  PostRestore,
  RestoreShutdown,
};

// Users of a store are frozen before the store itself, and thawed after it.
enum class WriterLevel : std::uint8_t { FrontEnd, BackEnd, System };

// The numbers are those of VSS_WRITER_STATE.
enum class WriterState : std::uint8_t {
  Unknown = 0,
  Stable = 1,
  WaitingForFreeze = 2,
  WaitingForThaw = 3,
  WaitingForPostSnapshot = 4,
  WaitingForBackupComplete = 5,
  FailedAtIdentify = 6,
  FailedAtPrepareBackup = 7,
  FailedAtPrepareSnapshot = 8,
  FailedAtFreeze = 9,
  FailedAtThaw = 10,
  FailedAtPostSnapshot = 11,
  FailedAtBackupComplete = 12,
  FailedAtPreRestore = 13,
  FailedAtPostRestore = 14,
  FailedAtBackupShutdown = 15,
};

[[nodiscard]] std::string_view to_string(WriterEvent event) noexcept;
[[nodiscard]] std::string_view to_string(WriterLevel level) noexcept;
[[nodiscard]] std::optional<WriterLevel> level_from_name(std::string_view name) noexcept;
// "waiting-for-freeze" and so on.
[[nodiscard]] std::string_view to_string(WriterState state) noexcept;
[[nodiscard]] constexpr bool is_failed(WriterState state) noexcept {
  return state >= WriterState::FailedAtIdentify;
}
// The state after a handler said yes, and after it said no.
[[nodiscard]] WriterState state_after(WriterEvent event) noexcept;
[[nodiscard]] WriterState state_failed_at(WriterEvent event) noexcept;

struct WriterInfo {
  Guid instance_id;
  Guid class_id;
  std::string name;
  std::string instance_name;
  std::string version;
  WriterLevel level = WriterLevel::FrontEnd;
  std::chrono::milliseconds freeze_timeout{60000};
  std::string usage = "undefined";
  std::string source = "undefined";
  bool subscribes_backup = true;
  bool subscribes_restore = true;
  std::string bus_name;
  std::uint32_t pid = 0;
  std::string unit;
};

struct WriterFailure {
  ErrorCode code = ErrorCode::UnexpectedWriterError;
  std::int32_t application_code = 0;
  std::string message;
  bool veto = true;  // the handler said no; otherwise recorded only
};

// What a handler answered.
struct WriterAnswer {
  std::optional<WriterFailure> failure;
  std::string document;  // what it wrote into its components: component_edits.hpp; "" if nothing
};

struct ComponentId {
  std::string logical_path;
  std::string name;
  auto operator<=>(const ComponentId&) const = default;
};

// A component in the backup components document: `content` is what stands there, names included.
struct SelectedComponent {
  ComponentId id;
  nlohmann::ordered_json content;

  [[nodiscard]] std::optional<bool> succeeded() const {
    const auto at = content.find("backup_succeeded");
    return at == content.end() ? std::nullopt : std::optional(at->get<bool>());
  }
};

// What an event carries; each event uses what org.vssd.Vss1.Writer.xml says.
struct EventArgs {
  Guid session;
  Guid set;
  std::vector<SelectedComponent> components;
  bool select_components = false;
  bool bootable_system_state = false;
  bool partial_file_support = false;
  std::string backup_type;
  std::string restore_type;
  std::string context;
  std::vector<std::string> volumes;
  std::vector<std::vector<std::string>> instants;  // of these volumes: hold_plan.hpp
  std::map<std::string, std::string> snapshots;    // volume -> path of its snapshot
  std::chrono::milliseconds window{};
  std::string reason;
};

class Writer {
 public:
  virtual ~Writer() = default;
  [[nodiscard]] virtual const WriterInfo& info() const = 0;
  // False once its registration has ended, in whatever way.
  [[nodiscard]] virtual bool is_alive() const = 0;
  // The metadata document. WriterNotResponding after `limit` or when the writer is gone.
  virtual asio::awaitable<Result<std::string>> identify(std::chrono::milliseconds limit) = 0;
  // No failure in it if the handler succeeded. No answer within `limit`: WriterTimeout for Freeze and Thaw,
  // else WriterNotResponding; a writer that is gone: WriterNotResponding. The request is sent before this
  // suspends: events reach the writer in the order of the calls.
  virtual asio::awaitable<WriterAnswer> deliver(WriterEvent event, EventArgs args,
                                                std::chrono::milliseconds limit) = 0;
};

}  // namespace vss::core
