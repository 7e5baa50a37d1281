// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The requester: one Backup object from CreateBackup to Release, in the order that VSS wants.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/cli/bus.hpp"
#include "daemon/cli/json.hpp"
#include "daemon/cli/selection.hpp"

namespace vss::cli {

struct RequestOptions {
  std::vector<std::string> paths;
  std::string context = "backup";
  SelectionRules writers;
  std::string require;   // "" leaves it to vssd
  std::string provider;  // "" leaves it to vssd
  bool lenient = false;
  std::uint32_t lock_timeout_ms = 0;
  bool remote = false;  // the paths are on another machine: vssd is asked where they lie
};

[[nodiscard]] bool has_writers(const std::string& context);
[[nodiscard]] bool is_persistent(const std::string& context);

// Thread rule: one thread, but cancel(). Every failure is a Failure; a destroyed Requester leaves the object
// to vssd, which releases it when the connection ends.
class Requester {
 public:
  Requester(Bus& bus, RequestOptions options, ProgressListener* progress);

  // Everything up to the readable set. Returns what `create --json` prints. When it throws, AbortBackup has
  // been called if anything was under way, and the object is released.
  [[nodiscard]] Json make_set();

  // The files are saved: SetBackupSucceeded for each component, BackupComplete and a look at the writers
  // (nothing of this in contexts without writers), then release(). Throws what a writer reported, unless
  // lenient; the object is released then too.
  void complete();

  // The files are not saved: SetBackupSucceeded(false), AbortBackup, release(). What fails on the way is only
  // reported: the caller has the cause.
  void abort() noexcept;

  // BackupShutdown to the writers; auto-release snapshots are gone when it returns.
  void release();

  // Stops the call that runs, and makes make_set() stop before the next one. Any thread.
  void cancel() noexcept;

  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  struct Volume {
    std::string path;
    std::string identity;
  };

  void create_backup();
  [[nodiscard]] std::vector<Volume> resolve_volumes();
  void select_writers(const std::vector<Volume>& volumes, const std::vector<WriterMetadata>& writers);
  [[nodiscard]] std::vector<WriterMetadata> gather_writers();
  void add_volumes(const std::vector<Volume>& volumes);
  // The selected writers; throws for one that failed, unless lenient.
  Json check_writers();
  [[nodiscard]] std::string volume_of(const std::string& path);
  [[nodiscard]] Json describe(const Dict& result, Json writers) const;
  void set_succeeded(bool succeeded);
  void warn(std::string text);
  void tell_writers_of_completion();
  // A part of the way out of a failure: an error is reported, and the way goes on.
  template <typename Function>
  void quietly(const std::string& what, Function&& function) noexcept;
  void abort_unfinished() noexcept;
  // attempt() that does not begin once cancel() was called.
  template <typename Function>
  auto step(const std::string& what, Function&& function);

  Bus& bus_;
  RequestOptions options_;
  ProgressListener* progress_;
  ManagerProxy manager_;
  std::mutex mutex_;  // guards backup_ against cancel()
  std::shared_ptr<BackupProxy> backup_;
  std::atomic<bool> cancelled_ = false;
  bool set_started_ = false;
  Selection selection_;
  std::vector<std::string> warnings_;
};

}  // namespace vss::cli
