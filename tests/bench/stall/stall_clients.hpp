// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Clients of a database that commit one small transaction after the other, and how long each has taken.

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "tests/bench/stall/database.hpp"
#include "tests/loop/vssd/counter_writers.hpp"

namespace vss::test {

using StallClock = std::chrono::steady_clock;

[[nodiscard]] inline double milliseconds(StallClock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// One transaction, from before it was sent until its commit was acknowledged.
struct Commit {
  StallClock::time_point start;
  StallClock::time_point end;
  [[nodiscard]] double milliseconds() const { return test::milliseconds(end - start); }
};

class StallClients {
 public:
  // `pause`: of each client after each commit. All have committed something when this returns.
  StallClients(Database& database, std::chrono::microseconds pause);
  ~StallClients();
  StallClients(const StallClients&) = delete;
  StallClients& operator=(const StallClients&) = delete;

  // Those that were under way at any time from `start` to `end`, which has passed. Waits until they are
  // known. Throws what a client has thrown.
  [[nodiscard]] std::vector<Commit> between(StallClock::time_point start, StallClock::time_point end);

 private:
  struct Client;
  void wait_for_commit_after(StallClock::time_point time);
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace vss::test
