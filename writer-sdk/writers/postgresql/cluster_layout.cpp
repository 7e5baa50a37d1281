// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/cluster_layout.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace vss::postgresql {
namespace {

namespace fs = std::filesystem;

bool lies_below(const fs::path& path, const fs::path& directory) {
  const auto [end, ignored] = std::ranges::mismatch(directory, path);
  return end == directory.end();
}

dev_t filesystem_of(const fs::path& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 ? facts.st_dev : 0;
}

// A part of the data directory may be a link, or have something mounted on it.
bool lies_apart(const fs::path& place, const fs::path& data_directory) {
  return !lies_below(place, data_directory) || filesystem_of(place) != filesystem_of(data_directory);
}

// Databases come and go meanwhile.
std::vector<fs::path> directories_in(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code gone;
  for (fs::directory_iterator entry(directory, gone), end; !gone && entry != end; entry.increment(gone)) {
    if (entry->is_directory(gone)) found.push_back(entry->path());
  }
  return found;
}

ClusterLayout make_layout(int major, const fs::path& data_directory, std::vector<fs::path> places) {
  ClusterLayout layout{major, data_directory.string(), "", {}};
  const fs::path wal = fs::weakly_canonical(data_directory / wal_name(major));
  if (lies_apart(wal, data_directory)) layout.wal_directory = wal.string();
  for (const fs::path& inside : {data_directory, data_directory / "base"})
    std::ranges::copy(directories_in(inside), std::back_inserter(places));
  for (const fs::path& given : places) {
    const fs::path place = fs::weakly_canonical(given);
    if (place != wal && lies_apart(place, data_directory)) layout.elsewhere.push_back(place.string());
  }
  std::ranges::sort(layout.elsewhere);
  const auto again = std::ranges::unique(layout.elsewhere);
  layout.elsewhere.erase(again.begin(), again.end());
  return layout;
}

}  // namespace

std::vector<std::string> ClusterLayout::places() const {
  std::vector<std::string> all{data_directory};
  if (!wal_directory.empty()) all.push_back(wal_directory);
  all.insert(all.end(), elsewhere.begin(), elsewhere.end());
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
  return make_layout(server.version() / 10000, fs::canonical(settings[0]), std::move(tablespaces));
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
  return make_layout(std::atoi(version.c_str()), real, std::move(tablespaces));
}

std::string wal_name(int major) { return major >= 10 ? "pg_wal" : "pg_xlog"; }

}  // namespace vss::postgresql
