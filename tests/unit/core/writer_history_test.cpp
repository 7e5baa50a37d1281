// SPDX-License-Identifier: LGPL-2.1-or-later
// What is remembered of writers that failed, and that it keeps none of them from a backup. vss.md 8.2 P1, P2.
#include "daemon/core/writer_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/fakes.hpp"

namespace vss::core {
namespace {

using fakes::Behaviour;
using fakes::World;
using testing::IsEmpty;
using testing::SizeIs;

WriterInfo writer_of(const char* name, Guid class_id, const char* instance_name = "") {
  WriterInfo info;
  info.instance_id = Guid::random();
  info.class_id = class_id;
  info.name = name;
  info.instance_name = instance_name;
  return info;
}

PastFailure failure_of(const WriterInfo& writer, std::uint64_t time) {
  PastFailure failure;
  failure.time = time;
  failure.writer = writer;
  return failure;
}

TEST(WriterHistoryTest, TheLastSixteenOfAWriterAreKept) {
  WriterHistory history;
  const WriterInfo writer = writer_of("w", Guid::random());
  const WriterInfo other = writer_of("other", Guid::random());
  history.add(failure_of(other, 1));
  for (std::uint64_t time = 10; time < 50; ++time) history.add(failure_of(writer, time));
  const auto kept = history.of(writer);
  ASSERT_THAT(kept, SizeIs(WriterHistory::kMostPerWriter));
  EXPECT_EQ(kept.front().time, 34U);
  EXPECT_EQ(kept.back().time, 49U);
  EXPECT_EQ(history.last_of(writer)->time, 49U);
  EXPECT_THAT(history.of(other), SizeIs(1)) << "others are not pushed out";
}

TEST(WriterHistoryTest, AWriterIsTheSameInAnotherProcessIfClassAndInstanceNameAre) {
  WriterHistory history;
  const Guid class_id = Guid::random();
  const WriterInfo primary = writer_of("pg", class_id, "main");
  const WriterInfo standby = writer_of("pg", class_id, "standby");
  history.add(failure_of(primary, 1));
  history.add(failure_of(standby, 2));
  const WriterInfo restarted = writer_of("pg", class_id, "main");
  ASSERT_THAT(history.of(restarted), SizeIs(1));
  EXPECT_EQ(history.of(restarted).front().writer.instance_id, primary.instance_id);
  EXPECT_EQ(history.find(standby.instance_id)->instance_name, "standby");
  EXPECT_EQ(history.find(restarted.instance_id), nullptr);
  history.forget(*history.find(primary.instance_id));
  EXPECT_EQ(history.last_of(restarted), nullptr);
  EXPECT_THAT(history.all(), SizeIs(1));
}

TEST(WriterHistoryTest, AnyNumberOfWritersTakesLittleMemory) {
  WriterHistory history;
  for (std::uint64_t i = 0; i < WriterHistory::kMost + 10; ++i) {
    history.add(failure_of(writer_of("w", Guid::random()), i));
  }
  EXPECT_THAT(history.all(), SizeIs(WriterHistory::kMost));
  EXPECT_EQ(history.all().front().time, 10U);
}

class WriterStatus : public testing::Test {
 protected:
  WriterStatus() { spdlog::set_level(spdlog::level::off); }
  // One whole operation; the state of the only writer before and after DoSnapshotSet.
  std::pair<WriterState, WriterState> backup() {
    auto session = world.session();
    EXPECT_TRUE(session->set_backup_state({}));
    EXPECT_TRUE(world.await(session->gather_writer_metadata()));
    EXPECT_TRUE(world.await(session->start_snapshot_set()));
    EXPECT_TRUE(world.await(session->add_to_snapshot_set("/a", "")));
    EXPECT_TRUE(world.await(session->prepare_for_backup()));
    const auto state = [&] {
      return session->writers().all().empty() ? WriterState::Unknown
                                              : session->writers().all().front()->state;
    };
    const WriterState before = state();
    (void)world.await(session->do_snapshot_set());
    const WriterState after = state();
    session_id = session->id();
    world.await(world.coordinator.release(session));
    return {before, after};
  }
  WriterRegistry& registry() { return world.coordinator.writers(); }

  World world;
  Guid session_id;
};

TEST_F(WriterStatus, AFailureIsKeptAndTheNextSessionBeginsStable) {
  const auto writer = world.add_writer("w");
  writer->mutable_info().unit = "w.service";
  writer->mutable_info().pid = 4711;
  writer->script["Freeze"] = {Behaviour::Kind::Fail, ErrorCode::WriterRetryable};
  EXPECT_EQ(backup().second, WriterState::FailedAtFreeze);
  const auto failures = registry().failures_of(writer->info().instance_id).value();
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_EQ(failures[0].session, session_id);
  EXPECT_EQ(failures[0].event, WriterEvent::Freeze);
  EXPECT_EQ(failures[0].failure.code, ErrorCode::WriterRetryable);
  EXPECT_EQ(failures[0].failure.application_code, 7);
  EXPECT_EQ(failures[0].failure.message, "scripted");
  EXPECT_EQ(failures[0].writer.unit, "w.service");
  EXPECT_EQ(failures[0].writer.pid, 4711U);
  EXPECT_GT(failures[0].time, 1'700'000'000U);

  writer->script.clear();
  const auto [before, after] = backup();
  EXPECT_EQ(before, WriterState::Stable);
  EXPECT_EQ(after, WriterState::WaitingForBackupComplete);
  EXPECT_THAT(registry().history().all(), SizeIs(1)) << "a success forgets nothing";
}

TEST_F(WriterStatus, EachFailureOfASessionIsKeptWithItsOwnEvent) {
  const auto writer = world.add_writer("w");
  writer->script["PrepareForSnapshot"] = {Behaviour::Kind::FailWithoutVeto, ErrorCode::WriterOutOfResources};
  writer->script["PostSnapshot"] = {Behaviour::Kind::Fail, ErrorCode::WriterRetryable};
  backup();
  const auto& failures = registry().history().all();
  ASSERT_THAT(failures, SizeIs(2));
  EXPECT_EQ(failures[0].event, WriterEvent::PrepareForSnapshot);
  EXPECT_EQ(failures[0].failure.code, ErrorCode::WriterOutOfResources);
  EXPECT_EQ(failures[1].event, WriterEvent::PostSnapshot);
  EXPECT_EQ(failures[1].failure.code, ErrorCode::WriterRetryable);
}

TEST_F(WriterStatus, AWriterThatDoesNotAnswerIdentifyIsInTheHistoryToo) {
  const auto writer = world.add_writer("w");
  writer->script["Identify"].kind = Behaviour::Kind::Fail;
  EXPECT_EQ(backup().second, WriterState::Unknown);
  ASSERT_THAT(registry().history().all(), SizeIs(1));
  EXPECT_EQ(registry().history().all()[0].event, WriterEvent::Identify);
}

TEST_F(WriterStatus, ThatASilentWriterDoesNotAnswerTheEndEitherIsNoNews) {
  const auto writer = world.add_writer("w");
  for (const char* event : {"Freeze", "Abort", "BackupShutdown"}) {
    writer->script[event].kind = Behaviour::Kind::Hang;
  }
  backup();
  ASSERT_THAT(registry().history().all(), SizeIs(1));
  EXPECT_EQ(registry().history().all()[0].event, WriterEvent::Freeze);
  writer->script.erase("Freeze");
  backup();
  EXPECT_EQ(registry().history().all().back().event, WriterEvent::BackupShutdown) << "alone it is";
}

TEST_F(WriterStatus, TheHistoryOutlivesTheRegistration) {
  const auto writer = world.add_writer("w");
  writer->mutable_info().instance_name = "main";
  writer->script["Thaw"].kind = Behaviour::Kind::Fail;
  backup();
  registry().remove(writer->info().instance_id);
  EXPECT_THAT(registry().failures_of(writer->info().instance_id).value(), SizeIs(1)) << "by its old id";
  const auto again = std::make_shared<fakes::FakeWriter>(world.trace, "w", WriterLevel::FrontEnd);
  again->mutable_info().class_id = writer->info().class_id;
  again->mutable_info().instance_name = "main";
  registry().add(again);
  EXPECT_THAT(registry().failures_of(again->info().instance_id).value(), SizeIs(1));
}

TEST_F(WriterStatus, ResetForgetsTheFailuresOfOneWriter) {
  const auto writer = world.add_writer("w");
  const auto other = world.add_writer("other");
  for (const auto& one : {writer, other}) one->script["PostSnapshot"].kind = Behaviour::Kind::Fail;
  backup();
  ASSERT_THAT(registry().history().all(), SizeIs(2));
  EXPECT_TRUE(registry().reset(writer->info().instance_id));
  EXPECT_THAT(registry().failures_of(writer->info().instance_id).value(), IsEmpty());
  EXPECT_THAT(registry().failures_of(other->info().instance_id).value(), SizeIs(1));
  EXPECT_TRUE(registry().reset(writer->info().instance_id)) << "nothing to forget is no error";
  EXPECT_EQ(registry().reset(Guid::random()).error().code, ErrorCode::ObjectNotFound);
  EXPECT_EQ(registry().failures_of(Guid::random()).error().code, ErrorCode::ObjectNotFound);
}

}  // namespace
}  // namespace vss::core
