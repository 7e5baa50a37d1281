// SPDX-License-Identifier: LGPL-2.1-or-later
// Several writers in several sessions at once, and the levels: vss.md 3.3, 3.6, 5.5 S5 and S6, 5.8 G2.

#include <algorithm>
#include <map>

#include "tests/conformance/conformance_test.hpp"

namespace vss::test {
namespace {

struct Ids {
  std::string session;
  std::string set;
};

class ParallelSessions : public OnBothFaces {
 protected:
  // What a writer was told carries the ids of the session that it was told in, whatever else goes on.
  void check_ids(const std::vector<Ids>& sessions) {
    std::map<std::string, std::string> set_of;
    for (const Ids& ids : sessions) set_of[ids.session] = ids.set;
    for (const LoggedEvent& event : log_.all()) {
      if (event.event == "Identify") continue;
      SCOPED_TRACE(event.writer + ", " + event.event);
      ASSERT_TRUE(set_of.contains(event.session)) << event.session;
      const bool tells_set = event.event == "Freeze" || event.event == "Thaw" ||
                             event.event == "PostSnapshot" || event.event == "BackupShutdown";
      EXPECT_EQ(event.set, tells_set ? set_of[event.session] : "");
    }
  }
  std::vector<std::string> order_of(const std::string& event) {
    std::vector<std::string> writers;
    for (const LoggedEvent& entry : log_.all()) {
      if (entry.event == event) writers.push_back(entry.writer);
    }
    return writers;
  }
};

// 3.6: users of a store are frozen before it and thawed after it. A level waits for all of the one before.
TEST_P(ParallelSessions, FreezeGoesDownTheLevelsAndThawUp) {
  SCOPED_TRACE("vss.md 3.6; 1.2 B16; 1.3 step 11");
  start();
  const std::vector<std::pair<std::string, vss_level>> kWriters = {
      {"system 1", VSS_LEVEL_SYSTEM},  {"store 1", VSS_LEVEL_BACK_END}, {"user 1", VSS_LEVEL_FRONT_END},
      {"user 2", VSS_LEVEL_FRONT_END}, {"store 2", VSS_LEVEL_BACK_END}, {"system 2", VSS_LEVEL_SYSTEM}};
  for (const auto& [name, level] : kWriters) {
    // The first of each level is slow: the next level must not have begun meanwhile.
    ScriptedWriter& writer = add_writer(name, level);
    if (!name.ends_with("1")) continue;
    writer.on("Freeze", Reaction::after(std::chrono::milliseconds(100)));
    writer.on("Thaw", Reaction::after(std::chrono::milliseconds(100)));
  }
  Requester requester;
  ASSERT_TRUE(requester.run_until(plan()));
  ASSERT_TRUE(requester.backup("BackupComplete"));
  ASSERT_TRUE(requester.backup("Release"));
  const auto level_of = [](const std::string& writer) { return writer.substr(0, writer.find(' ')); };
  for (const bool freeze : {true, false}) {
    std::vector<std::string> levels;
    for (const std::string& writer : order_of(freeze ? "Freeze" : "Thaw")) levels.push_back(level_of(writer));
    std::vector<std::string> expected{"user", "user", "store", "store", "system", "system"};
    if (!freeze) std::ranges::reverse(expected);
    EXPECT_EQ(levels, expected);
    // The slow one of a level and the first of the next: as far apart as it was slow.
    const std::vector<LoggedEvent> log = log_.all();
    const auto time = [&](const std::string& writer) {
      const auto at = std::ranges::find_if(log, [&](const LoggedEvent& event) {
        return event.writer == writer && event.event == (freeze ? "Freeze" : "Thaw");
      });
      return at->time;
    };
    EXPECT_GE(freeze ? time("store 2") - time("user 1") : time("user 2") - time("store 1"),
              std::chrono::milliseconds(100));
  }
  for (const auto& [name, level] : kWriters) EXPECT_EQ(told(name), "bsFTPCS") << name;
}

TEST_P(ParallelSessions, EachEventCarriesTheIdsOfItsOwnSession) {
  SCOPED_TRACE("vss.md 3.3, GetCurrentSnapshotSetId; 5.5 S5, S6");
  constexpr std::size_t kAtOnce = 6;
  start();
  for (const char* name : {"a", "b", "c"}) add_writer(name);
  std::vector<std::unique_ptr<Requester>> requesters;
  std::vector<Ids> ids;
  // All of them in the middle of a backup at the same time.
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    requesters.push_back(std::make_unique<Requester>());
    const Reply<> made = requesters.back()->run_until(plan());
    ASSERT_TRUE(made) << made.error().message;
    ids.push_back({requesters.back()->property("SessionId"), requesters.back()->property("SnapshotSetId")});
  }
  EXPECT_EQ(sessions(), kAtOnce);
  EXPECT_EQ(provider_snapshots(), kAtOnce);
  // They end in another order than they began, in the ways that there are.
  const std::size_t order[kAtOnce] = {3, 0, 5, 1, 4, 2};
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    Requester& requester = *requesters[order[i]];
    const bool dies = i % 3 == 2;
    if (i % 3 == 0) {
      EXPECT_EQ(name_of(requester.backup("BackupComplete")), "");
    }
    if (dies) {
      requesters[order[i]].reset();
    } else {
      EXPECT_EQ(name_of(requester.backup("Release")), "");
    }
    ASSERT_TRUE(log_.wait_for("BackupShutdown", 3 * (i + 1)));
    const std::vector<LoggedEvent> log = log_.all();
    for (std::size_t back = 1; back <= 3; ++back) {
      EXPECT_EQ(log[log.size() - back].event, "BackupShutdown");
      EXPECT_EQ(log[log.size() - back].set, ids[order[i]].set)
          << "of the operation that ends, and of no other";
    }
    ASSERT_TRUE(
        wait_until([&] { return provider_snapshots() == kAtOnce - i - 1; }, std::chrono::seconds(20)));
  }
  check_ids(ids);
  expect_nothing_left();
}

// A set is being made while another session, which is over with it, comes to its end.
TEST_P(ParallelSessions, OneEndsWhileTheWritersAreFrozenForAnother) {
  start();
  for (const char* name : {"a", "b"}) add_writer(name);
  for (const bool dies : {false, true}) {
    SCOPED_TRACE("vss.md 5.5 S5, S6");
    SCOPED_TRACE(dies ? "its requester dies" : "it is released");
    auto first = std::make_unique<Requester>();
    ASSERT_TRUE(first->run_until(plan()));
    std::vector<Ids> ids{{first->property("SessionId"), first->property("SnapshotSetId")}};
    Requester second;
    std::optional<PendingCall> running = bring_to(second, {"DoSnapshotSet", "", "pre_commit"}, plan());
    ids.push_back({second.property("SessionId"), second.property("SnapshotSetId")});
    if (!dies) {
      EXPECT_EQ(name_of(first->backup("Release")), "");
    }
    first.reset();
    ASSERT_TRUE(log_.wait_for("BackupShutdown", 2));
    for (const LoggedEvent& event : log_.all()) {
      if (event.event == "BackupShutdown") {
        EXPECT_EQ(event.set, ids.front().set);
      }
    }
    let_go();
    EXPECT_EQ(name_of(running->result()), "");
    // The set of the first one had to wait until the other was captured.
    ASSERT_TRUE(wait_until([&] { return provider_snapshots() == 1 && catalogue_entries() == 1; },
                           std::chrono::seconds(20)));
    EXPECT_EQ(name_of(second.backup("BackupComplete")), "");
    EXPECT_EQ(name_of(second.backup("Release")), "");
    check_ids(ids);
    end_row();
  }
  expect_nothing_left();
}

// A writer that fails in one session, and one whose requester dies: the others are as they were.
TEST_P(ParallelSessions, AnEndInOneSessionIsNoneInAnother) {
  SCOPED_TRACE("vss.md 5.8 G2; 5.5 S6");
  start();
  ScriptedWriter& writer = add_writer("writer");
  auto doomed = std::make_unique<RequesterProcess>("DoSnapshotSet", std::vector{volume()});
  ASSERT_TRUE(doomed->wait_for("DoSnapshotSet")) << doomed->output();
  const std::string dead = doomed->set_id();
  Requester survivor;
  ASSERT_TRUE(survivor.run_until(plan()));
  writer.on("Freeze", Reaction::veto(VSS_E_WRITER_RETRYABLE, "not again"));
  Requester refused;
  EXPECT_EQ(name_of(refused.run_until(plan())), "WriterRetryable");
  writer.on("Freeze", Reaction::ok());
  doomed->kill9();
  ASSERT_TRUE(log_.wait_for("BackupShutdown"));
  EXPECT_EQ(log_.all().back().set, dead);
  EXPECT_EQ(survivor.state(), "snapped");
  EXPECT_EQ(get<std::string>(status_of(survivor, "writer"), "state"), "waiting-for-backup-complete");
  EXPECT_EQ(get<std::string>(status_of(survivor, "writer"), "failure"), "");
  ASSERT_TRUE(wait_until([&] { return provider_snapshots() == 1; }, std::chrono::seconds(10)));
  EXPECT_EQ(name_of(survivor.backup("BackupComplete")), "");
  EXPECT_EQ(name_of(survivor.backup("Release")), "");
  EXPECT_EQ(name_of(refused.backup("Release")), "");
  expect_nothing_left();
}

VSS_ON_BOTH_FACES(ParallelSessions);

}  // namespace
}  // namespace vss::test
