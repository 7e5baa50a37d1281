// SPDX-License-Identifier: LGPL-2.1-or-later
// One set at a time: the queue for the creation lock.

#include <unistd.h>

#include "tests/integration/vssd/daemon_fixture.hpp"

namespace vss::test {
namespace {

using ::testing::HasSubstr;

class CreationQueue : public DaemonTest {
 protected:
  void SetUp() override { start(); }

  // A requester that is about to call StartSnapshotSet.
  std::unique_ptr<Requester> ready(const std::string& client, std::uint32_t lock_timeout_ms) {
    auto requester = std::make_unique<Requester>();
    Requester::Plan quick = plan();
    quick.context = "file-share-backup";
    quick.options = {{"client", sdbus::Variant{client}}, {"lock_timeout", sdbus::Variant{lock_timeout_ms}}};
    const Reply<> there = requester->run_until(quick, "StartSnapshotSet");
    EXPECT_TRUE(there) << there.error().message;
    return requester;
  }
  bool wait_for_waiters(std::uint32_t count) {
    return wait_until([&] { return get<std::uint32_t>(status(), "lock_waiters") == count; },
                      std::chrono::seconds(10));
  }
};

TEST_F(CreationQueue, TheErrorNamesTheHolder) {
  const auto holder = ready("the holder", 0);
  const auto set = holder->backup<std::string>("StartSnapshotSet");
  ASSERT_TRUE(set);
  for (const std::uint32_t patience : {0U, 200U}) {
    const auto second = ready("second", patience);
    const auto start = std::chrono::steady_clock::now();
    const Reply<> refused = second->backup("StartSnapshotSet");
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(patience));
    ASSERT_EQ(name_of(refused), "SnapshotSetInProgress");
    EXPECT_THAT(refused.error().message, HasSubstr("the holder"));
    EXPECT_THAT(refused.error().message, HasSubstr("pid " + std::to_string(::getpid())));
    EXPECT_THAT(refused.error().message, HasSubstr(*set));
    EXPECT_THAT(refused.error().message, HasSubstr("since "));
    EXPECT_EQ(second->state(), "initialized");
  }
  EXPECT_THAT(get<std::string>(status(), "lock_holder"), HasSubstr(*set));
}

TEST_F(CreationQueue, WhoWaitsGetsItInTurnWhenTheSetIsMade) {
  const auto first = ready("first", 0);
  ASSERT_TRUE(first->backup("StartSnapshotSet"));
  const auto second = ready("second", 60'000);
  const auto third = ready("third", 60'000);
  PendingCall second_call = second->begin("StartSnapshotSet");
  ASSERT_TRUE(wait_for_waiters(1));
  PendingCall third_call = third->begin("StartSnapshotSet");
  ASSERT_TRUE(wait_for_waiters(2));
  EXPECT_EQ(second->state(), "starting");
  ASSERT_TRUE(first->backup("AddToSnapshotSet", volume(), std::string("fake")));
  EXPECT_FALSE(second_call.is_done());
  ASSERT_TRUE(first->backup("DoSnapshotSet"));
  EXPECT_TRUE(second_call.result()) << "the lock is free when DoSnapshotSet ends, not at Release";
  EXPECT_FALSE(third_call.is_done());
  ASSERT_TRUE(second->backup("Release"));
  EXPECT_TRUE(third_call.result());
  ASSERT_TRUE(third->backup("AbortBackup"));
  EXPECT_EQ(get<std::string>(status(), "lock_holder"), "");
}

TEST_F(CreationQueue, CancelEndsTheWait) {
  const auto first = ready("first", 0);
  ASSERT_TRUE(first->backup("StartSnapshotSet"));
  const auto second = ready("second", 60'000);
  const auto third = ready("third", 60'000);
  PendingCall second_call = second->begin("StartSnapshotSet");
  ASSERT_TRUE(wait_for_waiters(1));
  PendingCall third_call = third->begin("StartSnapshotSet");
  ASSERT_TRUE(wait_for_waiters(2));
  ASSERT_TRUE(second->backup("Cancel"));
  EXPECT_EQ(name_of(second_call.result()), "Cancelled");
  EXPECT_EQ(second->state(), "initialized");
  ASSERT_TRUE(wait_for_waiters(1));
  ASSERT_TRUE(first->backup("Release"));
  EXPECT_TRUE(third_call.result());
  ASSERT_TRUE(third->backup("Release"));
  EXPECT_TRUE(second->backup("StartSnapshotSet")) << "what was cancelled can be tried again";
}

TEST_F(CreationQueue, TheLockDiesWithItsHolder) {
  RequesterProcess holder("AddToSnapshotSet", {volume()});
  ASSERT_TRUE(holder.wait_for("AddToSnapshotSet")) << holder.output();
  const auto second = ready("second", 60'000);
  PendingCall call = second->begin("StartSnapshotSet");
  ASSERT_TRUE(wait_for_waiters(1));
  EXPECT_FALSE(call.is_done());
  holder.kill9();
  EXPECT_TRUE(call.wait_for(std::chrono::seconds(10)));
  EXPECT_TRUE(call.result());
}

TEST_F(CreationQueue, WhoWaitsAndDiesLeavesTheQueue) {
  const auto first = ready("first", 0);
  ASSERT_TRUE(first->backup("StartSnapshotSet"));
  auto second = ready("second", 60'000);
  PendingCall second_call = second->begin("StartSnapshotSet");
  ASSERT_TRUE(wait_for_waiters(1));
  second.reset();
  EXPECT_EQ(name_of(second_call.result()), "Test.ConnectionLost");
  ASSERT_TRUE(wait_for_waiters(0));
  const auto third = ready("third", 60'000);
  PendingCall third_call = third->begin("StartSnapshotSet");
  ASSERT_TRUE(wait_for_waiters(1));
  ASSERT_TRUE(first->backup("AbortBackup"));
  EXPECT_TRUE(third_call.result());
}

}  // namespace
}  // namespace vss::test
