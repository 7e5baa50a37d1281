// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/server_layout.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "writer-sdk/writers/mariadb/mysql8.hpp"

namespace vss::mariadb {
namespace {

namespace fs = std::filesystem;
using Variables = std::map<std::string, std::string>;

void sort_and_unite(writers::Places& places) {
  std::ranges::sort(places);
  places.erase(std::unique(places.begin(), places.end()), places.end());
}

// Adds a directory if it is no part of the data directory.
void add_apart(writers::Places& places, const fs::path& directory, const fs::path& data_directory) {
  const fs::path place = fs::weakly_canonical(directory);
  if (writers::lies_apart(place, data_directory)) places.push_back(place.string());
}

// A table with a directory of its own is a link, or a file of InnoDB that names the other one.
void add_table(writers::Places& places, const fs::directory_entry& entry, const fs::path& data_directory) {
  std::error_code gone;
  if (entry.is_symlink(gone)) {
    const fs::path target = fs::weakly_canonical(entry.path(), gone);
    if (!gone) add_apart(places, target.parent_path(), data_directory);
  } else if (entry.path().extension() == ".isl") {
    std::string target;
    std::getline(std::ifstream(entry.path()), target);
    if (!target.empty()) add_apart(places, fs::path(target).parent_path(), data_directory);
  }
}

// Databases and tables come and go meanwhile.
void add_linked(writers::Places& places, const fs::path& data_directory) {
  std::error_code gone;
  for (fs::directory_iterator database(data_directory, gone), end; !gone && database != end;
       database.increment(gone)) {
    std::error_code unknown;
    if (!database->is_directory(unknown)) {
      add_table(places, *database, data_directory);
      continue;
    }
    add_apart(places, database->path(), data_directory);
    for (fs::directory_iterator table(database->path(), unknown); !unknown && table != end;
         table.increment(unknown))
      add_table(places, *table, data_directory);
  }
}

// "ibdata1:12M;/srv/more/ibdata2:12M:autoextend": what follows innodb_data_home_dir, which has to be empty if
// there are absolute paths.
void add_system_tablespace(writers::Places& places, const Variables& variables,
                           const fs::path& data_directory) {
  const auto value = [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
  const std::string home = value("innodb_data_home_dir");
  std::istringstream files(value("innodb_data_file_path"));
  for (std::string file; std::getline(files, file, ';');) {
    const std::string name = file.substr(0, file.find(':'));
    fs::path path = data_directory / home;
    if (home.empty()) {
      path /= name;
    } else {
      path += "/" + name;
    }
    add_apart(places, path.parent_path(), data_directory);
  }
}

struct Place {
  const char* variable;
  bool is_file;  // or what files begin with
  bool is_log;
};

// Of all versions and engines; a server does not know all of them, and what is relative begins in the data
// directory.
constexpr Place kPlaces[] = {
    {"innodb_undo_directory", false, false},
    {"innodb_doublewrite_dir", false, false},
    {"rocksdb_datadir", false, false},
    {"relay_log_info_file", true, false},
    {"innodb_log_group_home_dir", false, true},
    {"aria_log_dir_path", false, true},
    {"rocksdb_wal_dir", false, true},
    {"log_bin_basename", true, true},
    {"log_bin_index", true, true},
    {"relay_log_basename", true, true},
    {"relay_log_index", true, true},
};

void add_places(ServerLayout& layout, const Variables& variables) {
  for (const Place& place : kPlaces) {
    const auto found = variables.find(place.variable);
    if (found == variables.end() || found->second.empty()) continue;
    const fs::path path = fs::path(layout.data_directory) / found->second;
    add_apart(place.is_log ? layout.logs : layout.elsewhere, place.is_file ? path.parent_path() : path,
              layout.data_directory);
  }
}

void clean_up(ServerLayout& layout) {
  sort_and_unite(layout.logs);
  sort_and_unite(layout.elsewhere);
  std::erase_if(layout.logs, [&](const std::string& place) {
    return std::ranges::find(layout.elsewhere, place) != layout.elsewhere.end();
  });
}

}  // namespace

writers::Places ServerLayout::places() const {
  writers::Places all{data_directory};
  all.insert(all.end(), logs.begin(), logs.end());
  all.insert(all.end(), elsewhere.begin(), elsewhere.end());
  return all;
}

ServerLayout layout_of(Connection& server) {
  std::string names = "'datadir', 'innodb_data_home_dir', 'innodb_data_file_path'";
  for (const Place& place : kPlaces) names += std::string(", '") + place.variable + "'";
  ServerLayout layout =
      layout_of(server.values("SHOW GLOBAL VARIABLES WHERE Variable_name IN (" + names + ")"));
  layout.product = server.is_mariadb() ? "MariaDB" : "MySQL";
  layout.version = server.version_text();
  if (!server.is_mariadb()) add_data_files(layout, mysql8::data_files(server));
  return layout;
}

void add_data_files(ServerLayout& layout, const std::vector<std::string>& files) {
  const fs::path directory = layout.data_directory;
  for (const std::string& file : files)
    add_apart(layout.elsewhere, (directory / file).parent_path(), directory);
  clean_up(layout);
}

ServerLayout layout_of(const std::map<std::string, std::string>& variables) {
  const auto data = variables.find("datadir");
  if (data == variables.end()) throw ServerError("the server does not say where its data directory is");
  ServerLayout layout = layout_on_disk(data->second);
  add_system_tablespace(layout.elsewhere, variables, layout.data_directory);
  add_places(layout, variables);
  clean_up(layout);
  return layout;
}

ServerLayout layout_on_disk(const std::string& data_directory) {
  ServerLayout layout;
  layout.data_directory = data_directory;
  std::error_code missing;
  const fs::path real = fs::canonical(data_directory, missing);
  if (missing) return layout;
  layout.data_directory = real.string();
  add_linked(layout.elsewhere, real);
  sort_and_unite(layout.elsewhere);
  return layout;
}

}  // namespace vss::mariadb
