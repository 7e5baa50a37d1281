// SPDX-License-Identifier: LGPL-2.1-or-later
// The engine with its handler thread, and a loop thread that is the test.
#include "writer-sdk/src/engine.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <stdexcept>

#include "tests/support/wait_until.hpp"

namespace vss {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

const std::string kSet = "11111111-0000-4000-8000-000000000001";
constexpr auto kLimit = 20s;

struct Counts {
  std::atomic<int> frozen{0};
  std::atomic<int> thawed{0};
  std::atomic<int> aborted{0};
  std::atomic<int> ended{0};
  std::atomic<int> faults{0};  // the state was not what the contract promises
  std::atomic<int> still{0};
};

vss_writer_callbacks counting_callbacks() {
  vss_writer_callbacks callbacks = VSS_WRITER_CALLBACKS_INIT;
  callbacks.on_freeze = [](vss_session*, void* user) {
    auto& counts = *static_cast<Counts*>(user);
    counts.faults += counts.still.exchange(1);
    ++counts.frozen;
    return 0;
  };
  callbacks.on_thaw = [](vss_session*, void* user) {
    auto& counts = *static_cast<Counts*>(user);
    counts.faults += 1 - counts.still.exchange(0);
    ++counts.thawed;
    return 0;
  };
  callbacks.on_abort = [](vss_session*, void* user) {
    auto& counts = *static_cast<Counts*>(user);
    counts.still = 0;
    ++counts.aborted;
    return 0;
  };
  callbacks.on_backup_shutdown = [](vss_session*, void* user) {
    auto& counts = *static_cast<Counts*>(user);
    counts.faults += counts.still.load();
    ++counts.ended;
    return 0;
  };
  return callbacks;
}

WriterConfig config() {
  return {.name = "w",
          .class_id = "",
          .instance_name = "",
          .version = "",
          .level = "front-end",
          .freeze_timeout = 60s};
}

// The window is so short that it ends before, while and after Thaw, Abort and the end of vssd come.
TEST(Engine, AFreezeIsAlwaysEndedOnceWhateverRacesWithWhat) {
  Counts counts;
  const auto callbacks = counting_callbacks();
  Engine engine(config(), callbacks, &counts, [] {});
  engine.queue().start_thread();
  constexpr int kRounds = 2000;
  for (int round = 0; round < kRounds; ++round) {
    const std::string session = "s" + std::to_string(round);
    const auto send = [&](Event event, EventArgs args = {}) {
      engine.event(event, session, kSet, std::move(args), Clock::now(), [](const Answer&) {});
    };
    send(Event::PrepareForBackup);
    send(Event::PrepareForSnapshot);
    EventArgs window;
    window.window_ms = static_cast<std::uint32_t>(round % 2);
    send(Event::Freeze, window);
    if (round % 5 == 0) (void)test::wait_until([&] { return counts.frozen > round / 2; }, 1ms);
    if (round % 3 != 0) send(Event::Thaw);
    engine.expire(Clock::now());
    if (round % 7 == 0) send(Event::Abort);
    if (round % 4 == 0) {
      engine.end_all("gone");
    } else {
      send(Event::BackupShutdown);
    }
    engine.deliver();
  }
  ASSERT_TRUE(test::wait_until([&] { return engine.deliver(), engine.queue().idle(); }, kLimit));
  EXPECT_EQ(counts.ended, kRounds);
  EXPECT_EQ(counts.faults, 0);
  EXPECT_EQ(counts.still, 0);
  EXPECT_GT(counts.frozen, 0);
  EXPECT_GT(counts.aborted, 0);
}

TEST(Engine, AnExceptionThroughTheCInterfaceIsAVeto) {
  vss_writer_callbacks callbacks = VSS_WRITER_CALLBACKS_INIT;
  callbacks.on_prepare_backup = [](vss_session*, void*) -> int { throw std::runtime_error("oops"); };
  callbacks.on_identify = [](vss_metadata*, void*) -> int { throw 7; };
  callbacks.on_state_changed = [](vss_writer_state, const char*, void*) { throw 7; };
  Engine engine(config(), callbacks, nullptr, [] {});
  Answer event_answer;
  Answer identify_answer;
  engine.event(Event::PrepareForBackup, "s", kSet, {}, Clock::now(),
               [&](const Answer& a) { event_answer = a; });
  engine.identify([&](const Answer& a) { identify_answer = a; });
  engine.state_changed(VSS_WRITER_REGISTERED, "");
  while (engine.queue().run_one()) engine.deliver();
  EXPECT_EQ(event_answer.kind, Answer::Kind::Veto);
  EXPECT_EQ(event_answer.message, "oops");
  EXPECT_EQ(identify_answer.kind, Answer::Kind::Error);
}

TEST(Engine, AFreezeThatHasNotBegunWhenItsSessionIsAbortedDoesNotBegin) {
  Counts counts;
  const auto callbacks = counting_callbacks();
  Engine engine(config(), callbacks, &counts, [] {});
  Answer freeze;
  for (const Event event :
       {Event::PrepareForBackup, Event::PrepareForSnapshot, Event::Freeze, Event::Abort}) {
    engine.event(event, "s", kSet, {}, Clock::now(), [&, event](const Answer& answer) {
      if (event == Event::Freeze) freeze = answer;
    });
  }
  while (engine.queue().run_one()) engine.deliver();
  EXPECT_EQ(counts.frozen, 0);
  EXPECT_EQ(counts.aborted, 1);
  EXPECT_EQ(freeze.kind, Answer::Kind::Veto);
}

}  // namespace
}  // namespace vss
