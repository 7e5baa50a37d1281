// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/creation_lock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>

namespace vss::core {
namespace {

using namespace std::chrono_literals;
using Acquired = Result<CreationLock::Lease>;

class CreationLockTest : public testing::Test {
 protected:
  // Starts an acquisition; its outcome appears in the result when the loop has run far enough.
  std::shared_ptr<std::optional<Acquired>> acquire(std::string client, Milliseconds patience,
                                                   Signal cancel = {}) {
    auto outcome = std::make_shared<std::optional<Acquired>>();
    const auto run = [](CreationLock& lock, CreationLock::Holder who, Milliseconds wait, Signal stop,
                        std::shared_ptr<std::optional<Acquired>> into) -> asio::awaitable<void> {
      into->emplace(co_await lock.acquire(std::move(who), wait, std::move(stop)));
    };
    CreationLock::Holder holder{std::move(client), "test.service", 42, Guid::random(), {}};
    spawn(loop_.get_executor(), run(lock_, std::move(holder), patience, std::move(cancel), outcome));
    loop_.restart();
    loop_.poll();
    return outcome;
  }
  void run_ready() {
    loop_.restart();
    loop_.poll();
  }

  asio::io_context loop_;
  CreationLock lock_;
};

TEST_F(CreationLockTest, TheErrorNamesTheHolder) {
  const auto first = acquire("restic", 0ms);
  ASSERT_TRUE(*first && (*first)->has_value());
  const auto second = acquire("borg", 1ms);
  loop_.restart();
  loop_.run();
  ASSERT_TRUE(*second);
  ASSERT_FALSE((*second)->has_value());
  EXPECT_EQ((*second)->error().code, ErrorCode::SnapshotSetInProgress);
  EXPECT_THAT((*second)->error().message, testing::HasSubstr("restic (pid 42, unit test.service), set "));
  EXPECT_EQ(lock_.waiters(), 0U);
}

TEST_F(CreationLockTest, WaitersGetItInTheOrderTheyCame) {
  auto first = acquire("a", 0ms);
  auto second = acquire("b", 1h);
  auto third = acquire("c", 1h);
  EXPECT_EQ(lock_.waiters(), 2U);
  (**first)->release();
  run_ready();
  ASSERT_TRUE(*second);
  EXPECT_FALSE(*third);
  EXPECT_EQ(lock_.holder()->client, "b");
  second->reset();  // the lease goes with its owner
  run_ready();
  ASSERT_TRUE(*third);
  EXPECT_EQ(lock_.holder()->client, "c");
}

TEST_F(CreationLockTest, AWaiterThatIsCancelledLeavesTheQueue) {
  auto first = acquire("a", 0ms);
  Signal cancel;
  auto second = acquire("b", 1h, cancel);
  auto third = acquire("c", 1h);
  cancel.set();
  run_ready();
  ASSERT_TRUE(*second);
  EXPECT_EQ((*second)->error().code, ErrorCode::Cancelled);
  (**first)->release();
  run_ready();
  EXPECT_TRUE(*third);
}

TEST_F(CreationLockTest, AWaiterCancelledInTheMomentOfTheGrantPassesItOn) {
  auto first = acquire("a", 0ms);
  Signal cancel;
  auto second = acquire("b", 1h, cancel);
  auto third = acquire("c", 1h);
  (**first)->release();
  cancel.set();
  run_ready();
  run_ready();
  EXPECT_EQ((*second)->error().code, ErrorCode::Cancelled);
  ASSERT_TRUE(*third);
  EXPECT_EQ(lock_.holder()->client, "c");
}

TEST_F(CreationLockTest, ItIsFreeWhenTheLastLeaseIsGone) {
  {
    auto first = acquire("a", 0ms);
    EXPECT_TRUE(lock_.holder());
  }
  EXPECT_FALSE(lock_.holder());
}

}  // namespace
}  // namespace vss::core
