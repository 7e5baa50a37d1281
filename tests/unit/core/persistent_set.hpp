// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// A world with one set of two volumes that outlives its session.

#include <gtest/gtest.h>

#include "tests/unit/core/fakes.hpp"

namespace vss::core::fakes {

inline void run_until(World& world, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    world.loop.restart();
    world.loop.run_one_for(std::chrono::milliseconds(5));
  }
}

class PersistentSet : public testing::Test {
 protected:
  enum class Release : std::uint8_t { Yes, No };
  PersistentSet() { spdlog::set_level(spdlog::level::off); }
  void make_set(Release release = Release::Yes, const std::string& context = "nas-rollback") {
    session = world.session();
    if (context != "backup") {
      ASSERT_TRUE(session->set_context(context));
    }
    Result<Guid> started = world.await(session->start_snapshot_set());
    ASSERT_TRUE(started);
    set = *started;
    for (const char* volume : {"/a", "/b"}) {
      Result<Guid> snapshot = world.await(session->add_to_snapshot_set(volume, ""));
      ASSERT_TRUE(snapshot);
      snapshots.push_back(*snapshot);
    }
    ASSERT_TRUE(world.await(session->do_snapshot_set()));
    if (release == Release::Yes) world.await(world.coordinator.release(session));
  }
  void run_until(const std::function<bool()>& condition) { fakes::run_until(world, condition); }

  World world;
  std::shared_ptr<BackupSession> session;
  Guid set;
  std::vector<Guid> snapshots;
};

}  // namespace vss::core::fakes
