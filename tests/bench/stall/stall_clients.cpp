// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/stall/stall_clients.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>

#include "tests/support/wait_until.hpp"

namespace vss::test {
namespace {

constexpr auto kLimit = std::chrono::seconds(120);

}  // namespace

struct StallClients::Client {
  Client(Database& database, int number, std::chrono::microseconds wait)
      : connection(database.connect(number)), pause(wait), thread([this](std::uint64_t) { step(); }) {}

  void step() {
    Commit commit;
    commit.start = StallClock::now();
    try {
      connection->commit();
    } catch (...) {
      failed = true;
      throw;
    }
    commit.end = StallClock::now();
    {
      const std::lock_guard lock(mutex);
      commits.push_back(commit);
    }
    if (pause.count() != 0) std::this_thread::sleep_for(pause);
  }
  // Of the last one; the beginning of time if there is none.
  [[nodiscard]] StallClock::time_point last_start() {
    const std::lock_guard lock(mutex);
    return commits.empty() ? StallClock::time_point() : commits.back().start;
  }

  std::unique_ptr<DatabaseClient> connection;
  std::chrono::microseconds pause;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::vector<Commit> commits;
  Repeater thread;
};

StallClients::StallClients(Database& database, std::chrono::microseconds pause) {
  for (int i = 0; i < kDatabaseClients; ++i) clients_.push_back(std::make_unique<Client>(database, i, pause));
  wait_for_commit_after(StallClock::now());
}

StallClients::~StallClients() = default;

void StallClients::wait_for_commit_after(StallClock::time_point time) {
  for (const auto& client : clients_) {
    const bool known = wait_until([&] { return client->failed || client->last_start() >= time; }, kLimit);
    if (known && !client->failed) continue;
    client->thread.finish();
    throw std::runtime_error("a client does not get its commits acknowledged");
  }
}

std::vector<Commit> StallClients::between(StallClock::time_point start, StallClock::time_point end) {
  wait_for_commit_after(end);
  std::vector<Commit> found;
  for (const auto& client : clients_) {
    const std::lock_guard lock(client->mutex);
    for (auto commit = client->commits.rbegin(); commit != client->commits.rend() && commit->end >= start;
         ++commit) {
      if (commit->start <= end) found.push_back(*commit);
    }
  }
  return found;
}

}  // namespace vss::test
