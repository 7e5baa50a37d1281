// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The commands of vssctl. Each returns the exit status, or throws Failure.

#include <optional>
#include <string>
#include <vector>

#include "daemon/cli/requester.hpp"

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

int create(const CommonOptions& common, const RequestOptions& request);
int run(const CommonOptions& common, const RequestOptions& request, bool shutdown_on_error,
        const std::vector<std::string>& command);

// `what` is "writers", "providers", "volumes" or "snapshots".
int list(const CommonOptions& common, const std::string& what);
int show(const CommonOptions& common, const std::string& id);
int delete_snapshots(const CommonOptions& common, const DeleteOptions& options);
int status(const CommonOptions& common);
int collect_garbage(const CommonOptions& common);
int monitor(const CommonOptions& common);

}  // namespace vss::cli
