// SPDX-License-Identifier: LGPL-2.1-or-later
// Sets of the client-accessible contexts: under which names they are shown, and for how long.
#include "daemon/core/client_access.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/fakes.hpp"

namespace vss::core {
namespace {

using fakes::World;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(EscapePath, IsWhatSystemdEscapeWrites) {
  const std::pair<const char*, const char*> rows[] = {
      {"/", "-"},
      {"/srv", "srv"},
      {"/srv/data", "srv-data"},
      {"//srv///data/", "srv-data"},
      {"/srv/my-data", "srv-my\\x2ddata"},
      {"/srv/with space", "srv-with\\x20space"},
      {"/.hidden/.too", "\\x2ehidden-.too"},
      {"/a:b_c.d", "a:b_c.d"},
      {"/back\\slash", "back\\x5cslash"},
      {"/\xc3\xa4", "\\xc3\\xa4"},
      {"/@home", "\\x40home"},
  };
  for (const auto& [path, escaped] : rows) EXPECT_EQ(escape_path(path), escaped);
}

TEST(GmtName, IsWhatShadowCopy2Expects) {
  EXPECT_EQ(gmt_name(0), "@GMT-1970.01.01-00.00.00");
  EXPECT_EQ(gmt_name(1'700'000'000), "@GMT-2023.11.14-22.13.20");
  EXPECT_EQ(gmt_name(1'709'164'799), "@GMT-2024.02.28-23.59.59");
  EXPECT_EQ(gmt_name(1'709'164'800), "@GMT-2024.02.29-00.00.00");
}

TEST(ClientNames, APathTooLongForOneNameIsRefused) {
  Volume volume;
  volume.path = "/" + std::string(255, 'a');
  EXPECT_TRUE(check_client_name(volume));
  volume.path += "a";
  EXPECT_EQ(check_client_name(volume).error().code, ErrorCode::VolumeNotSupported);
  volume.path = "/" + std::string(64, '-');
  EXPECT_FALSE(check_client_name(volume)) << "escaped it has four times the length";
}

class ClientAccess : public testing::Test {
 protected:
  ClientAccess() { spdlog::set_level(spdlog::level::off); }

  Status make_set(std::vector<std::string> volumes = {"/a"}) {
    auto session = world.session();
    EXPECT_TRUE(session->set_context("client-accessible"));
    EXPECT_TRUE(world.await(session->start_snapshot_set()));
    for (const std::string& volume : volumes) {
      EXPECT_TRUE(world.await(session->add_to_snapshot_set(volume, "")));
    }
    auto made = world.await(session->do_snapshot_set());
    last_set = session->set_id();
    world.await(world.coordinator.release(session));
    if (!made) return fail(made.error());
    return {};
  }
  SetRecord record_of(Guid set) { return *world.coordinator.store().find(set); }

  World world;
  Guid last_set;
};

TEST_F(ClientAccess, ASetIsShownUnderItsTimeForEachVolumeUntilItIsDeleted) {
  Volume below;
  below.path = "/srv/b";
  world.volumes.mounted = {below};
  ASSERT_TRUE(make_set({"/a", "/srv/b"}));
  const SetRecord record = record_of(last_set);
  EXPECT_EQ(record.client_time, record.created);
  const std::string time = gmt_name(record.created);
  EXPECT_THAT(world.mounter.clients_see, ElementsAre("a/" + time, "srv-b/" + time));
  EXPECT_EQ(record.snapshots[1].client_path, "srv-b/" + time);
  EXPECT_TRUE(world.await(world.coordinator.store().remove_snapshot(record.snapshots[0].snapshot_id, false)));
  EXPECT_THAT(world.mounter.clients_see, ElementsAre("srv-b/" + time));
  EXPECT_TRUE(world.await(world.coordinator.store().remove_set(last_set, false)));
  EXPECT_THAT(world.mounter.clients_see, IsEmpty());
}

TEST_F(ClientAccess, SetsOfOneSecondGetNamesOfTheirOwn) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(make_set());
  EXPECT_THAT(world.mounter.clients_see, SizeIs(5));
  std::set<std::uint64_t> times;
  for (const auto& [id, record] : world.catalogue.records) {
    EXPECT_GE(record.client_time, record.created);
    EXPECT_LE(record.client_time, record.created + 5);
    times.insert(record.client_time);
  }
  EXPECT_THAT(times, SizeIs(5));
}

TEST_F(ClientAccess, ATakenSecondIsPassedOver) {
  for (const std::uint64_t taken : {100, 101, 103}) {
    SetRecord record;
    record.set_id = Guid::random();
    record.context = Context::ClientAccessible;
    record.client_time = taken;
    ASSERT_TRUE(world.await(world.coordinator.store().put(std::move(record))));
  }
  const SnapshotStore& store = world.coordinator.store();
  EXPECT_EQ(store.free_client_time(99), 99U);
  EXPECT_EQ(store.free_client_time(100), 102U);
  EXPECT_EQ(store.free_client_time(103), 104U);
}

TEST_F(ClientAccess, ItHasTheSameNameAfterARestart) {
  ASSERT_TRUE(make_set());
  ASSERT_TRUE(make_set());
  World next;
  next.catalogue.records = world.catalogue.records;
  next.provider.existing = world.provider.existing;
  ASSERT_TRUE(next.await(next.coordinator.start()));
  EXPECT_EQ(next.mounter.clients_see, world.mounter.clients_see);
  EXPECT_FALSE(next.coordinator.store().find(last_set)->snapshots.front().client_path.empty());
}

TEST_F(ClientAccess, ASetThatCannotBeShownIsNotMade) {
  world.mounter.clients_cannot_see = true;
  EXPECT_EQ(make_set().error().code, ErrorCode::Unexpected);
  EXPECT_THAT(world.provider.existing, IsEmpty());
  EXPECT_THAT(world.catalogue.records, IsEmpty());
  EXPECT_THAT(world.mounter.mounted, IsEmpty());
}

TEST_F(ClientAccess, WhatCannotBeRecordedIsNoLongerShown) {
  auto session = world.session();
  ASSERT_TRUE(session->set_context("client-accessible"));
  ASSERT_TRUE(world.await(session->start_snapshot_set()));
  ASSERT_TRUE(world.await(session->add_to_snapshot_set("/a", "")));
  world.observer.on_progress = [&](std::string_view phase) { world.catalogue.full = phase == "publish"; };
  EXPECT_FALSE(world.await(session->do_snapshot_set()));
  EXPECT_THAT(world.mounter.clients_see, IsEmpty());
  EXPECT_THAT(world.provider.existing, IsEmpty());
}

TEST_F(ClientAccess, AVolumeWithoutANameForClientsIsNotAdded) {
  auto session = world.session();
  ASSERT_TRUE(session->set_context("client-accessible"));
  ASSERT_TRUE(world.await(session->start_snapshot_set()));
  const std::string path = "/" + std::string(256, 'a');
  EXPECT_EQ(world.await(session->add_to_snapshot_set(path, "")).error().code, ErrorCode::VolumeNotSupported);
  EXPECT_TRUE(world.await(session->add_to_snapshot_set("/a", ""))) << "nothing has changed";
}

TEST_F(ClientAccess, OnlyTheContextWithWritersAsksThem) {
  const auto writer = world.add_writer("w");
  ASSERT_TRUE(make_set());
  EXPECT_THAT(writer->events, IsEmpty());
  auto session = world.session();
  ASSERT_TRUE(session->set_context("client-accessible-writers"));
  ASSERT_TRUE(session->set_backup_state({}));
  ASSERT_TRUE(world.await(session->gather_writer_metadata()));
  ASSERT_TRUE(world.await(session->start_snapshot_set()));
  ASSERT_TRUE(world.await(session->add_to_snapshot_set("/a", "")));
  ASSERT_TRUE(world.await(session->prepare_for_backup()));
  ASSERT_TRUE(world.await(session->do_snapshot_set()));
  ASSERT_TRUE(world.await(session->backup_complete()));
  world.await(world.coordinator.release(session));
  EXPECT_THAT(writer->events, testing::Contains("Freeze"));
  EXPECT_THAT(world.mounter.clients_see, SizeIs(2)) << "no auto-release";
}

TEST_F(ClientAccess, AllIsNoContextForASet) {
  auto session = world.session();
  const Status refused = session->set_context("all");
  EXPECT_EQ(refused.error().code, ErrorCode::UnsupportedContext);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("for queries only"));
  EXPECT_TRUE(session->set_context("client-accessible")) << "nothing has changed";
  SnapshotFilter every;
  every.context = "all";
  ASSERT_TRUE(make_set());
  EXPECT_THAT(world.coordinator.store().list(every), SizeIs(1));
  every.context = "nas-rollback";
  EXPECT_THAT(world.coordinator.store().list(every), IsEmpty());
}

}  // namespace
}  // namespace vss::core
