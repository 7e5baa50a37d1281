// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The requester: one Backup object from CreateBackup to Release, in the order that VSS wants.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/cli/bus.hpp"
#include "daemon/cli/document_file.hpp"
#include "daemon/cli/json.hpp"
#include "daemon/cli/selection.hpp"
#include "daemon/cli/session.hpp"

namespace vss::cli {

// A text for a component of this name.
struct ForComponent {
  std::string component;
  std::string text;
};

struct RequestOptions {
  std::vector<std::string> paths;                // none: a backup that needs no snapshot
  std::map<std::string, std::string> providers;  // of single paths; `provider` for the others
  std::string context = "backup";
  SelectionRules writers;
  std::string require;  // "" leaves it to vssd
  bool auto_recovery = true;
  std::string provider;  // "" leaves it to vssd
  bool lenient = false;
  std::uint32_t lock_timeout_ms = 0;
  std::string backup_type = "full";
  bool bootable_system_state = false;
  bool partial_files = false;
  std::vector<ForComponent> backup_options;
  std::vector<ForComponent> previous_stamps;
  std::vector<std::string> enabled_classes;  // none: all
  std::vector<std::string> disabled_classes;
  std::vector<std::string> disabled_instances;
  std::string document;  // where complete() leaves the backup components document; "": nowhere
  bool remote = false;   // the paths are on another machine: vssd is asked where they lie
};

[[nodiscard]] bool has_writers(const std::string& context);
[[nodiscard]] bool is_persistent(const std::string& context);

// As vssd is to understand it: on another machine a path stays as it was given.
[[nodiscard]] std::string path_for_vssd(const std::string& given, bool remote);
// What vssd says of the volume that the path is on. Throws Failure (VolumeNotSupported,
// VolumeNotSupportedByProvider) with its reason.
[[nodiscard]] Json supported_volume(ManagerProxy& manager, const std::string& path,
                                    const std::string& provider);

class Requester : public Session<BackupProxy> {
 public:
  Requester(Bus& bus, RequestOptions options, ProgressListener* progress);

  // Everything up to the readable set. Returns what `create --json` prints. When it throws, AbortBackup has
  // been called if anything was under way, and the object is released.
  [[nodiscard]] Json make_set();

  // Whether the files of a component were saved, where that is not what complete() or abort() say of all.
  void set_succeeded(const std::string& component, bool succeeded);

  // The files are saved: SetBackupSucceeded for each component, BackupComplete and a look at the writers
  // (nothing of this in contexts without writers), the document, then release(). Throws what a writer
  // reported, unless lenient; the object is released then too, and the document is there.
  void complete();

  // The files are not saved: SetBackupSucceeded(false), AbortBackup, release(). What fails on the way is only
  // reported: the caller has the cause.
  void abort() noexcept;

  [[nodiscard]] const std::vector<WriterMetadata>& writers() const { return writers_; }

 private:
  struct Volume {
    std::string path;
    std::string identity;
    std::string provider;
  };

  void create_backup();
  [[nodiscard]] std::vector<Volume> resolve_volumes();
  void choose_writers();
  void gather_writers();
  void select_writers(const std::vector<Volume>& volumes);
  void tell_writers_more();
  // Whether there is a set to be made.
  [[nodiscard]] bool start_set(const std::vector<Volume>& volumes);
  // The selected writers; throws for one that failed, unless lenient.
  Json check_writers();
  [[nodiscard]] std::string volume_of(const std::string& path);
  [[nodiscard]] Json describe(const Json& result, Json writers) const;
  void set_all_succeeded(bool succeeded);
  void save_document();
  void warn(std::string text);
  void tell_writers_of_completion();
  void abort_unfinished() noexcept;

  RequestOptions options_;
  bool set_started_ = false;
  std::optional<DocumentFile> document_;
  std::vector<WriterMetadata> writers_;
  std::set<std::size_t> told_;  // the selected components that SetBackupSucceeded was called for
  Selection selection_;
};

}  // namespace vss::cli
