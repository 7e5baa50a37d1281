// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/restore.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "writer-sdk/writers/common/restore_events.hpp"
#include "writer-sdk/writers/mariadb/running_server.hpp"

namespace vss::mariadb {
namespace {

namespace fs = std::filesystem;

bool is_in_one_of(const writers::Places& places, std::initializer_list<const char*> names) {
  return std::ranges::any_of(places, [&](const fs::path& place) {
    return std::ranges::any_of(names, [&](const char* name) { return fs::exists(place / name); });
  });
}

// A server that does not find its redo log makes a new one, and loses what is only in the old one.
void check_files(const BackupRecord& record) {
  for (const std::string& place : record.places) {
    const bool was_empty = std::ranges::find(record.empty, place) != record.empty.end();
    if (!fs::is_directory(place) || (fs::is_empty(place) && !was_empty))
      throw std::runtime_error("nothing has been restored in " + place + ", where the server had files");
  }
  if (!fs::is_directory(fs::path(record.data_directory) / "mysql"))
    throw std::runtime_error(record.data_directory + " does not have the server's system tables");
  if (!is_in_one_of(record.places, {"ib_logfile0", "#innodb_redo"}))
    throw std::runtime_error("InnoDB's redo log (ib_logfile0) has not been restored");
}

}  // namespace

void make_way(const BackupRecord& record, const Config& config) {
  if (!server_in(record, config.server)) return;
  const std::vector<std::string>& stop = config.restore.stop_command;
  if (!stop.empty()) writers::run_for_restore(stop, "stop_command");
  if (const auto server = server_in(record, config.server))
    throw std::runtime_error(*server + ": stop it and restore again, or set stop_command");
}

void complete_restore(const BackupRecord& record, const Config& config) {
  if (const auto server = server_in(record, config.server))
    throw std::runtime_error("a server was started before the files were back (" + *server +
                             "): stop it and restore again");
  check_files(record);
  const std::vector<std::string>& start = config.restore.start_command;
  if (!start.empty()) writers::run_for_restore(start, "start_command");
}

}  // namespace vss::mariadb
