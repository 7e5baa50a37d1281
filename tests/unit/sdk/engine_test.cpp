// SPDX-License-Identifier: LGPL-2.1-or-later
// The engine with its handler thread, and a loop thread that is the test.
#include "writer-sdk/src/engine.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>

#include "tests/support/wait_until.hpp"
#include "writer-sdk/src/component_document.hpp"

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

WriterConfig config() { return {.name = "w", .class_id = "", .instance_name = "", .version = ""}; }

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

// What the handlers of the following tests do, event by event.
using Handlers = std::map<Event, std::function<int(vss_session*)>>;

template <Event event>
int call(vss_session* session, void* user) {
  const auto& handlers = *static_cast<Handlers*>(user);
  const auto found = handlers.find(event);
  return found == handlers.end() ? 0 : found->second(session);
}

vss_writer_callbacks calling() {
  vss_writer_callbacks callbacks = VSS_WRITER_CALLBACKS_INIT;
  callbacks.on_prepare_backup = call<Event::PrepareForBackup>;
  callbacks.on_prepare_snapshot = call<Event::PrepareForSnapshot>;
  callbacks.on_abort = call<Event::Abort>;
  callbacks.on_backup_shutdown = call<Event::BackupShutdown>;
  callbacks.on_pre_restore = call<Event::PreRestore>;
  callbacks.on_restore_shutdown = call<Event::RestoreShutdown>;
  return callbacks;
}

EventArgs with_components() {
  EventArgs args;
  args.components = std::make_shared<const doc::Components>(
      doc::parse_components(R"({"components":[{"logical_path":"","name":"c"}]})").value());
  return args;
}

Answer answer_of(Engine& engine, Event event, EventArgs args = {}) {
  Answer result;
  engine.event(event, "s", kSet, std::move(args), Clock::now(),
               [&](const Answer& answer) { result = answer; });
  while (engine.queue().run_one()) engine.deliver();
  return result;
}

TEST(Engine, WhatAHandlerSetsIsInItsAnswerAndKnownToTheNext) {
  std::string seen;
  Handlers handlers;
  handlers[Event::PrepareForBackup] = [](vss_session* s) {
    return vss_component_set_backup_stamp(s, 0, "1");
  };
  handlers[Event::PrepareForSnapshot] = [&](vss_session* s) {
    seen = vss_component_backup_stamp(s, 0);
    return 0;
  };
  Engine engine(config(), calling(), &handlers, [] {});
  const Answer prepare = answer_of(engine, Event::PrepareForBackup, with_components());
  EXPECT_EQ(prepare.kind, Answer::Kind::Success);
  EXPECT_EQ(prepare.document, R"({"components":[{"backup_stamp":"1","logical_path":"","name":"c"}]})");
  EXPECT_EQ(answer_of(engine, Event::PrepareForSnapshot).document, "");
  EXPECT_EQ(seen, "1");
}

TEST(Engine, WhatAHandlerSetsGoesAlongWithItsRefusalAndItsException) {
  for (const bool throws : {false, true}) {
    Handlers handlers;
    handlers[Event::PrepareForBackup] = [throws](vss_session* s) {
      EXPECT_EQ(vss_component_fail(s, 0, VSS_E_WRITER_RETRYABLE, 0, "no"), VSS_OK);
      if (throws) throw std::runtime_error("oops");
      return 1;
    };
    Engine engine(config(), calling(), &handlers, [] {});
    const Answer answer = answer_of(engine, Event::PrepareForBackup, with_components());
    EXPECT_EQ(answer.kind, Answer::Kind::Veto);
    EXPECT_NE(
        answer.document.find(R"("failure":{"application_code":0,"error":"WriterRetryable","message":"no"})"),
        std::string::npos)
        << answer.document;
  }
}

TEST(Engine, AnAnswerThatIsTooLargeIsAVeto) {
  Handlers handlers;
  handlers[Event::PrepareForBackup] = [](vss_session* s) {
    return vss_component_set_backup_metadata(s, 0, std::string(doc::kEditsLimit, 'x').c_str());
  };
  Engine engine(config(), calling(), &handlers, [] {});
  const Answer answer = answer_of(engine, Event::PrepareForBackup, with_components());
  EXPECT_EQ(answer.kind, Answer::Kind::Veto);
  EXPECT_EQ(answer.code, ErrorCode::WriterOutOfResources);
  EXPECT_EQ(answer.document, "");
}

TEST(Engine, AHandlerLearnsThatTheWriterStops) {
  std::vector<int> seen;
  Handlers handlers;
  handlers[Event::PrepareForBackup] = handlers[Event::BackupShutdown] = [&](vss_session* s) {
    seen.push_back(vss_is_writer_shutting_down(s));
    return 0;
  };
  Engine engine(config(), calling(), &handlers, [] {});
  (void)answer_of(engine, Event::PrepareForBackup);
  engine.announce_stop();
  (void)answer_of(engine, Event::BackupShutdown);
  EXPECT_EQ(seen, (std::vector<int>{0, 1}));
}

// Overlapping operations: each ends with its own event and its own set.
TEST(Engine, WhenVssdIsLostEachOperationEndsWithItsOwnSet) {
  std::multiset<std::string> ended;
  Handlers handlers;
  const auto note = [&](const std::string& event) {
    return [&ended, event](vss_session* s) {
      const char* set = "-";
      (void)vss_shutdown_set_id(s, &set);
      ended.insert(event + " " + vss_session_id(s) + " " + set);
      return 0;
    };
  };
  handlers[Event::Abort] = note("abort");
  handlers[Event::BackupShutdown] = note("backup_shutdown");
  handlers[Event::RestoreShutdown] = note("restore_shutdown");
  Engine engine(config(), calling(), &handlers, [] {});
  const auto send = [&](Event event, const std::string& session, std::string_view set) {
    engine.event(event, session, std::string(set), {}, Clock::now(), [](const Answer&) {});
  };
  send(Event::PrepareForBackup, "a", kNullGuid);
  send(Event::PrepareForBackup, "b", kNullGuid);
  send(Event::PreRestore, "r", kNullGuid);
  send(Event::PrepareForSnapshot, "a", "set-a");
  send(Event::PrepareForBackup, "c", kNullGuid);
  send(Event::PrepareForSnapshot, "b", "set-b");
  engine.end_all("gone");
  while (engine.queue().run_one()) engine.deliver();
  EXPECT_EQ(ended,
            (std::multiset<std::string>{
                "abort a -", "abort b -", "abort c -", "backup_shutdown a set-a", "backup_shutdown b set-b",
                "backup_shutdown c " + std::string(kNullGuid), "restore_shutdown r -"}));
}

TEST(Engine, ARestoreThatEndsBeforeItsHandlerBeganIsOnlyShutDown) {
  std::vector<std::string> run;
  Handlers handlers;
  handlers[Event::PreRestore] = [&](vss_session*) { return run.emplace_back("pre_restore"), 0; };
  handlers[Event::RestoreShutdown] = [&](vss_session*) { return run.emplace_back("restore_shutdown"), 0; };
  Engine engine(config(), calling(), &handlers, [] {});
  Answer answer;
  engine.event(Event::PreRestore, "r", std::string(kNullGuid), {}, Clock::now(),
               [&](const Answer& a) { answer = a; });
  engine.end_all("gone");
  while (engine.queue().run_one()) engine.deliver();
  EXPECT_EQ(run, std::vector<std::string>{"restore_shutdown"});
  EXPECT_EQ(answer.kind, Answer::Kind::Veto);
}

}  // namespace
}  // namespace vss
