// SPDX-License-Identifier: LGPL-2.1-or-later
// Snapshots that fare worse while they are in use: the signal, the properties, and what never happens.

#include <mutex>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;

struct Invalidated {
  std::string set;
  std::string snapshot;
  std::string state;
  std::int64_t seconds_left = 0;
  std::string reason;
};

// sdbus-c++ 1.2 wants it, 2.x has no such thing.
template <typename Proxy>
void finish_registration(Proxy& proxy) {
  if constexpr (requires { proxy.finishRegistration(); }) proxy.finishRegistration();
}

// Everybody may listen.
class Listener {
 public:
  Listener() : proxy_(make_proxy(*connection_, kService, kManagerPath)) {
    proxy_->uponSignal("SnapshotInvalidated")
        .onInterface(kManagerInterface)
        .call([this](const std::string& set, const std::string& snapshot, const std::string& state,
                     const std::int64_t& left, const std::string& reason) {
          const std::lock_guard lock(mutex_);
          heard_.push_back(Invalidated{set, snapshot, state, left, reason});
        });
    finish_registration(*proxy_);
    connection_->enterEventLoopAsync();
  }
  ~Listener() { connection_->leaveEventLoop(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] std::vector<Invalidated> heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  [[nodiscard]] bool wait_for(std::size_t count) const {
    return wait_until([&] { return heard().size() >= count; }, std::chrono::seconds(20));
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Invalidated> heard_;
  std::unique_ptr<sdbus::IConnection> connection_ = sdbus::createSystemBusConnection();
  std::unique_ptr<sdbus::IProxy> proxy_;
};

class SnapshotHealth : public DaemonTest {
 protected:
  void make_set(Requester& requester) {
    ASSERT_NE(make_set_in("backup", requester), "");
    snapshot_ =
        get<std::string>(requester.manager<Dicts>("ListSnapshots", Dict{}).value().at(0), "snapshot_id");
  }
  [[nodiscard]] std::size_t looks() const { return health_checks(); }
  // Whole ones: the first may have begun before.
  [[nodiscard]] bool wait_for_looks(std::size_t more) const {
    const std::size_t before = looks();
    return wait_until([&] { return looks() > before + more; }, std::chrono::seconds(20));
  }
  std::string snapshot_;
};

constexpr const char* kFrequentLooks = "[limits]\nwatch_ms = 10\nprovider_ms = 300\n";

TEST_F(SnapshotHealth, IsToldOncePerTransitionAndIsInTheProperties) {
  start(kFrequentLooks);
  const Listener listener;
  Requester requester;
  ASSERT_NO_FATAL_FAILURE(make_set(requester));
  ASSERT_TRUE(wait_for_looks(1));
  auto properties = requester.backup<Dict>("GetSnapshotProperties", snapshot_).value();
  EXPECT_EQ(get<std::string>(properties, "health"), "good");
  EXPECT_EQ(get<std::int64_t>(properties, "seconds_left"), -1);

  script("check_health at-risk 90 the store fills up\n");
  ASSERT_TRUE(listener.wait_for(1));
  ASSERT_TRUE(wait_for_looks(3));
  script("check_health at-risk 60 the store fills up\n");
  ASSERT_TRUE(wait_for_looks(3));
  const std::vector<Invalidated> heard = listener.heard();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].set, requester.property("SnapshotSetId"));
  EXPECT_EQ(heard[0].snapshot, snapshot_);
  EXPECT_EQ(heard[0].state, "at-risk");
  EXPECT_EQ(heard[0].seconds_left, 90);
  EXPECT_EQ(heard[0].reason, "the store fills up");
  properties = requester.backup<Dict>("GetSnapshotProperties", snapshot_).value();
  EXPECT_EQ(get<std::string>(properties, "health"), "at-risk");
  EXPECT_EQ(get<std::string>(properties, "health_reason"), "the store fills up");
  EXPECT_EQ(get<std::int64_t>(properties, "seconds_left"), 60);

  script("check_health lost overflow\n");
  ASSERT_TRUE(listener.wait_for(2));
  EXPECT_EQ(listener.heard().back().state, "lost");
  const Dicts listed = requester.manager<Dicts>("ListSnapshots", Dict{}).value();
  EXPECT_EQ(get<std::string>(listed.at(0), "health"), "lost");
  EXPECT_EQ(provider_snapshots(), 1U) << "in use: never deleted silently";
  EXPECT_EQ(name_of(requester.backup("BackupComplete")), "");
  EXPECT_EQ(name_of(requester.backup("Release")), "");
  expect_nothing_left();
}

TEST_F(SnapshotHealth, AProviderThatHangsIsLoggedOnceAndTheRestGoesOn) {
  start(kFrequentLooks);
  const Listener listener;
  Requester requester;
  ASSERT_NO_FATAL_FAILURE(make_set(requester));
  script("check_health hang\n");
  const std::string line = "the health of snapshots of provider fake is unknown for now";
  const auto lines = [&] {
    const std::string log = vssd().log();
    std::size_t count = 0;
    for (std::size_t at = log.find(line); at != std::string::npos; at = log.find(line, at + 1)) ++count;
    return count;
  };
  ASSERT_TRUE(wait_until([&] { return lines() > 0; }, std::chrono::seconds(20)));
  EXPECT_TRUE(requester.manager("GetStatus"));
  EXPECT_EQ(name_of(requester.backup("BackupComplete")), "");
  script("check_health lost overflow\n");
  ASSERT_TRUE(listener.wait_for(1));
  EXPECT_EQ(lines(), 1U);
  EXPECT_EQ(name_of(requester.backup("Release")), "");
  script("");
  expect_nothing_left();
}

TEST_F(SnapshotHealth, NobodyIsAskedWithoutSnapshots) {
  start(kFrequentLooks);
  Requester requester;
  ASSERT_NO_FATAL_FAILURE(make_set(requester));
  ASSERT_TRUE(wait_for_looks(1));
  ASSERT_TRUE(requester.backup("Release"));
  expect_nothing_left();
  const std::size_t before = looks();
  // Longer than many looks would take: another process starts and ends twice.
  for (int i = 0; i < 2; ++i) vssd().restart();
  EXPECT_EQ(looks(), before);
}

TEST_F(SnapshotHealth, APersistentSnapshotIsLookedAfterAgainAfterARestart) {
  start(kFrequentLooks);
  Requester requester;
  ASSERT_NE(make_set_in("nas-rollback", requester), "");
  ASSERT_TRUE(requester.backup("Release"));
  script("check_health at-risk 5 fills up\n");
  const Listener listener;
  vssd().restart();
  ASSERT_TRUE(listener.wait_for(1));
  EXPECT_THAT(listener.heard().back().reason, HasSubstr("fills up"));
  script("");
  Requester root;
  EXPECT_TRUE(root.manager("DeleteSnapshots", std::string("all"), std::string(), false));
  expect_nothing_left();
}

}  // namespace
}  // namespace vss::test
