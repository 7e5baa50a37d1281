// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/cluster_layout.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "writer-sdk/writers/common/places.hpp"

namespace vss::postgresql {
namespace {

namespace fs = std::filesystem;

// What a server makes anew, and what others put there, need not be in a snapshot.
bool belongs_to_cluster(const std::string& name) {
  return name == "base" || name == "global" ||
         (name.starts_with("pg_") && name != "pg_stat_tmp" && name != "pg_log");
}
bool is_database(const std::string& name) {
  return name.find_first_not_of("0123456789") == std::string::npos;
}

using Filter = bool (*)(const std::string&);
// What is in a directory and does not lie in `whole`, or on another filesystem. Databases come and go
// meanwhile.
void add_apart(std::vector<std::string>& places, const fs::path& directory, const fs::path& whole,
               Filter wanted) {
  std::error_code gone;
  for (fs::directory_iterator entry(directory, gone), end; !gone && entry != end; entry.increment(gone)) {
    std::error_code unknown;
    if (!wanted(entry->path().filename()) || !entry->is_directory(unknown)) continue;
    const fs::path place = fs::weakly_canonical(entry->path());
    if (writers::lies_apart(place, whole)) places.push_back(place.string());
  }
}

}  // namespace

std::vector<std::string> ClusterLayout::places() const {
  std::vector<std::string> all{data_directory};
  if (!wal_directory.empty()) all.push_back(wal_directory);
  all.insert(all.end(), elsewhere.begin(), elsewhere.end());
  return all;
}

ClusterLayout layout_of(Connection& server) {
  return layout_on_disk(server.row("SELECT current_setting('data_directory')", {}, kLookLimit)[0]);
}

ClusterLayout layout_on_disk(const std::string& data_directory) {
  std::string version;
  std::ifstream(fs::path(data_directory) / "PG_VERSION") >> version;
  if (version.empty()) return {0, data_directory, "", {}};
  const fs::path real = fs::canonical(data_directory);
  ClusterLayout layout{std::atoi(version.c_str()), real.string(), "", {}};
  add_apart(layout.elsewhere, real, real, &belongs_to_cluster);
  add_apart(layout.elsewhere, real / "base", fs::weakly_canonical(real / "base"), &is_database);
  add_apart(layout.elsewhere, real / "pg_tblspc", real, &is_database);
  std::ranges::sort(layout.elsewhere);
  const auto again = std::ranges::unique(layout.elsewhere);
  layout.elsewhere.erase(again.begin(), again.end());
  const std::string wal = fs::weakly_canonical(real / wal_name(layout.major)).string();
  if (std::erase(layout.elsewhere, wal) != 0) layout.wal_directory = wal;
  return layout;
}

std::string wal_name(int major) { return major >= 10 ? "pg_wal" : "pg_xlog"; }

}  // namespace vss::postgresql
