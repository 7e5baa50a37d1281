// SPDX-License-Identifier: LGPL-2.1-or-later
// Sets that are broken, volumes that are reverted, the storage of snapshots: through the bus, over kills.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kUnknown = "7e57c1a5-0000-4000-8000-000000000001";

class LivingVolumes : public DaemonTest {
 protected:
  LivingVolumes() : second_(LoopFilesystem::create(directory_.path() / "disk", "second", "ext4", 8)) {}
  void SetUp() override { start(); }

  // Of two volumes, released by its session.
  std::string make_set(const std::string& context = "nas-rollback") {
    Requester requester;
    Requester::Plan way = plan();
    way.context = context;
    way.volumes.push_back(second());
    const Reply<> made = requester.run_until(way);
    EXPECT_TRUE(made) << made.error().message;
    const std::string set = requester.property("SnapshotSetId");
    EXPECT_EQ(name_of(requester.backup("Release")), "");
    return set;
  }
  [[nodiscard]] std::string second() const { return second_.mount_point().string(); }
  [[nodiscard]] Dicts listed() { return admin_->manager<Dicts>("ListSnapshots", Dict{}).value(); }
  [[nodiscard]] std::string snapshot_of(const std::string& volume) {
    for (const Dict& snapshot : listed()) {
      if (get<std::string>(snapshot, "volume") == volume) return get<std::string>(snapshot, "snapshot_id");
    }
    return "";
  }
  [[nodiscard]] std::filesystem::path broken_file(const std::string& snapshot) const {
    return directory_.path() / "fake.snapshots" / ("broken." + snapshot);
  }
  Reply<Dicts> break_set(const std::string& set, const Dict& options = {}) {
    return admin_->manager<Dicts>("BreakSnapshotSet", set, options);
  }
  Reply<Dict> revert(const std::string& snapshot, bool force = false) {
    return admin_->manager<Dict>("RevertToSnapshot", snapshot, force);
  }
  Reply<Dict> revert_status(const std::string& path) {
    return admin_->manager<Dict>("QueryRevertStatus", path);
  }
  void new_admin() { admin_ = std::make_unique<Requester>(); }

  LoopFilesystem second_;
  std::unique_ptr<Requester> admin_ = std::make_unique<Requester>();
};

TEST_F(LivingVolumes, ABrokenSetIsForgottenAndItsVolumesStay) {
  const std::string set = make_set();
  const std::string first = snapshot_of(volume());
  const std::string other = snapshot_of(second());
  const std::filesystem::path mounted = get<std::string>(listed().front(), "path");
  const auto volumes = break_set(set, {{"writable", sdbus::Variant{true}}});
  ASSERT_TRUE(volumes) << volumes.error().message;
  ASSERT_EQ(volumes->size(), 2U);
  EXPECT_EQ(get<std::string>(volumes->front(), "snapshot_id"), first);
  EXPECT_EQ(get<std::string>(volumes->front(), "volume"), volume());
  EXPECT_EQ(get<std::string>(volumes->front(), "provider"), "fake");
  EXPECT_EQ(get<std::string>(volumes->front(), "location"), broken_file(first).string());
  EXPECT_EQ(get<std::string>(volumes->front(), "device"), "/dev/broken." + first);
  EXPECT_TRUE(listed().empty());
  EXPECT_EQ(catalogue_entries(), 0U);
  EXPECT_FALSE(std::filesystem::exists(mounted));
  EXPECT_EQ(admin_->manager<std::uint32_t>("CollectGarbage").value(), 0U);
  vssd().restart();
  EXPECT_TRUE(std::filesystem::exists(broken_file(first)));
  EXPECT_TRUE(std::filesystem::exists(broken_file(other)));
  EXPECT_THAT(provider_operations(), Not(Contains("remove")));
  new_admin();
  EXPECT_EQ(name_of(break_set(set)), "ObjectNotFound");
}

TEST_F(LivingVolumes, OneThatIsKilledInTheMiddleOfABreakGoesOnAndDeletesNothing) {
  const std::string set = make_set();
  const std::string first = snapshot_of(volume());
  const std::string other = snapshot_of(second());
  // The provider is done with the first, and vssd does not know it yet.
  script("break_snapshot stop-after\n");
  PendingCall call = admin_->begin_at(kManagerPath, kManagerInterface, "BreakSnapshotSet", set, Dict{});
  ASSERT_TRUE(
      wait_until([&] { return std::filesystem::exists(broken_file(first)); }, std::chrono::seconds(20)));
  EXPECT_TRUE(listed().empty()) << "nobody is to use it any more";
  EXPECT_EQ(name_of(admin_->manager("DeleteSnapshots", std::string("set"), set, true)), "VolumeInUse");
  vssd().kill9();
  EXPECT_FALSE(call.result());
  EXPECT_EQ(catalogue_entries(), 1U);

  // A first start that cannot go on deletes nothing either.
  script("break_snapshot fail 9 not now\n");
  vssd().restart();
  new_admin();
  ASSERT_TRUE(wait_until([&] { return vssd().log().find("cannot be broken now") != std::string::npos; },
                         std::chrono::seconds(20)));
  EXPECT_EQ(admin_->manager<std::uint32_t>("CollectGarbage").value(), 0U);
  EXPECT_EQ(name_of(admin_->manager("DeleteSnapshots", std::string("set"), set, true)), "VolumeInUse");
  EXPECT_EQ(catalogue_entries(), 1U);
  script("");
  ASSERT_TRUE(wait_until([&] { return catalogue_entries() == 0; }, std::chrono::seconds(30)));
  EXPECT_TRUE(std::filesystem::exists(broken_file(first)));
  EXPECT_TRUE(std::filesystem::exists(broken_file(other)));
  EXPECT_EQ(provider_snapshots(), 2U);
  EXPECT_THAT(provider_operations(), Not(Contains("remove")));
}

TEST_F(LivingVolumes, ASetThatIsUsedOrUnknownIsNotBroken) {
  Requester user;
  Requester::Plan way = plan();
  ASSERT_TRUE(user.run_until(way));
  EXPECT_EQ(name_of(break_set(user.property("SnapshotSetId"))), "VolumeInUse");
  EXPECT_EQ(name_of(break_set(kUnknown)), "ObjectNotFound");
  EXPECT_EQ(name_of(break_set("nonsense")), "InvalidArgument");
  EXPECT_EQ(name_of(break_set(kUnknown, {{"colour", sdbus::Variant{true}}})), "InvalidArgument");
  EXPECT_EQ(name_of(break_set(kUnknown, {{"writable", sdbus::Variant{std::string("yes")}}})),
            "InvalidArgument");
  EXPECT_EQ(name_of(user.backup("Release")), "");
  expect_nothing_left();
}

TEST_F(LivingVolumes, ARefusalOfTheProviderLeavesTheSetAsItWas) {
  const std::string set = make_set();
  for (const auto& [answer, name] :
       {std::pair("fail 9 not now", "ProviderVeto"), std::pair("fail 13 not with this", "NotSupported")}) {
    script("break_snapshot " + std::string(answer) + "\n");
    EXPECT_EQ(name_of(break_set(set)), name);
    EXPECT_EQ(listed().size(), 2U);
  }
  script("");
  EXPECT_TRUE(wait_until(
      [&] {
        const Dicts snapshots = listed();
        return std::ranges::none_of(
            snapshots, [](const Dict& snapshot) { return get<std::string>(snapshot, "path").empty(); });
      },
      std::chrono::seconds(20)))
      << "mounted again";
  EXPECT_EQ(name_of(admin_->manager("DeleteSnapshots", std::string("set"), set, false)), "");
  expect_nothing_left();
}

TEST_F(LivingVolumes, ARevertIsDoneOrPendingOrRunningAndSaysSo) {
  make_set();
  const std::string snapshot = snapshot_of(volume());
  const auto done = revert(snapshot);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(get<std::string>(*done, "state"), "done");
  EXPECT_EQ(get<std::string>(*done, "volume"), volume());
  EXPECT_EQ(get<std::string>(*done, "provider"), "fake");
  EXPECT_EQ(get<std::string>(revert_status(volume()).value(), "state"), "done");
  EXPECT_EQ(get<std::string>(revert_status(second()).value(), "state"), "none");
  EXPECT_TRUE(wait_until([&] { return !get<std::string>(listed().front(), "path").empty(); },
                         std::chrono::seconds(20)));
  script("revert pending-reboot -1 mount it again\nrevert_status none\n");
  const auto pending = revert(snapshot, true);
  ASSERT_TRUE(pending) << pending.error().message;
  EXPECT_EQ(get<std::string>(*pending, "state"), "pending-reboot");
  EXPECT_EQ(get<std::int32_t>(*pending, "percent"), -1);
  EXPECT_EQ(get<std::string>(*pending, "message"), "mount it again");

  script("revert_status running 40 merging\n");
  for (const std::string& path : {volume(), volume() + "/lost+found"}) {
    const auto running = revert_status(path);
    ASSERT_TRUE(running) << running.error().message;
    EXPECT_EQ(get<std::string>(*running, "state"), "running");
    EXPECT_EQ(get<std::int32_t>(*running, "percent"), 40);
  }
  EXPECT_EQ(name_of(revert(snapshot, true)), "RevertInProgress");
  vssd().restart();
  new_admin();
  EXPECT_EQ(get<std::string>(revert_status(volume()).value(), "state"), "running") << "told by the provider";
  script("");
  EXPECT_EQ(get<std::string>(revert_status(volume()).value(), "state"), "none");
}

TEST_F(LivingVolumes, RefusedRevertsChangeNothing) {
  make_set();
  const std::string snapshot = snapshot_of(volume());
  EXPECT_EQ(name_of(revert(kUnknown)), "ObjectNotFound");
  EXPECT_EQ(name_of(revert("nonsense")), "InvalidArgument");
  for (const auto& [answer, name] :
       {std::pair("12 it has open files", "VolumeInUse"), std::pair("13 no", "NotSupported"),
        std::pair("14 another one", "RevertInProgress"), std::pair("6 full", "InsufficientStorage")}) {
    script("revert fail " + std::string(answer) + "\n");
    EXPECT_EQ(name_of(revert(snapshot)), name);
    EXPECT_EQ(listed().size(), 2U);
  }
  Requester user;
  Requester::Plan way = plan();
  way.context = "nas-rollback";
  script("");
  ASSERT_TRUE(user.run_until(way));
  const std::string used = get<std::string>(
      user.manager<Dicts>("ListSnapshots", Dict{{"set", sdbus::Variant{user.property("SnapshotSetId")}}})
          .value()
          .at(0),
      "snapshot_id");
  EXPECT_EQ(name_of(revert(used, true)), "VolumeInUse");
  Requester backup;
  Requester::Plan temporary = plan();
  temporary.context = "file-share-backup";
  ASSERT_TRUE(backup.run_until(temporary));
  const std::string not_kept = get<std::string>(
      backup
          .manager<Dicts>("ListSnapshots",
                          Dict{{"context", sdbus::Variant{std::string("file-share-backup")}}})
          .value()
          .at(0),
      "snapshot_id");
  EXPECT_EQ(name_of(revert(not_kept, true)), "UnsupportedContext");
  EXPECT_EQ(name_of(revert_status("relative")), "InvalidArgument");
  EXPECT_EQ(name_of(revert_status("/nowhere")), "ObjectNotFound");
}

TEST_F(LivingVolumes, ASnapshotThatARevertUsesUpIsForgottenAlsoOverAKill) {
  make_set();
  const std::string snapshot = snapshot_of(volume());
  script("revert hang\n");
  PendingCall call = admin_->begin_at(kManagerPath, kManagerInterface, "RevertToSnapshot", snapshot, false);
  ASSERT_TRUE(wait_for_operation("revert"));
  EXPECT_EQ(name_of(revert(snapshot, true)), "RevertInProgress");
  vssd().kill9();
  EXPECT_FALSE(call.result());
  script("");
  vssd().restart();
  new_admin();
  // It was not used up: as it was.
  EXPECT_TRUE(wait_until(
      [&] {
        const Dicts snapshots = listed();
        return snapshots.size() == 2 && std::ranges::none_of(snapshots, [](const Dict& one) {
                 return get<std::string>(one, "path").empty();
               });
      },
      std::chrono::seconds(20)));
  script("revert consume pending-reboot -1 when it is activated\nrevert_status pending-reboot -1 soon\n");
  EXPECT_EQ(name_of(revert(snapshot)), "RevertInProgress");
  script("revert consume pending-reboot -1 when it is activated\n");
  ASSERT_TRUE(revert(snapshot));
  EXPECT_EQ(listed().size(), 1U);
  EXPECT_EQ(snapshot_of(volume()), "");
  EXPECT_EQ(name_of(revert(snapshot)), "ObjectNotFound");
}

TEST_F(LivingVolumes, StorageIsListedAndLimited) {
  make_set();
  script("storage is 5 - 30\n");
  const auto places = admin_->manager<Dicts>("ListStorage");
  ASSERT_TRUE(places) << places.error().message;
  const auto of = [&](const std::string& path) -> Dict {
    for (const Dict& place : *places) {
      if (get<std::string>(place, "volume") == path && get<std::string>(place, "provider") == "fake")
        return place;
    }
    return {};
  };
  const Dict place = of(volume());
  ASSERT_TRUE(place.contains("used"));
  EXPECT_EQ(get<std::uint64_t>(place, "used"), 5U);
  EXPECT_FALSE(place.contains("allocated"));
  EXPECT_EQ(get<std::uint64_t>(place, "maximum"), 30U);
  EXPECT_EQ(get<std::string>(place, "error"), "");
  EXPECT_FALSE(of(second()).empty());

  const std::string snapshot = snapshot_of(second());
  EXPECT_EQ(name_of(admin_->manager("ResizeStorage", volume(), std::uint64_t{4096})), "");
  EXPECT_EQ(name_of(admin_->manager("ResizeStorage", snapshot, std::uint64_t{0})), "");
  const std::string null = kNullId;
  EXPECT_THAT(provider_log(), Contains("resize_storage " + null + " " + volume() + " 4096"));
  EXPECT_THAT(provider_log(), Contains("resize_storage " + snapshot + " " + second() + " 0"));
  EXPECT_EQ(name_of(admin_->manager("ResizeStorage", kUnknown, std::uint64_t{1})), "ObjectNotFound");
  EXPECT_EQ(name_of(admin_->manager("ResizeStorage", std::string("relative"), std::uint64_t{1})),
            "InvalidArgument");
  script("storage fail 9 the group is locked\nresize_storage fail 6 it is fuller than that\n");
  EXPECT_EQ(name_of(admin_->manager("ResizeStorage", volume(), std::uint64_t{1})), "InsufficientStorage");
  const auto failing = admin_->manager<Dicts>("ListStorage");
  ASSERT_TRUE(failing);
  EXPECT_TRUE(std::ranges::any_of(*failing, [](const Dict& one) {
    return get<std::string>(one, "error").find("the group is locked") != std::string::npos;
  }));
}

}  // namespace
}  // namespace vss::test
