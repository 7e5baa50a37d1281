// SPDX-License-Identifier: LGPL-2.1-or-later
// The sequence of a snapshot set against fakes: order, aborts, guards. vss.md 1.3, 5.1, 5.3, 5.5, 5.6; design
// 6, 8.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/core/fakes.hpp"

namespace vss::core {
namespace {

using fakes::Behaviour;
using fakes::FakeWriter;
using fakes::World;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Sequence : public testing::Test {
 protected:
  Sequence() { spdlog::set_level(spdlog::level::off); }
  // Brings a session up to the call before DoSnapshotSet.
  std::shared_ptr<BackupSession> prepared(BackupOptions options = {}, std::string_view context = "backup",
                                          std::vector<std::string> volumes = {"/a", "/b"}) {
    auto session = world.session(options);
    if (context != "backup") {
      EXPECT_TRUE(session->set_context(context));
    }
    EXPECT_TRUE(session->set_backup_state({}));
    EXPECT_TRUE(world.await(session->gather_writer_metadata()));
    EXPECT_TRUE(world.await(session->start_snapshot_set()));
    for (const std::string& volume : volumes) {
      EXPECT_TRUE(world.await(session->add_to_snapshot_set(volume, "")));
    }
    if (has_writers(session->context())) {
      EXPECT_TRUE(world.await(session->prepare_for_backup()));
    }
    return session;
  }
  void expect_nothing_left() {
    EXPECT_THAT(world.provider.existing, IsEmpty());
    EXPECT_THAT(world.catalogue.records, IsEmpty());
    EXPECT_THAT(world.mounter.mounted, IsEmpty());
    EXPECT_FALSE(world.coordinator.lock().holder());
    EXPECT_EQ(world.holder.held, 0);
    EXPECT_EQ(world.log_gate.depth, 0);
  }
  static std::size_t count(const FakeWriter& writer, const std::string& event) {
    return static_cast<std::size_t>(std::ranges::count(writer.events, event));
  }
  World world;
};

TEST_F(Sequence, EventsAndOperationsComeInTheOrderOfTheDesign) {
  world.add_writer("system", WriterLevel::System);
  world.add_writer("front", WriterLevel::FrontEnd);
  world.add_writer("back", WriterLevel::BackEnd);
  auto session = prepared();
  world.trace.clear();
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  ASSERT_TRUE(world.await(session->backup_complete()));
  world.await(world.coordinator.release(session));
  // Writers of one level are asked at the same time; which comes first is not fixed.
  const auto sort_writers = [&](const std::string& event) {
    const auto is_event = [&](const std::string& line) { return line.ends_with(" " + event); };
    const auto first = std::ranges::find_if(world.trace, is_event);
    std::sort(first, std::find_if_not(first, world.trace.end(), is_event));
  };
  for (const char* event : {"PrepareForSnapshot", "PostSnapshot", "BackupComplete", "BackupShutdown"}) {
    sort_writers(event);
  }
  EXPECT_THAT(
      world.trace,
      ElementsAre("back PrepareForSnapshot", "front PrepareForSnapshot", "system PrepareForSnapshot",
                  "provider end_prepare", "flush", "arm", "front Freeze", "back Freeze", "system Freeze",
                  "provider pre_commit", "hold 0", "hold 1", "provider commit", "release 1",
                  "provider commit", "release 0", "finish", "provider post_commit", "system Thaw",
                  "back Thaw", "front Thaw", "provider pre_final_commit", "mount rw", "mount rw",
                  "back PostSnapshot", "front PostSnapshot", "system PostSnapshot",
                  "provider post_final_commit", "mount ro", "mount ro", "back BackupComplete",
                  "front BackupComplete", "system BackupComplete", "back BackupShutdown",
                  "front BackupShutdown", "system BackupShutdown", "provider remove", "provider remove"));
  expect_nothing_left();
}

TEST_F(Sequence, BackupShutdownCarriesTheSetThatWasMade) {
  const auto writer = world.add_writer("w");
  auto session = prepared();
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  const Guid set = session->set_id();
  world.await(world.coordinator.release(session));
  EXPECT_EQ(writer->events.back(), "BackupShutdown");
  EXPECT_EQ(writer->sets.back(), set);
}

TEST_F(Sequence, BackupShutdownCarriesTheNullIdIfNoSetWasMade) {
  const auto writer = world.add_writer("w");
  auto session = prepared();
  world.await(world.coordinator.release(session));
  EXPECT_THAT(writer->events, ElementsAre("PrepareForBackup", "BackupShutdown"));
  EXPECT_TRUE(writer->sets.back().is_null());
  expect_nothing_left();
}

// Rows of vss.md 5.1: what a writer does, and what follows for it, for its neighbour and for the call.
struct VetoRow {
  std::string event;
  Behaviour::Kind behaviour;
  bool call_succeeds;
  bool aborts;
  WriterState state;
};

class WriterFails : public Sequence, public testing::WithParamInterface<VetoRow> {};

TEST_P(WriterFails, AbortIsRaisedOnlyForItsThreeCauses) {
  const VetoRow& row = GetParam();
  const auto bad = world.add_writer("bad");
  const auto good = world.add_writer("good");
  bad->script[row.event] = {row.behaviour, ErrorCode::WriterRetryable};
  auto session = prepared();
  const Status done = world.await(session->do_snapshot_set());
  EXPECT_EQ(done.has_value(), row.call_succeeds) << (done ? "" : done.error().message);
  world.settle();
  const auto participant = session->writers().find(bad->info().instance_id);
  ASSERT_TRUE(participant);
  EXPECT_EQ(participant->state, row.state);
  EXPECT_EQ(count(*good, "Abort"), row.aborts ? 1U : 0U);
  if (!row.call_succeeds) {
    EXPECT_THAT(done.error().message, HasSubstr("bad"));
    expect_nothing_left();
    // The requester cannot know whether Abort went out and calls it again: it is not repeated to the writers.
    EXPECT_TRUE(world.await(session->abort_backup()));
    EXPECT_LE(count(*good, "Abort"), 1U);
    EXPECT_LE(count(*bad, "Abort"), 1U);
  }
  for (const auto& writer : {bad, good}) {
    const auto freeze = std::ranges::find(writer->events, "Freeze");
    if (freeze == writer->events.end()) continue;
    ASSERT_NE(freeze + 1, writer->events.end()) << "Freeze has to be followed by Thaw or Abort";
    EXPECT_THAT(*(freeze + 1), testing::AnyOf("Thaw", "Abort"));
  }
  world.await(world.coordinator.release(session));
  EXPECT_EQ(count(*bad, "BackupShutdown"), 1U);
  EXPECT_EQ(count(*good, "BackupShutdown"), 1U);
  expect_nothing_left();
}

constexpr auto kFail = Behaviour::Kind::Fail;
constexpr auto kNoVeto = Behaviour::Kind::FailWithoutVeto;
constexpr auto kHang = Behaviour::Kind::Hang;

INSTANTIATE_TEST_SUITE_P(
    Table, WriterFails,
    testing::Values(VetoRow{"PrepareForBackup", kFail, true, false, WriterState::FailedAtPrepareBackup},
                    VetoRow{"PrepareForBackup", kHang, true, false, WriterState::FailedAtPrepareBackup},
                    VetoRow{"PrepareForSnapshot", kFail, true, false, WriterState::FailedAtPrepareSnapshot},
                    VetoRow{"PrepareForSnapshot", kHang, true, false, WriterState::FailedAtPrepareSnapshot},
                    VetoRow{"Freeze", kFail, false, true, WriterState::FailedAtFreeze},
                    VetoRow{"Freeze", kHang, false, true, WriterState::FailedAtFreeze},
                    VetoRow{"Freeze", kNoVeto, true, false, WriterState::FailedAtFreeze},
                    VetoRow{"Thaw", kFail, false, true, WriterState::FailedAtThaw},
                    VetoRow{"Thaw", kHang, false, true, WriterState::FailedAtThaw},
                    VetoRow{"PostSnapshot", kFail, true, false, WriterState::FailedAtPostSnapshot},
                    VetoRow{"PostSnapshot", kHang, true, false, WriterState::FailedAtPostSnapshot}),
    [](const auto& row) {
      const char* how = row.param.behaviour == kFail   ? "Vetoes"
                        : row.param.behaviour == kHang ? "Hangs"
                                                       : "Reports";
      return row.param.event + how;
    });

TEST_F(Sequence, UnderThePolicyLenientAVetoAtFreezeOrThawAbortsThatWriterAlone) {
  for (const char* event : {"Freeze", "Thaw"}) {
    SCOPED_TRACE(event);
    const auto bad = world.add_writer(std::string("bad at ") + event);
    const auto good = world.add_writer(std::string("good at ") + event);
    bad->script[event] = {kFail, ErrorCode::WriterRetryable};
    BackupOptions options;
    options.strict = false;
    auto session = prepared(options);
    EXPECT_TRUE(world.await(session->do_snapshot_set()));
    EXPECT_EQ(count(*bad, "Abort"), 1U);
    EXPECT_EQ(count(*bad, "PostSnapshot"), 0U);
    EXPECT_EQ(count(*good, "Thaw"), 1U);
    EXPECT_EQ(count(*good, "Abort"), 0U);
    world.await(world.coordinator.release(session));
    bad->script.clear();
  }
}

// A provider's or our own failure after PrepareForSnapshot aborts everybody whose PostSnapshot has not begun.
struct FailureRow {
  std::string operation;
  bool in_holder;
  bool writer_gets_abort;
};

class OperationFails : public Sequence, public testing::WithParamInterface<FailureRow> {};

TEST_P(OperationFails, NothingOfTheSetRemains) {
  const FailureRow& row = GetParam();
  const auto writer = world.add_writer("w");
  (row.in_holder ? world.holder.script : world.provider.script)[row.operation] = {kFail,
                                                                                  ErrorCode::ProviderVeto};
  auto session = prepared();
  const Status done = world.await(session->do_snapshot_set());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, row.in_holder ? ErrorCode::HoldWritesTimeout : ErrorCode::ProviderVeto);
  world.settle();
  EXPECT_EQ(count(*writer, "Abort"), row.writer_gets_abort ? 1U : 0U);
  EXPECT_EQ(session->state(), SessionState::Failed);
  expect_nothing_left();
  EXPECT_THAT(world.trace, Contains("provider abort"));

  const Status complete = world.await(session->backup_complete());
  ASSERT_FALSE(complete);
  EXPECT_THAT(complete.error().message, HasSubstr(done.error().message))
      << "the first cause has to be repeated";

  // The next set works.
  (row.in_holder ? world.holder.script : world.provider.script).clear();
  world.await(world.coordinator.release(session));
  auto next = prepared();
  EXPECT_TRUE(world.await(next->do_snapshot_set()));
}

INSTANTIATE_TEST_SUITE_P(
    Table, OperationFails,
    testing::Values(FailureRow{"end_prepare", false, true}, FailureRow{"arm", true, true},
                    FailureRow{"pre_commit", false, true}, FailureRow{"hold 0", true, true},
                    FailureRow{"hold 1", true, true}, FailureRow{"commit", false, true},
                    FailureRow{"release 0", true, true}, FailureRow{"release 1", true, true},
                    FailureRow{"post_commit", false, true}, FailureRow{"pre_final_commit", false, true},
                    FailureRow{"post_final_commit", false, false}),
    [](const auto& row) {
      std::string name = row.param.operation;
      std::ranges::replace(name, ' ', '_');
      return name;
    });

TEST_F(Sequence, VolumesThatDoNotStandOnEachOtherAreHeldAtOnce) {
  world.holder.until = {{"hold 0", "hold 1"}};
  auto session = prepared();
  EXPECT_TRUE(world.await(session->do_snapshot_set()));
}

TEST_F(Sequence, AHoldThatFailsWhileAnotherIsUnderWayFailsTheSetAndNothingStaysHeld) {
  world.holder.until = {{"hold 0", "hold 1"}};
  world.holder.script["hold 1"] = {kFail, ErrorCode::ProviderVeto};
  auto session = prepared();
  EXPECT_FALSE(world.await(session->do_snapshot_set()));
  expect_nothing_left();
  EXPECT_EQ(world.holder.held, 0);
}

TEST_F(Sequence, AVolumeThatWasLetGoIsTheReasonWhateverBecomesOfTheCapture) {
  world.add_writer("w");
  world.holder.let_go = true;
  world.provider.script["commit"] = {kFail, ErrorCode::ProviderVeto};
  auto session = prepared();
  const Status done = world.await(session->do_snapshot_set());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::HoldWritesTimeout);
  EXPECT_THAT(done.error().message, HasSubstr("was let go")) << "and what the provider said";
  expect_nothing_left();
}

TEST_F(Sequence, ACatalogueThatCannotBeWrittenFailsTheSetBeforeAnyWriterHearsOfIt) {
  const auto writer = world.add_writer("w");
  auto session = prepared();
  world.catalogue.full = true;
  const Status done = world.await(session->do_snapshot_set());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::InsufficientStorage);
  EXPECT_EQ(count(*writer, "PrepareForSnapshot"), 0U);
  EXPECT_THAT(world.trace, Not(Contains("provider commit")));
}

TEST_F(Sequence, AFlushThatTakesTooLongFailsBeforeTheFreeze) {
  const auto writer = world.add_writer("w");
  world.volumes.flush_result = fail(ErrorCode::FlushWritesTimeout, "slow disk");
  auto session = prepared();
  const Status done = world.await(session->do_snapshot_set());
  EXPECT_EQ(done.error().code, ErrorCode::FlushWritesTimeout);
  EXPECT_EQ(count(*writer, "Freeze"), 0U);
  expect_nothing_left();
}

// The requester dies while one phase runs (vss.md 5.6).
struct DeathRow {
  std::string hanging_event;      // of the writer
  std::string hanging_operation;  // of the provider
  bool frozen;
};

class RequesterDies : public Sequence, public testing::WithParamInterface<DeathRow> {};

TEST_P(RequesterDies, WritersAreAbortedThenToldAndNothingRemains) {
  const DeathRow& row = GetParam();
  const auto writer = world.add_writer("w");
  const auto other = world.add_writer("other");
  auto session = prepared();
  if (!row.hanging_event.empty()) writer->script[row.hanging_event] = {kHang};
  if (!row.hanging_operation.empty()) world.provider.script[row.hanging_operation] = {kHang};
  spawn(world.loop.get_executor(), [](std::shared_ptr<BackupSession> s) -> asio::awaitable<void> {
    const Status ignored = co_await s->do_snapshot_set();
    static_cast<void>(ignored);
  }(session));
  world.settle();
  ASSERT_EQ(session->state(), SessionState::Snapping);
  world.coordinator.requester_gone(session->requester().bus_name);
  world.settle();  // no time passes: nobody waits for the one that hangs before the others are told
  for (const auto& told : {writer, other}) {
    EXPECT_EQ(count(*told, "BackupShutdown"), 1U);
    EXPECT_TRUE(told->sets.back().is_null());
    EXPECT_EQ(told->events.back(), "BackupShutdown");
    const auto freeze = std::ranges::find(told->events, "Freeze");
    EXPECT_EQ(freeze != told->events.end(), row.frozen);
    if (row.frozen) {
      EXPECT_EQ(count(*told, "Abort"), 1U);
      EXPECT_THAT(*(freeze + 1), testing::AnyOf("Thaw", "Abort"));
    }
  }
  world.loop.restart();
  world.loop.run_for(std::chrono::milliseconds(400));
  EXPECT_EQ(world.observer.ended, 1);
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Table, RequesterDies,
                         testing::Values(DeathRow{"PrepareForSnapshot", "", false},
                                         DeathRow{"Freeze", "", true}, DeathRow{"", "end_prepare", false},
                                         DeathRow{"", "pre_commit", true}, DeathRow{"", "post_commit", true},
                                         DeathRow{"Thaw", "", true}),
                         [](const auto& row) {
                           return row.param.hanging_event + row.param.hanging_operation;
                         });

TEST_F(Sequence, APersistentSetOutlivesItsRequester) {
  auto session = prepared({}, "nas-rollback");
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  world.await(world.coordinator.release(session));
  EXPECT_EQ(world.provider.existing.size(), 2U);
  EXPECT_EQ(world.coordinator.store().list({}).size(), 1U);
  EXPECT_FALSE(world.coordinator.lock().holder());
}

TEST_F(Sequence, AbortAfterPostSnapshotReachesNoWriterAndKeepsTheSetUntilRelease) {
  const auto writer = world.add_writer("w");
  auto session = prepared();
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  ASSERT_TRUE(world.await(session->abort_backup()));
  EXPECT_EQ(count(*writer, "Abort"), 0U);
  EXPECT_EQ(world.provider.existing.size(), 2U);
  world.await(world.coordinator.release(session));
  expect_nothing_left();
}

TEST_F(Sequence, AWriterWithNothingSelectedHearsNothingAfterPrepareForBackup) {
  const auto selected = world.add_writer("selected");
  const auto unselected = world.add_writer("unselected");
  auto session = world.session();
  ASSERT_TRUE(session->set_backup_state({true, false, "full", false}));
  ASSERT_TRUE(world.await(session->gather_writer_metadata()));
  ASSERT_TRUE(session->add_component(selected->info().instance_id, {"", "data"}));
  ASSERT_TRUE(world.await(session->start_snapshot_set()));
  ASSERT_TRUE(world.await(session->add_to_snapshot_set("/a", "")));
  ASSERT_TRUE(world.await(session->prepare_for_backup()));
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  world.await(world.coordinator.release(session));
  EXPECT_THAT(unselected->events, ElementsAre("PrepareForBackup"));
  EXPECT_EQ(selected->events.back(), "BackupShutdown");
}

TEST_F(Sequence, ARequiredCutThatCannotBeReachedIsAnErrorBeforeAnyWriterHearsOfIt) {
  const auto writer = world.add_writer("w");
  world.provider.hold = HoldAbility::Impossible;
  BackupOptions options;
  options.require_cut = true;
  auto session = world.session(options);
  ASSERT_TRUE(session->set_backup_state({}));
  ASSERT_TRUE(world.await(session->gather_writer_metadata()));
  ASSERT_TRUE(world.await(session->start_snapshot_set()));
  ASSERT_TRUE(world.await(session->add_to_snapshot_set("/a", "")));
  ASSERT_TRUE(world.await(session->add_to_snapshot_set("/b", "")));
  const Status prepared_status = world.await(session->prepare_for_backup());
  ASSERT_FALSE(prepared_status);
  EXPECT_EQ(prepared_status.error().code, ErrorCode::ConsistencyNotReached);
  EXPECT_EQ(session->state(), SessionState::SetFilled);
  EXPECT_THAT(writer->events, IsEmpty());
}

TEST_F(Sequence, ACaptureThatIsNotOneInstantLowersTheLevelOrFailsARequiredCut) {
  const auto writer = world.add_writer("w");
  for (const bool require_cut : {false, true}) {
    world.provider.report = {false, "transactions differ"};
    BackupOptions options;
    options.require_cut = require_cut;
    auto session = prepared(options);
    const Status done = world.await(session->do_snapshot_set());
    ASSERT_EQ(done.has_value(), !require_cut);
    if (done) {
      EXPECT_EQ(session->set()->record().consistency, "per-volume");
      EXPECT_THAT(session->set()->record().consistency_reason, HasSubstr("transactions differ"));
      EXPECT_THAT(writer->told.at("PrepareForSnapshot").instants, ElementsAre(ElementsAre("/a", "/b")));
      EXPECT_THAT(writer->told.at("PostSnapshot").instants, IsEmpty());
    } else {
      EXPECT_EQ(done.error().code, ErrorCode::ConsistencyNotReached);
    }
    world.await(world.coordinator.release(session));
  }
  expect_nothing_left();
}

TEST_F(Sequence, TheSameVolumeByAnotherPathIsRefused) {
  auto session = prepared({}, "backup", {"/a"});
  const auto again = world.await(session->add_to_snapshot_set("/bind/a", ""));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::ObjectAlreadyExists);
}

TEST_F(Sequence, ASetHoldsAtMost64Volumes) {
  auto session = prepared({}, "backup", {});
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(world.await(session->add_to_snapshot_set("/v" + std::to_string(i), "")));
  }
  EXPECT_EQ(world.await(session->add_to_snapshot_set("/v64", "")).error().code,
            ErrorCode::MaximumNumberOfVolumesReached);
}

TEST_F(Sequence, StartUpRemovesWhatIsHalfMadeOrTemporaryAndKeepsWhatPersists) {
  const auto add = [&](Context context, SetState state) {
    SetRecord record;
    record.set_id = Guid::random();
    record.context = context;
    record.state = state;
    SnapshotRecord snapshot;
    snapshot.snapshot_id = Guid::random();
    snapshot.provider = "fake";
    record.snapshots = {snapshot};
    world.catalogue.records[record.set_id] = record;
    world.provider.existing.insert(snapshot.snapshot_id);
    return record.set_id;
  };
  add(Context::Backup, SetState::Created);
  add(Context::NasRollback, SetState::Creating);
  add(Context::AppRollback, SetState::Deleting);
  const Guid kept = add(Context::NasRollback, SetState::Created);
  ASSERT_TRUE(world.await(world.coordinator.start()));
  ASSERT_EQ(world.catalogue.records.size(), 1U);
  EXPECT_TRUE(world.catalogue.records.contains(kept));
  EXPECT_EQ(world.provider.existing.size(), 1U);
  EXPECT_FALSE(world.coordinator.store().list({}).front().snapshots.front().path.empty()) << "mounted again";
}

TEST_F(Sequence, FiveHundredSessionsHalfOfThemKilledLeaveNothing) {
  const auto writer = world.add_writer("w");
  for (int i = 0; i < 500; ++i) {
    auto session = prepared();
    if (i % 2 == 0) {
      ASSERT_TRUE(world.await(session->do_snapshot_set()));
      ASSERT_TRUE(world.await(session->backup_complete()));
      world.await(world.coordinator.release(session));
    } else {
      world.coordinator.requester_gone(session->requester().bus_name);
      world.settle();
    }
  }
  EXPECT_THAT(world.coordinator.sessions(), IsEmpty());
  EXPECT_EQ(count(*writer, "BackupShutdown"), 500U);
  expect_nothing_left();
}

}  // namespace
}  // namespace vss::core
