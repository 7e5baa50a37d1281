// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Where a server keeps its files.

#include <map>
#include <string>
#include <vector>

#include "writer-sdk/writers/common/places.hpp"
#include "writer-sdk/writers/mariadb/connection.hpp"

namespace vss::mariadb {

struct ServerLayout {
  std::string product = "MariaDB";
  std::string version;  // "" if no server has told
  std::string data_directory;
  writers::Places logs;       // redo, binary, relay and Aria's logs that lie apart from the data directory
  writers::Places elsewhere;  // other files that do

  // All of it: what a snapshot must have. Real paths.
  [[nodiscard]] writers::Places places() const;
  // "the server in /var/lib/mysql"
  [[nodiscard]] std::string whose() const { return "the server in " + data_directory; }
};

// Of that server. Errors: ServerError, std::filesystem::filesystem_error.
[[nodiscard]] ServerLayout layout_of(Connection& server);
// The same by the values of its variables.
[[nodiscard]] ServerLayout layout_of(const std::map<std::string, std::string>& variables);
// Adds where these are, relative to the data directory or absolute, if that is elsewhere.
void add_data_files(ServerLayout& layout, const std::vector<std::string>& files);
// What the links and mounts in a data directory say; no server has to run. What only the server's
// configuration names is not in it.
[[nodiscard]] ServerLayout layout_on_disk(const std::string& data_directory);

}  // namespace vss::mariadb
