// SPDX-License-Identifier: LGPL-2.1-or-later
#include "providers/lvm/snapshot_health.hpp"

#include <sstream>

namespace vss::lvm {

namespace {

bool read_fraction(std::istream& from, Fill& fill) {
  char slash = 0;
  return static_cast<bool>(from >> fill.used >> slash >> fill.total) && slash == '/' && fill.total != 0;
}

}  // namespace

Fill parse_snapshot_status(const std::string& parameters) {
  Fill fill;
  std::istringstream words(parameters);
  if (read_fraction(words, fill)) return fill;
  return {true, parameters, 0, 0};
}

PoolFill parse_pool_status(const std::string& parameters) {
  PoolFill pool;
  std::istringstream words(parameters);
  std::string held;
  if (!(words >> pool.transaction) || !read_fraction(words, pool.metadata) ||
      !read_fraction(words, pool.data) || !(words >> held >> pool.state)) {
    return {{true, parameters, 0, 0}, {true, parameters, 0, 0}, false, parameters, 0};
  }
  std::string word;
  while (words >> word) {
    if (word == "needs_check") pool.state += " needs_check";
  }
  pool.can_write = pool.state == "rw";
  return pool;
}

std::int64_t Growth::seconds_left(const std::string& key, const Fill& fill, Time now) {
  const auto [entry, is_new] = points_.try_emplace(key, Point{now, fill.used, 0});
  Point& point = entry->second;
  const double seconds = std::chrono::duration<double>(now - point.time).count();
  if (!is_new && seconds > 0) {
    const double rate = fill.used < point.used ? 0 : static_cast<double>(fill.used - point.used) / seconds;
    point = {now, fill.used, point.per_second > 0 ? (point.per_second + rate) / 2 : rate};
  }
  if (point.per_second <= 0) return -1;
  return static_cast<std::int64_t>(static_cast<double>(fill.total - fill.used) / point.per_second);
}

}  // namespace vss::lvm
