// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// How full the stores of snapshots are, from the kernel's status lines, and how soon they will be full.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace vss::lvm {

struct Fill {
  bool lost = false;
  std::string why;         // lost: the kernel's word for it
  std::uint64_t used = 0;  // sectors or blocks
  std::uint64_t total = 0;
  [[nodiscard]] double percent() const {
    return total == 0 ? 0 : 100.0 * static_cast<double>(used) / static_cast<double>(total);
  }
};

// The parameters of the status of a snapshot target: "16/81920 16", "Invalid", "Overflow", "Merge failed".
// Pure.
[[nodiscard]] Fill parse_snapshot_status(const std::string& parameters);

struct PoolFill {
  Fill data;
  Fill metadata;
  bool can_write = true;  // false: full, read-only or in need of a check
  std::string state;      // the kernel's word for it
  std::uint64_t transaction = 0;
};
// Of a thin-pool target: "5 114/1024 353/9600 - rw discard_passdown queue_if_no_space - 256", "Fail",
// "Error". Pure.
[[nodiscard]] PoolFill parse_pool_status(const std::string& parameters);

// When something that grows is full, judged by its growth since it was first seen and lately.
class Growth {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Seconds until `fill` is full, -1 if it does not grow.
  [[nodiscard]] std::int64_t seconds_left(const std::string& key, const Fill& fill, Time now);
  void forget(const std::string& key) { points_.erase(key); }

 private:
  struct Point {
    Time time;
    std::uint64_t used;
    double per_second;  // smoothed
  };
  std::map<std::string, Point> points_;
};

}  // namespace vss::lvm
