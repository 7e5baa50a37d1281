// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/mariadb/replication.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

namespace vss::mariadb {
namespace {

namespace fs = std::filesystem;

bool are_on_one_volume(const fs::path& one, const fs::path& other) {
  struct stat first {};
  struct stat second {};
  return ::stat(one.c_str(), &first) == 0 && ::stat(other.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev;
}

// With GTIDs, or relay_log_recovery, a replica gets its relay logs anew when it starts.
bool has_to_trust_its_relay_logs(std::map<std::string, std::string>& replica) {
  return replica["Slave_IO_Running"] != "No" && replica["Using_Gtid"] == "No";
}

}  // namespace

std::optional<std::string> relay_logs_that_move(Connection& server, const std::string& data_directory) {
  auto variables = server.values(
      "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('relay_log_basename', 'relay_log_recovery')");
  const fs::path logs = (fs::path(data_directory) / variables["relay_log_basename"]).parent_path();
  if (variables["relay_log_recovery"] == "ON" || are_on_one_volume(logs, data_directory)) return std::nullopt;
  auto replicas = server.table("SHOW ALL SLAVES STATUS");
  if (std::ranges::none_of(replicas, has_to_trust_its_relay_logs)) return std::nullopt;
  return "the server is a replica, and the relay logs in " + logs.string() +
         " grow whatever is locked: STOP SLAVE IO_THREAD for the time of the backup, or have it use GTIDs "
         "(CHANGE MASTER TO MASTER_USE_GTID = slave_pos) or relay_log_recovery, or have the volumes captured "
         "at one instant (--require cut)";
}

}  // namespace vss::mariadb
