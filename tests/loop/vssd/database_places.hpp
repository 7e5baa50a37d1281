// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <filesystem>

namespace vss::test {

// Where a database has its files, or the volumes of these places.
struct DatabasePlaces {
  std::filesystem::path data;
  std::filesystem::path log;  // WAL, redo and binary logs
  std::filesystem::path far;  // a tablespace, or tables with a directory of their own
};

}  // namespace vss::test
