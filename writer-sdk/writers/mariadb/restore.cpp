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
  writers::expect_restored(record.places, record.empty);
  if (!fs::is_directory(fs::path(record.data_directory) / "mysql"))
    throw std::runtime_error(record.data_directory + " does not have the server's system tables");
  if (!is_in_one_of(record.places, {"ib_logfile0", "#innodb_redo"}))
    throw std::runtime_error("InnoDB's redo log (ib_logfile0) has not been restored");
}

}  // namespace

void make_way(const BackupRecord& record, const Config& config) {
  writers::make_way([&] { return server_in(record, config.server); }, config.restore.stop_command);
}

void complete_restore(const BackupRecord& record, const Config& config) {
  writers::expect_no_server([&] { return server_in(record, config.server); });
  check_files(record);
  writers::start_server(config.restore.start_command);
}

}  // namespace vss::mariadb
