// SPDX-License-Identifier: LGPL-2.1-or-later
// ExposeSnapshot and UnexposeSnapshot: which snapshot, where, and what happens to it afterwards. vss.md 2.7.
#include "daemon/core/exposures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/fakes.hpp"

namespace vss::core {
namespace {

using fakes::Behaviour;
using fakes::World;
using testing::IsEmpty;
using testing::SizeIs;

struct PathRow {
  std::string path;
  std::optional<ErrorCode> error;
};

TEST(ExposurePath, HasToBeAbsoluteAndNormalised) {
  const PathRow rows[] = {
      {"/mnt", {}},
      {"/mnt/with space/\xc3\xa4", {}},
      {"/..a/.b/c..", {}},
      {"/" + std::string(4094, 'a'), {}},
      {"", ErrorCode::InvalidArgument},
      {"mnt", ErrorCode::InvalidArgument},
      {"./mnt", ErrorCode::InvalidArgument},
      {"/", ErrorCode::InvalidArgument},
      {"/mnt/", ErrorCode::InvalidArgument},
      {"/mnt//x", ErrorCode::InvalidArgument},
      {"/mnt/./x", ErrorCode::InvalidArgument},
      {"/mnt/../x", ErrorCode::InvalidArgument},
      {"/mnt/..", ErrorCode::InvalidArgument},
      {"/mnt/.", ErrorCode::InvalidArgument},
      {"/mnt\n/x", ErrorCode::InvalidArgument},
      {"/mnt/\x7f", ErrorCode::InvalidArgument},
      {"/" + std::string(4095, 'a'), ErrorCode::InvalidArgument},
      {"//host/share", ErrorCode::NotSupported},
      {"\\\\host\\share", ErrorCode::NotSupported},
  };
  for (const PathRow& row : rows) {
    const Status checked = check_exposure_path(row.path);
    EXPECT_EQ(checked.has_value(), !row.error) << row.path.substr(0, 40);
    if (row.error) {
      EXPECT_EQ(checked.error().code, *row.error) << row.path.substr(0, 40);
    }
  }
}

class ExposuresTest : public testing::Test {
 protected:
  ExposuresTest() { spdlog::set_level(spdlog::level::off); }

  std::vector<Guid> make_set(std::string_view context, std::vector<std::string> volumes = {"/a"}) {
    auto session = world.session();
    if (context != "backup") {
      EXPECT_TRUE(session->set_context(context));
    }
    if (has_writers(session->context())) {
      EXPECT_TRUE(session->set_backup_state({}));
      EXPECT_TRUE(world.await(session->gather_writer_metadata()));
    }
    std::vector<Guid> snapshots;
    EXPECT_TRUE(world.await(session->start_snapshot_set()));
    for (const std::string& volume : volumes) {
      snapshots.push_back(world.await(session->add_to_snapshot_set(volume, "")).value());
    }
    if (has_writers(session->context())) {
      EXPECT_TRUE(world.await(session->prepare_for_backup()));
    }
    EXPECT_TRUE(world.await(session->do_snapshot_set()));
    sessions.push_back(session);
    set = session->set_id();
    if (is_persistent(session->context())) world.await(world.coordinator.release(session));
    return snapshots;
  }
  Result<std::string> expose(Guid snapshot, std::string path = "/mnt") {
    return world.await(world.coordinator.exposures().expose(snapshot, std::move(path)));
  }
  Status unexpose(Guid snapshot) { return world.await(world.coordinator.exposures().unexpose(snapshot)); }
  // As the catalogue and ListSnapshots have it.
  std::string exposed_of(Guid snapshot) {
    const auto in = [&](const SetRecord* record) {
      const auto at = std::ranges::find(record->snapshots, snapshot, &SnapshotRecord::snapshot_id);
      return at->exposed;
    };
    const SetRecord* record = world.coordinator.store().find_by_snapshot(snapshot);
    if (record == nullptr) return "deleted";
    EXPECT_EQ(in(record), in(&world.catalogue.records.at(record->set_id)));
    return in(record);
  }
  static ErrorCode code_of(const Status& status) {
    EXPECT_FALSE(status);
    return status ? ErrorCode::Cancelled : status.error().code;
  }
  static ErrorCode code_of(const Result<std::string>& result) {
    EXPECT_FALSE(result);
    return result ? ErrorCode::Cancelled : result.error().code;
  }
  SnapshotStore& store() { return world.coordinator.store(); }
  asio::awaitable<void> expose_into(Guid snapshot, std::optional<Result<std::string>>& result) {
    std::string path = "/mnt";
    result = co_await world.coordinator.exposures().expose(snapshot, std::move(path));
  }

  World world;
  std::vector<std::shared_ptr<BackupSession>> sessions;
  Guid set;
};

TEST_F(ExposuresTest, APersistentSnapshotIsShownRecordedAndTakenAwayAgain) {
  for (const char* context : {"nas-rollback", "app-rollback"}) {
    const Guid snapshot = make_set(context).front();
    const auto exposed = expose(snapshot);
    ASSERT_TRUE(exposed) << exposed.error().message;
    EXPECT_EQ(*exposed, "/real/mnt") << "without links in its way";
    EXPECT_EQ(exposed_of(snapshot), "/real/mnt");
    EXPECT_EQ(world.mounter.exposed.at("/real/mnt"), snapshot);
    ASSERT_TRUE(unexpose(snapshot));
    EXPECT_EQ(exposed_of(snapshot), "");
    EXPECT_THAT(world.mounter.exposed, IsEmpty());
    EXPECT_TRUE(expose(snapshot)) << "again";
    EXPECT_TRUE(world.await(store().remove_set(set, false)));
  }
}

TEST_F(ExposuresTest, OnlyRollbackContextsMayBeExposed) {
  for (const char* context :
       {"backup", "file-share-backup", "client-accessible", "client-accessible-writers"}) {
    const Guid snapshot = make_set(context).front();
    EXPECT_EQ(code_of(expose(snapshot)), ErrorCode::UnsupportedContext) << context;
    EXPECT_EQ(code_of(unexpose(snapshot)), ErrorCode::ObjectNotFound) << context;
    EXPECT_EQ(exposed_of(snapshot), "");
  }
  EXPECT_THAT(world.mounter.exposed, IsEmpty());
}

TEST_F(ExposuresTest, WhatIsNotThereOrNotExposedIsNotFound) {
  EXPECT_EQ(code_of(expose(Guid::random())), ErrorCode::ObjectNotFound);
  EXPECT_EQ(code_of(unexpose(Guid::random())), ErrorCode::ObjectNotFound);
  const Guid snapshot = make_set("nas-rollback").front();
  EXPECT_EQ(code_of(unexpose(snapshot)), ErrorCode::ObjectNotFound);
  EXPECT_EQ(code_of(expose(set)), ErrorCode::ObjectNotFound) << "a set is no snapshot";
}

TEST_F(ExposuresTest, OneSnapshotHasOnePlaceAndOnePlaceOneSnapshot) {
  const std::vector<Guid> snapshots = make_set("nas-rollback", {"/a", "/b"});
  ASSERT_TRUE(expose(snapshots[0]));
  EXPECT_EQ(code_of(expose(snapshots[0], "/elsewhere")), ErrorCode::ObjectAlreadyExists);
  EXPECT_EQ(exposed_of(snapshots[0]), "/real/mnt");
  EXPECT_EQ(code_of(expose(snapshots[1])), ErrorCode::ObjectAlreadyExists);
  EXPECT_EQ(exposed_of(snapshots[1]), "");
  EXPECT_TRUE(expose(snapshots[1], "/elsewhere"));
}

TEST_F(ExposuresTest, ABadPlaceChangesNothing) {
  const Guid snapshot = make_set("nas-rollback").front();
  for (const ErrorCode code : {ErrorCode::ObjectNotFound, ErrorCode::InvalidArgument, ErrorCode::VolumeInUse,
                               ErrorCode::AccessDenied}) {
    world.mounter.places_refused["/mnt"] = code;
    EXPECT_EQ(code_of(expose(snapshot)), code);
    EXPECT_EQ(exposed_of(snapshot), "");
  }
  EXPECT_EQ(code_of(expose(snapshot, "relative")), ErrorCode::InvalidArgument);
  world.mounter.directories_missing = {"/real/gone"};  // between the look and the mount
  EXPECT_EQ(code_of(expose(snapshot, "/gone")), ErrorCode::ObjectNotFound);
  EXPECT_EQ(exposed_of(snapshot), "");
  EXPECT_THAT(world.mounter.exposed, IsEmpty());
}

TEST_F(ExposuresTest, WhatCannotBeRecordedIsNotShown) {
  const Guid snapshot = make_set("nas-rollback").front();
  world.catalogue.full = true;
  EXPECT_EQ(code_of(expose(snapshot)), ErrorCode::InsufficientStorage);
  EXPECT_THAT(world.mounter.exposed, IsEmpty());
  EXPECT_EQ(exposed_of(snapshot), "");
  world.catalogue.full = false;
  ASSERT_TRUE(expose(snapshot));
  world.catalogue.full = true;
  EXPECT_EQ(code_of(unexpose(snapshot)), ErrorCode::InsufficientStorage);
  EXPECT_THAT(world.mounter.exposed, SizeIs(1)) << "the next start would expose it again";
  EXPECT_EQ(exposed_of(snapshot), "/real/mnt");
}

TEST_F(ExposuresTest, ABusyOneStaysUnlessItIsForced) {
  const Guid snapshot = make_set("nas-rollback").front();
  ASSERT_TRUE(expose(snapshot));
  world.mounter.busy = {"/real/mnt"};
  EXPECT_EQ(code_of(unexpose(snapshot)), ErrorCode::VolumeInUse);
  const auto refused = world.await(store().remove_snapshot(snapshot, false));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::VolumeInUse);
  EXPECT_EQ(exposed_of(snapshot), "/real/mnt");
  EXPECT_THAT(world.mounter.exposed, SizeIs(1));
  EXPECT_THAT(world.mounter.mounted, SizeIs(1));
  EXPECT_THAT(world.provider.existing, SizeIs(1));
  EXPECT_FALSE(store().find(set)->snapshots.front().path.empty());
  ASSERT_TRUE(world.await(store().remove_snapshot(snapshot, true)));
  EXPECT_THAT(world.mounter.exposed, IsEmpty());
  EXPECT_THAT(world.provider.existing, IsEmpty());
}

TEST_F(ExposuresTest, OfASetWithABusyOneNothingIsDeleted) {
  const std::vector<Guid> snapshots = make_set("nas-rollback", {"/a", "/b", "/c"});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(expose(snapshots[i], "/" + std::to_string(i)));
  world.mounter.busy = {"/real/1"};
  const auto refused = world.await(store().remove_set(set, false));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::VolumeInUse);
  EXPECT_EQ(store().find(set)->state, SetState::Created);
  EXPECT_THAT(world.provider.existing, SizeIs(3));
  EXPECT_THAT(world.mounter.exposed, SizeIs(3)) << "what was hidden before it is shown again";
  const Deletion all = world.await(store().remove_all(false)).value();
  EXPECT_EQ(all.deleted, 0U);
  EXPECT_EQ(all.failed, snapshots[0]);
  EXPECT_EQ(world.await(store().remove_all(true))->deleted, 3U);
  EXPECT_THAT(world.mounter.exposed, IsEmpty());
}

TEST_F(ExposuresTest, ItIsGoneBeforeTheProviderIsAskedToDelete) {
  const Guid snapshot = make_set("nas-rollback").front();
  ASSERT_TRUE(expose(snapshot));
  world.trace.clear();
  ASSERT_TRUE(world.await(store().remove_snapshot(snapshot, false)));
  EXPECT_THAT(world.trace, testing::ElementsAre("unexpose /real/mnt", "provider remove"));
}

TEST_F(ExposuresTest, ADeletionThatFailsShowsItAgain) {
  const std::vector<Guid> snapshots = make_set("nas-rollback", {"/a", "/b"});
  ASSERT_TRUE(expose(snapshots[0]));
  world.provider.script["remove"].kind = Behaviour::Kind::Fail;
  const auto failed = world.await(store().remove_snapshot(snapshots[0], false));
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->failed, snapshots[0]);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (world.mounter.exposed.empty() && std::chrono::steady_clock::now() < end) {
    world.loop.restart();
    world.loop.run_one_for(std::chrono::milliseconds(10));
  }
  EXPECT_THAT(world.mounter.exposed, SizeIs(1));
  EXPECT_EQ(exposed_of(snapshots[0]), "/real/mnt");
}

TEST_F(ExposuresTest, ItIsThereAgainAfterARestart) {
  const std::vector<Guid> snapshots = make_set("nas-rollback", {"/a", "/b"});
  ASSERT_TRUE(expose(snapshots[0], "/0"));
  ASSERT_TRUE(expose(snapshots[1], "/1"));
  World next;
  next.catalogue.records = world.catalogue.records;
  next.provider.existing = world.provider.existing;
  next.mounter.directories_missing = {"/real/0"};
  ASSERT_TRUE(next.await(next.coordinator.start()));
  EXPECT_THAT(next.mounter.exposed, SizeIs(1));
  EXPECT_EQ(next.mounter.exposed.at("/real/1"), snapshots[1]);
  const SetRecord& record = *next.coordinator.store().find(set);
  EXPECT_EQ(record.snapshots[0].exposed, "/real/0") << "a directory that is missing: it stays recorded";
  EXPECT_FALSE(record.snapshots[0].path.empty()) << "and the snapshot stays";
  EXPECT_TRUE(next.await(next.coordinator.exposures().unexpose(snapshots[0])));
}

// Exposes while the mounter, in one of its operations, lets somebody delete the snapshot.
class ExposuresAndDeletion : public ExposuresTest {
 protected:
  // When `waiting` is set the operation has begun; it ends when `go_on` is.
  std::function<asio::awaitable<void>()> pause() {
    return [this]() -> asio::awaitable<void> {
      waiting.set();
      co_await wait_for(go_on, TimePoint::max());
    };
  }
  void begin_both(Guid snapshot) {
    spawn(world.loop.get_executor(), expose_into(snapshot, exposed));
    world.settle();
    ASSERT_TRUE(waiting.is_set());
    spawn(world.loop.get_executor(), do_remove(snapshot));
    world.settle();
  }
  void end_both() {
    go_on.set();
    for (int i = 0; i < 10; ++i) world.settle();
    ASSERT_TRUE(exposed);
    ASSERT_TRUE(deleted);
    EXPECT_TRUE(*deleted);
    EXPECT_THAT(world.mounter.exposed, IsEmpty());
    EXPECT_THAT(world.provider.existing, IsEmpty());
    EXPECT_THAT(world.catalogue.records, IsEmpty());
  }

  Signal waiting;
  Signal go_on;
  std::optional<Result<std::string>> exposed;
  std::optional<Result<Deletion>> deleted;

 private:
  asio::awaitable<void> do_remove(Guid snapshot) {
    deleted = co_await store().remove_snapshot(snapshot, false);
  }
};

TEST_F(ExposuresAndDeletion, WhileThePlaceIsLookedForNobodyWaits) {
  const Guid snapshot = make_set("nas-rollback").front();
  world.mounter.on_find = pause();
  ASSERT_NO_FATAL_FAILURE(begin_both(snapshot));
  EXPECT_TRUE(deleted) << "a place that hangs keeps nobody";
  ASSERT_NO_FATAL_FAILURE(end_both());
  EXPECT_EQ(code_of(*exposed), ErrorCode::ObjectNotFound);
}

TEST_F(ExposuresAndDeletion, WhileItIsMountedTheDeletionWaitsAndTakesItAway) {
  const Guid snapshot = make_set("nas-rollback").front();
  world.mounter.on_expose = pause();
  ASSERT_NO_FATAL_FAILURE(begin_both(snapshot));
  EXPECT_FALSE(deleted);
  ASSERT_NO_FATAL_FAILURE(end_both());
  EXPECT_TRUE(*exposed);
}

TEST_F(ExposuresTest, NothingIsWrittenWhileASetIsHeld) {
  const Guid snapshot = make_set("nas-rollback").front();
  std::optional<Result<std::string>> exposed;
  const auto try_it = [&](std::string_view phase) {
    if (phase == "freeze") spawn(world.loop.get_executor(), expose_into(snapshot, exposed));
    if (phase == "post-commit") {
      EXPECT_FALSE(exposed);
    }
  };
  world.observer.on_progress = try_it;
  make_set("nas-rollback", {"/b"});
  for (int i = 0; i < 10; ++i) world.settle();
  ASSERT_TRUE(exposed);
  EXPECT_TRUE(*exposed);
}

}  // namespace
}  // namespace vss::core
