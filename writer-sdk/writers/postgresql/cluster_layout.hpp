// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Where a cluster keeps its files.

#include <string>
#include <vector>

#include "writer-sdk/writers/postgresql/connection.hpp"

namespace vss::postgresql {

struct ClusterLayout {
  int major = 0;  // 15; 9 for 9.6; 0 if there is nothing to tell
  std::string data_directory;
  std::string wal_directory;  // "" if the data directory and its filesystem have it
  std::vector<std::string>
      elsewhere;  // tablespaces, and parts of the data directory on filesystems of their own

  // All of it: what a snapshot must have. Real paths.
  [[nodiscard]] std::vector<std::string> places() const;
};

// Of the cluster of that server. Errors: ServerError, std::filesystem::filesystem_error.
[[nodiscard]] ClusterLayout layout_of(Connection& server);
// What the links and mounts in a data directory say; no server has to run. A directory that is not there, or
// has no cluster in it, is a layout without version.
[[nodiscard]] ClusterLayout layout_on_disk(const std::string& data_directory);

// "pg_wal", or "pg_xlog" before version 10.
[[nodiscard]] std::string wal_name(int major);

}  // namespace vss::postgresql
