// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// What vssctl prints, as text. JSON goes out as it is, one value on one line; this is the form for people.

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/cli/json.hpp"

namespace vss::cli {

struct Column {
  const char* title;
  const char* key;
};

// Rows of strings under titles, columns aligned, two blanks between them.
[[nodiscard]] std::string aligned(const std::vector<std::string>& titles,
                                  const std::vector<std::vector<std::string>>& rows);
// The objects of an array by column.
[[nodiscard]] std::string table(const Json& rows, const std::vector<Column>& columns);

// A value in a cell: strings bare, lists with commas, "-" for what is empty.
[[nodiscard]] std::string cell(const Json& value);
// "2026-01-31 23:59:00" (UTC) of Unix seconds; "-" for 0.
[[nodiscard]] std::string utc_time(std::uint64_t seconds);
// Control characters as \x1b and so on: names come from others, a terminal obeys them.
[[nodiscard]] std::string printable(const std::string& string);

[[nodiscard]] std::string describe_set(const Json& set);
[[nodiscard]] std::string describe_snapshots(const Json& snapshots);
[[nodiscard]] std::string describe_snapshot(const Json& snapshot);
[[nodiscard]] std::string describe_writers(const Json& writers);
[[nodiscard]] std::string describe_failures(const Json& failures);
[[nodiscard]] std::string describe_providers(const Json& providers);
[[nodiscard]] std::string describe_volumes(const Json& volumes);
[[nodiscard]] std::string describe_storage(const Json& storage);
// What BreakSnapshotSet, and RevertToSnapshot or QueryRevertStatus have answered.
[[nodiscard]] std::string describe_broken(const Json& volumes);
[[nodiscard]] std::string describe_revert(const Json& status);
// What DeleteSnapshots has answered: {"deleted","failed"}.
[[nodiscard]] Json deletion(const std::tuple<std::uint32_t, std::string>& answer);
[[nodiscard]] std::string describe_deletion(const Json& answer);
// "1.5 GiB"
[[nodiscard]] std::string size_text(std::uint64_t bytes);
[[nodiscard]] std::string describe_status(const Json& status);
// One line for one signal, as monitor shows it.
[[nodiscard]] std::string describe_signal(const Json& signal);

}  // namespace vss::cli
