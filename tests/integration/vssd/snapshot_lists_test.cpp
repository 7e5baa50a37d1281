// SPDX-License-Identifier: LGPL-2.1-or-later
// DeleteSnapshots with its count and first failure, ListSnapshots with its filters: vss.md 2.2.

#include <ctime>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Deleted = std::tuple<std::uint32_t, std::string>;

class SnapshotLists : public DaemonTest {
 protected:
  SnapshotLists() : second_(LoopFilesystem::create(directory_.path() / "disk", "second", "ext4", 8)) {}
  void SetUp() override {
    start();
    admin_ = std::make_unique<Requester>();
  }
  [[nodiscard]] std::string second() const { return second_.mount_point().string(); }

  // A set that stays, younger than each before it. The ids of its snapshots.
  std::vector<std::string> make(const std::vector<std::string>& volumes) {
    EXPECT_TRUE(wait_until([&] { return std::time(nullptr) > last_created_; }, std::chrono::seconds(20)))
        << "age is counted in seconds";
    Requester requester;
    Requester::Plan way = plan();
    way.context = "nas-rollback";
    way.volumes = volumes;
    EXPECT_EQ(name_of(requester.run_until(way)), "");
    const std::string set = requester.property("SnapshotSetId");
    EXPECT_EQ(name_of(requester.backup("Release")), "");
    std::vector<std::string> ids;
    for (const Dict& snapshot : list({{"set", sdbus::Variant{set}}})) {
      ids.push_back(get<std::string>(snapshot, "snapshot_id"));
      last_created_ = static_cast<std::time_t>(get<std::uint64_t>(snapshot, "created"));
    }
    EXPECT_THAT(ids, SizeIs(volumes.size()));
    return ids;
  }
  Dicts list(const Dict& filter) { return admin_->manager<Dicts>("ListSnapshots", filter).value(); }
  std::vector<std::string> ids(const Dict& filter = {}) {
    std::vector<std::string> found;
    for (const Dict& snapshot : list(filter)) found.push_back(get<std::string>(snapshot, "snapshot_id"));
    return found;
  }
  static Dict with(const std::string& key, const std::string& value) {
    return {{key, sdbus::Variant{value}}};
  }
  Reply<Deleted> remove(const std::string& kind, const std::string& id) {
    return admin_->manager<Deleted>("DeleteSnapshots", kind, id, false);
  }
  // The fake provider's file of the snapshot becomes what it cannot remove, until it may again.
  std::filesystem::path obstruct(const std::string& snapshot) const {
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path() / "fake.snapshots")) {
      if (!entry.path().string().ends_with("." + snapshot)) continue;
      std::filesystem::path file = entry.path();
      std::filesystem::remove(file);
      std::filesystem::create_directories(file / "stays");
      return file;
    }
    ADD_FAILURE() << "no file of " << snapshot;
    return {};
  }

  LoopFilesystem second_;
  std::unique_ptr<Requester> admin_;
  std::time_t last_created_ = 0;
};

TEST_F(SnapshotLists, ADeletionThatFailsSaysHowManyAreGoneAndWhichWasTheFirstThatIsNot) {
  const std::vector<std::string> snapshots = make({volume(), second()});
  const std::string set = get<std::string>(list({}).at(0), "set_id");
  const auto obstacle = obstruct(snapshots[1]);
  EXPECT_THAT(remove("set", set).value(), testing::FieldsAre(1U, snapshots[1]));
  EXPECT_EQ(provider_snapshots(), 0U);
  EXPECT_EQ(catalogue_entries(), 1U) << "it is not forgotten";
  std::filesystem::remove(obstacle / "stays");
  EXPECT_TRUE(wait_until([&] { return catalogue_entries() == 0; }, std::chrono::seconds(60)))
      << "vssd tries again by itself";
  EXPECT_FALSE(std::filesystem::exists(obstacle));
  expect_nothing_left();
}

TEST_F(SnapshotLists, ADeletionOfAllStopsAtTheFirstThatFails) {
  const std::vector<std::string> oldest = make({volume(), second()});
  const std::vector<std::string> middle = make({volume(), second()});
  const std::vector<std::string> youngest = make({volume()});
  const auto obstacle = obstruct(middle[0]);
  EXPECT_THAT(remove("all", "").value(), testing::FieldsAre(2U, middle[0]));
  EXPECT_EQ(ids(with("volume", volume())), youngest) << "nothing behind it was touched";
  std::filesystem::remove(obstacle / "stays");
  EXPECT_TRUE(wait_until([&] { return catalogue_entries() == 1; }, std::chrono::seconds(60)));
  EXPECT_THAT(remove("all", "").value(), testing::FieldsAre(1U, ""));
  expect_nothing_left();
}

TEST_F(SnapshotLists, TheOldestOfAVolumeIsOneSnapshot) {
  const std::vector<std::string> first = make({volume(), second()});
  const std::vector<std::string> next = make({volume()});
  EXPECT_THAT(remove("oldest", volume()).value(), testing::FieldsAre(1U, ""));
  EXPECT_THAT(ids(), ElementsAre(first[1], next[0])) << "of its set the other volume's stays";
  EXPECT_THAT(remove("oldest", volume()).value(), testing::FieldsAre(1U, ""));
  EXPECT_THAT(ids(), ElementsAre(first[1]));
  EXPECT_EQ(name_of(remove("oldest", volume())), "ObjectNotFound");
  EXPECT_THAT(remove("oldest", second()).value(), testing::FieldsAre(1U, ""));
  expect_nothing_left();
}

TEST_F(SnapshotLists, AreFilteredByVolumeAndProvider) {
  const std::vector<std::string> first = make({volume(), second()});
  const std::vector<std::string> next = make({volume()});
  EXPECT_THAT(ids(with("volume", volume())), ElementsAre(first[0], next[0]));
  EXPECT_THAT(ids(with("volume", second())), ElementsAre(first[1]));
  EXPECT_THAT(ids(with("provider", "fake")), ElementsAre(first[0], first[1], next[0]));
  Dict both = with("volume", second());
  both.merge(with("provider", "fake"));
  EXPECT_THAT(ids(both), ElementsAre(first[1]));

  EXPECT_THAT(ids(with("volume", volume() + "/below")), IsEmpty());
  EXPECT_THAT(ids(with("provider", "lvm")), IsEmpty());
  both["provider"] = sdbus::Variant{std::string("lvm")};
  EXPECT_THAT(ids(both), IsEmpty()) << "all of them have to hold";

  both["colour"] = sdbus::Variant{std::string("red")};
  for (const Dict& wrong :
       {both, Dict{{"volume", sdbus::Variant{std::uint32_t{1}}}}, Dict{{"provider", sdbus::Variant{true}}}}) {
    EXPECT_EQ(name_of(admin_->manager<Dicts>("ListSnapshots", wrong)), "InvalidArgument");
  }
  EXPECT_THAT(ids(), SizeIs(3)) << "and nothing has changed";
}

}  // namespace
}  // namespace vss::test
