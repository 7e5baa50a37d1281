// SPDX-License-Identifier: LGPL-2.1-or-later
// A capture that the kernel refuses under the planned hold: one more attempt, with what the provider says
// then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/core/fakes.hpp"

namespace vss::core {
namespace {

using fakes::Behaviour;
using fakes::World;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SecondAttempt : public testing::Test {
 protected:
  SecondAttempt() {
    spdlog::set_level(spdlog::level::off);
    writer = world.add_writer("writer");
    world.provider.refusals = 1;
  }
  Status make(BackupOptions options = {}) {
    session = world.session(options);
    EXPECT_TRUE(session->set_backup_state({}));
    EXPECT_TRUE(world.await(session->gather_writer_metadata()));
    EXPECT_TRUE(world.await(session->start_snapshot_set()));
    for (const char* volume : {"/a", "/b"}) {
      Result<Guid> snapshot = world.await(session->add_to_snapshot_set(volume, ""));
      EXPECT_TRUE(snapshot);
      snapshots.push_back(*snapshot);
    }
    EXPECT_TRUE(world.await(session->prepare_for_backup()));
    world.trace.clear();
    return world.await(session->do_snapshot_set());
  }
  void expect_failure(const Status& made, ErrorCode code, const std::string& text) {
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, code) << made.error().message;
    EXPECT_THAT(made.error().message, HasSubstr(text));
    EXPECT_THAT(made.error().message, HasSubstr("busy (1)")) << "the first cause is not lost";
    EXPECT_EQ(count("Freeze"), 1);
    EXPECT_EQ(count("Abort"), 1);
    EXPECT_EQ(world.holder.held, 0);
    EXPECT_EQ(world.log_gate.depth, 0);
    EXPECT_THAT(world.provider.existing, IsEmpty());
    EXPECT_THAT(world.catalogue.records, IsEmpty());
    EXPECT_FALSE(world.coordinator.lock().holder());
  }
  std::ptrdiff_t count(const std::string& event) { return std::ranges::count(writer->events, event); }
  std::ptrdiff_t operations(const std::string& line) { return std::ranges::count(world.trace, line); }

  World world;
  std::shared_ptr<fakes::FakeWriter> writer;
  std::shared_ptr<BackupSession> session;
  std::vector<Guid> snapshots;
};

TEST_F(SecondAttempt, EverythingIsReleasedAndPreparedAnewWhileTheWritersStayFrozen) {
  ASSERT_TRUE(make());
  EXPECT_THAT(
      world.trace,
      ElementsAre("writer PrepareForSnapshot", "provider end_prepare", "flush", "arm", "writer Freeze",
                  "provider pre_commit", "hold 0", "hold 1", "provider commit", "finish", "provider abort",
                  "provider is_volume_supported", "provider is_volume_supported", "provider begin_prepare",
                  "provider begin_prepare", "provider end_prepare", "flush", "arm", "provider pre_commit",
                  "hold 0", "hold 1", "provider commit", "release 1", "provider commit", "release 0",
                  "finish", "provider post_commit", "writer Thaw", "provider pre_final_commit", "mount rw",
                  "mount rw", "writer PostSnapshot", "provider post_final_commit", "mount ro", "mount ro"));
  const SetRecord& record = world.catalogue.records.at(session->set_id());
  EXPECT_EQ(record.consistency, "cut");
  ASSERT_EQ(record.snapshots.size(), 2U);
  EXPECT_EQ(record.snapshots[0].snapshot_id, snapshots[0]);
  EXPECT_EQ(record.snapshots[1].snapshot_id, snapshots[1]);
  EXPECT_EQ(record.snapshots[0].hold_ms, 5);
}

TEST_F(SecondAttempt, ALesserPlanIsWrittenDownWithItsReason) {
  world.provider.hold_after_refusal = HoldAbility::Impossible;
  ASSERT_TRUE(make());
  const SetRecord& record = world.catalogue.records.at(session->set_id());
  EXPECT_EQ(record.consistency, "per-volume");
  EXPECT_THAT(record.consistency_reason, HasSubstr("/a; /b"));
  EXPECT_EQ(record.snapshots[0].hold_ms, 0);
  EXPECT_EQ(operations("arm"), 1) << "the second plan holds nothing";
  EXPECT_THAT(writer->told.at("PrepareForSnapshot").instants, ElementsAre(ElementsAre("/a", "/b")));
  EXPECT_THAT(writer->told.at("PostSnapshot").instants, ElementsAre(ElementsAre("/a"), ElementsAre("/b")));
}

TEST_F(SecondAttempt, ALesserPlanFailsARequiredCut) {
  world.provider.hold_after_refusal = HoldAbility::Impossible;
  BackupOptions options;
  options.require_cut = true;
  expect_failure(make(options), ErrorCode::ConsistencyNotReached, "/a; /b");
}

TEST_F(SecondAttempt, ThereIsNoThird) {
  world.provider.refusals = 5;
  expect_failure(make(), ErrorCode::ProviderVeto, "busy (2)");
  EXPECT_EQ(world.provider.refusals_seen, 2);
}

TEST_F(SecondAttempt, AVolumeThatIsNotSupportedAnyMoreFailsIt) {
  world.provider.on_refusal = [this] { world.provider.supported = false; };
  expect_failure(make(), ErrorCode::VolumeNotSupportedByProvider, "/a");
}

TEST_F(SecondAttempt, ACancelledOneDoesNotBegin) {
  world.provider.on_refusal = [this] { session->cancel(); };
  expect_failure(make(), ErrorCode::Cancelled, "cancelled");
  EXPECT_EQ(operations("provider is_volume_supported"), 0);
}

TEST_F(SecondAttempt, AWriterThatWasFrozenForTooLongIsNotMadeToWaitForIt) {
  writer->mutable_info().freeze_timeout = Milliseconds(20);
  world.provider.on_refusal = [] {
    const auto end = std::chrono::steady_clock::now() + Milliseconds(25);
    while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
  };
  expect_failure(make(), ErrorCode::WriterTimeout, "frozen longer");
  EXPECT_EQ(operations("provider is_volume_supported"), 0);
}

// What fails in the second preparation, by operation.
class SecondAttemptFails : public SecondAttempt, public testing::WithParamInterface<const char*> {};

TEST_P(SecondAttemptFails, TheSetFailsAndBothCausesAreNamed) {
  world.provider.on_refusal = [this] { world.provider.script[GetParam()].kind = Behaviour::Kind::Fail; };
  const Status made = make();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::ProviderVeto);
  EXPECT_THAT(made.error().message, HasSubstr("scripted"));
  EXPECT_THAT(made.error().message, HasSubstr("busy (1)"));
  EXPECT_EQ(count("Abort"), 1);
  EXPECT_EQ(world.holder.held, 0);
  EXPECT_THAT(world.provider.existing, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Each, SecondAttemptFails,
                         testing::Values("abort", "begin_prepare", "end_prepare", "pre_commit", "commit"),
                         [](const auto& one) { return std::string(one.param); });

}  // namespace
}  // namespace vss::core
