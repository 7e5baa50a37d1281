// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/cluster_layout.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace vss::postgresql {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kLookLimit = 10s;

bool lies_below(const fs::path& path, const fs::path& directory) {
  const auto [end, ignored] = std::ranges::mismatch(directory, path);
  return end == directory.end();
}

// Tablespaces may lie in the data directory, and so does the WAL unless it is linked.
ClusterLayout make_layout(int major, const fs::path& data_directory,
                          const std::vector<fs::path>& tablespaces) {
  ClusterLayout layout{major, data_directory.string(), "", {}};
  const fs::path wal = fs::weakly_canonical(data_directory / wal_name(major));
  if (!lies_below(wal, data_directory)) layout.wal_directory = wal.string();
  for (const fs::path& tablespace : tablespaces) {
    const fs::path place = fs::weakly_canonical(tablespace);
    if (!lies_below(place, data_directory)) layout.tablespaces.push_back(place.string());
  }
  std::ranges::sort(layout.tablespaces);
  return layout;
}

}  // namespace

std::vector<std::string> ClusterLayout::places() const {
  std::vector<std::string> all{data_directory};
  if (!wal_directory.empty()) all.push_back(wal_directory);
  all.insert(all.end(), tablespaces.begin(), tablespaces.end());
  return all;
}

ClusterLayout layout_of(Connection& server) {
  const Row settings = server.row("SELECT current_setting('data_directory')", {}, kLookLimit);
  std::vector<fs::path> tablespaces;
  // One that was made in place has a path that begins in the data directory.
  for (const Row& row : server.query("SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE "
                                     "pg_tablespace_location(oid) LIKE '/%'",
                                     {}, kLookLimit))
    tablespaces.emplace_back(row[0]);
  return make_layout(server.version() / 10000, fs::canonical(settings[0]), tablespaces);
}

ClusterLayout layout_on_disk(const std::string& data_directory) {
  std::string version;
  std::ifstream(fs::path(data_directory) / "PG_VERSION") >> version;
  if (version.empty()) return {0, data_directory, "", {}};
  const fs::path real = fs::canonical(data_directory);
  std::vector<fs::path> tablespaces;
  for (const auto& entry : fs::directory_iterator(real / "pg_tblspc")) {
    if (entry.is_symlink()) tablespaces.push_back(fs::read_symlink(entry.path()));
  }
  return make_layout(std::atoi(version.c_str()), real, tablespaces);
}

std::string wal_name(int major) { return major >= 10 ? "pg_wal" : "pg_xlog"; }

}  // namespace vss::postgresql
