// SPDX-License-Identifier: LGPL-2.1-or-later
// The bus dies under everybody: vssd aborts, releases, cleans up, comes back; writers help themselves.

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

class BusLoss : public DaemonTest {
 protected:
  void SetUp() override {
    start("[limits]\nhold_limit_ms = 3000\nprovider_ms = 3000\n");
    add_writers(3);
  }

  void expect_all_back() {
    bus_.start();
    for (const auto& writer : writers_) {
      EXPECT_TRUE(writer->wait_registered(std::chrono::seconds(30))) << writer->name();
    }
    ASSERT_TRUE(wait_until(
        [] {
          Requester requester;
          const auto writers = requester.manager<Dicts>("ListWriters");
          return writers && writers->size() == 3;
        },
        std::chrono::seconds(30)));
    EXPECT_TRUE(vssd().is_running());
    expect_nothing_left();
    log_.clear();
    expect_next_backup_works();
    EXPECT_EQ(log_.count("BackupShutdown"), 3U);
    expect_nothing_left();
  }
  void wait_for_all_unregistered() {
    for (const auto& writer : writers_) {
      EXPECT_TRUE(wait_until([&] { return !writer->is_registered(); }, std::chrono::seconds(10)));
    }
  }
};

TEST_F(BusLoss, WithoutASession) {
  bus_.stop();
  wait_for_all_unregistered();
  expect_all_back();
}

TEST_F(BusLoss, InEachRestingState) {
  for (const char* next :
       {"GatherWriterMetadata", "AddToSnapshotSet", "PrepareForBackup", "DoSnapshotSet", ""}) {
    SCOPED_TRACE(next);
    auto requester = std::make_unique<Requester>();
    const Reply<> there = requester->run_until(plan(), next);
    ASSERT_TRUE(there) << there.error().message;
    bus_.stop();
    wait_for_all_unregistered();
    EXPECT_TRUE(wait_until([this] { return provider_snapshots() == 0 && catalogue_entries() == 0; },
                           std::chrono::seconds(20)));
    // The writers' own: a backup that was announced will not come.
    const bool prepared = std::string(next) == "DoSnapshotSet";
    if (prepared) {
      EXPECT_TRUE(log_.wait_for("Abort", 3));
    }
    EXPECT_EQ(log_.count("Abort"), prepared ? 3U : 0U);
    expect_all_back();
    log_.clear();
  }
}

TEST_F(BusLoss, WhileTheWritersAreFrozen) {
  for (const char* operation : {"pre_commit", "commit", "post_commit"}) {
    SCOPED_TRACE(operation);
    const std::size_t before = provider_log().size();
    script(std::string(operation) + " hang\n");
    auto requester = std::make_unique<Requester>();
    ASSERT_TRUE(requester->run_until(plan(), "DoSnapshotSet"));
    PendingCall creation = requester->begin("DoSnapshotSet");
    ASSERT_TRUE(wait_until(
        [&] {
          const auto operations = provider_operations();
          return operations.size() > before && operations.back() == operation;
        },
        std::chrono::seconds(20)));
    ASSERT_EQ(log_.count("Freeze"), 3U);
    bus_.stop();
    EXPECT_FALSE(creation.result());
    ASSERT_TRUE(log_.wait_for("Abort", 3)) << "the writers' own abort";
    wait_for_all_unregistered();
    script("");
    EXPECT_EQ(log_.count("Thaw"), 0U);
    EXPECT_EQ(log_.count("Abort"), 3U);
    EXPECT_TRUE(wait_until([this] { return provider_snapshots() == 0 && catalogue_entries() == 0; },
                           std::chrono::seconds(20)));
    expect_all_back();
    log_.clear();
  }
}

TEST_F(BusLoss, APersistentSetStays) {
  auto requester = std::make_unique<Requester>();
  const std::string set = make_set_in("app-rollback", *requester);
  ASSERT_NE(set, "");
  bus_.stop();
  wait_for_all_unregistered();
  bus_.start();
  ASSERT_TRUE(wait_until(
      [] {
        Requester again;
        return again.manager<Dict>("GetStatus").has_value();
      },
      std::chrono::seconds(30)));
  ASSERT_TRUE(wait_for_no_session());
  EXPECT_EQ(provider_snapshots(), 1U);
  Requester admin;
  EXPECT_EQ(name_of(admin.manager("DeleteSnapshots", std::string("set"), set, false)), "");
  expect_nothing_left();
}

}  // namespace
}  // namespace vss::test
