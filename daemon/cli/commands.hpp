// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The commands of vssctl. Each returns the exit status, or throws Failure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/cli/requester.hpp"
#include "daemon/cli/restore_requester.hpp"

namespace vss::cli {

struct CommonOptions {
  std::optional<std::string> host;
  bool json = false;
  bool quiet = false;
};

struct DeleteOptions {
  std::string kind;  // "set", "snapshot", "oldest" or "all"
  std::string id;
  bool force = false;
  bool yes = false;
};

struct VolumeOptions {
  std::string target;  // id of a set or a snapshot, or a path: see the command
  bool writable = false;
  bool force = false;
  bool yes = false;
  std::uint64_t maximum = 0;  // bytes, 0: no limit
};

struct RunOptions {
  std::vector<std::string> command;
  bool shutdown_on_error = false;
  bool in_place = false;  // the command sees the snapshots where their volumes are
};

struct RestoreArguments {
  std::string document;    // path
  RestoreOptions options;  // without the document's text
  bool plan_only = false;
  std::vector<std::string> command;
};

struct ScriptArguments {
  std::string file;  // "-": standard input
  bool check_only = false;
};

int create(const CommonOptions& common, const RequestOptions& request);
int run(const CommonOptions& common, const RequestOptions& request, const RunOptions& options);
int restore(const CommonOptions& common, RestoreArguments arguments);
int script(const CommonOptions& common, const ScriptArguments& arguments);

// `what` is "writers", "failures", "providers", "volumes", "snapshots" or "storage".
int list(const CommonOptions& common, const std::string& what);
int show(const CommonOptions& common, const std::string& id);
int delete_snapshots(const CommonOptions& common, const DeleteOptions& options);
int expose(const CommonOptions& common, const std::string& id, const std::string& path);
int unexpose(const CommonOptions& common, const std::string& id);
int reset_writer(const CommonOptions& common, const std::string& id);
int status(const CommonOptions& common);
int collect_garbage(const CommonOptions& common);
int monitor(const CommonOptions& common);
int break_set(const CommonOptions& common, const VolumeOptions& options);
int revert(const CommonOptions& common, const VolumeOptions& options);
int revert_status(const CommonOptions& common, const VolumeOptions& options);
int resize_storage(const CommonOptions& common, const VolumeOptions& options);

}  // namespace vss::cli
