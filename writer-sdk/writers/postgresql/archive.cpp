// SPDX-License-Identifier: LGPL-2.1-or-later
#include "writer-sdk/writers/postgresql/archive.hpp"

#include <algorithm>
#include <iterator>

namespace vss::postgresql {

std::optional<std::string> archive_fault(Connection& server) {
  const Row settings = server.row(
      "SELECT current_setting('archive_mode'), current_setting('archive_command'), "
      "current_setting('archive_library', true)",
      {}, kLookLimit);
  if (settings[0] == "off") return "archive_mode is off: set it";
  if (settings[1].empty() && settings[2].empty())
    return "archive_mode is on, but nothing says how: set archive_command";
  const Row last = server.row(
      "SELECT last_failed_time > coalesce(last_archived_time, '-infinity'), last_failed_wal, "
      "last_failed_time::timestamptz(0) FROM pg_stat_archiver",
      {}, kLookLimit);
  if (last[0] != "t") return std::nullopt;
  return "archiving fails, the last time of " + last[1] + " at " + last[2] +
         ": see the server's log, mend archive_command, and try again when pg_stat_archiver shows a success";
}

// As XLogArchiveIsBusy() of PostgreSQL's xlogarchive.c. The note is renamed, so who looks for both in turn
// may find neither.
std::vector<std::string> not_archived(const std::filesystem::path& wal,
                                      const std::vector<std::string>& segments) {
  const auto has = [&](const std::string& name) { return std::filesystem::exists(wal / name); };
  std::vector<std::string> left;
  std::ranges::copy_if(segments, std::back_inserter(left), [&](const std::string& segment) {
    const std::string note = "archive_status/" + segment;
    return !has(note + ".done") && (has(note + ".ready") || (!has(note + ".done") && has(segment)));
  });
  return left;
}

}  // namespace vss::postgresql
