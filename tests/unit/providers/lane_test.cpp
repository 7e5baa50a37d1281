// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "daemon/provider_host/lane.hpp"
#include "tests/support/priorities.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/unit/providers/run_awaitable.hpp"

namespace vss::provider_host {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// An operation that blocks until it is let go, and notes when it ran.
struct Gate {
  std::atomic<bool> open{false};
  std::atomic<bool> entered{false};
  std::atomic<bool> saw_cancel{false};
};

std::shared_ptr<Operation> blocked(OperationKind kind, std::shared_ptr<Gate> gate,
                                   std::chrono::milliseconds limit) {
  auto operation = std::make_shared<Operation>("test", kind, [gate](const vss_provider_host* host) {
    gate->entered = true;
    (void)test::wait_until([&] { return gate->open.load(); }, 30s);
    gate->saw_cancel = host->is_cancelled(host->context) != 0;
    return 0;
  });
  operation->progress.limit = limit;
  return operation;
}

std::shared_ptr<Operation> noting(OperationKind kind, std::shared_ptr<std::atomic<int>> calls) {
  auto operation =
      std::make_shared<Operation>("test", kind, [calls](const vss_provider_host*) { return 0 * ++*calls; });
  operation->progress.limit = 10s;
  return operation;
}

class Lanes : public ::testing::Test {
 protected:
  // Everything that may still block is let go, so that no thread is left to the next test.
  ~Lanes() override {
    gate_->open = true;
    if (gate_->entered) test::run_until(context_, [&] { return lane_.stuck_in().empty(); });
  }
  asio::io_context context_;
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  Lane lane_{context_.get_executor(), "test"};
};

TEST_F(Lanes, OperationsRunOneAfterAnother) {
  const auto calls = std::make_shared<std::atomic<int>>(0);
  const auto first = test::start(context_, lane_.run(blocked(OperationKind::BeginPrepare, gate_, 20s)));
  const auto second = test::start(context_, lane_.run(noting(OperationKind::EndPrepare, calls)));
  test::run_until(context_, [&] { return gate_->entered.load(); });
  EXPECT_EQ(*calls, 0);
  gate_->open = true;
  test::run_until(context_, [&] { return second->done(); });
  EXPECT_TRUE(first->done() && first->value->has_value() && second->value->has_value());
  EXPECT_EQ(*calls, 1);
}

TEST_F(Lanes, AnOverdueOperationIsAnErrorThatNamesItAndTheLaneIsStuckUntilItReturns) {
  const auto status = test::run(context_, lane_.run(blocked(OperationKind::Commit, gate_, 50ms)));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::UnexpectedProviderError);
  EXPECT_EQ(status.error().message, "provider test still works on commit after 0.1 s");
  EXPECT_EQ(lane_.stuck_in(), "commit");

  gate_->open = true;
  test::run_until(context_, [&] { return lane_.stuck_in().empty(); });
  EXPECT_TRUE(gate_->saw_cancel);
  const auto calls = std::make_shared<std::atomic<int>>(0);
  EXPECT_TRUE(test::run(context_, lane_.run(noting(OperationKind::BeginPrepare, calls))));
  EXPECT_EQ(*calls, 1);
}

TEST_F(Lanes, AThreadIsUrgentInACommitAndInNothingElse) {
  for (const OperationKind kind :
       {OperationKind::EndPrepare, OperationKind::Commit, OperationKind::PostCommit}) {
    SCOPED_TRACE(to_string(kind));
    bool urgent = false;
    const auto operation = std::make_shared<Operation>("test", kind, [&](const vss_provider_host*) {
      urgent = test::is_urgent(0);
      return 0;
    });
    operation->progress.limit = 10s;
    ASSERT_TRUE(test::run(context_, lane_.run(operation)));
    EXPECT_EQ(urgent, kind == OperationKind::Commit && test::may_be_urgent());
  }
}

TEST_F(Lanes, ACommitThatNobodyWaitsForAnyMoreIsNotUrgent) {
  const auto urgent = std::make_shared<std::atomic<bool>>(true);
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  const auto gate = gate_;
  const auto operation =
      std::make_shared<Operation>("test", OperationKind::Commit, [=](const vss_provider_host*) {
        gate->entered = true;
        *ended = test::wait_until([&] { return gate->open.load(); }, 30s);
        *urgent = test::is_urgent(0);
        return 0;
      });
  operation->progress.limit = 10ms;
  ASSERT_FALSE(test::run(context_, lane_.run(operation)));
  gate_->open = true;
  test::run_until(context_, [&] { return lane_.stuck_in().empty(); });
  EXPECT_TRUE(*ended);
  EXPECT_FALSE(*urgent);
}

TEST_F(Lanes, WhileStuckNewOperationsAreRefusedAtOnce) {
  ASSERT_FALSE(test::run(context_, lane_.run(blocked(OperationKind::Commit, gate_, 10ms))));
  const auto calls = std::make_shared<std::atomic<int>>(0);
  const auto status = test::run(context_, lane_.run(noting(OperationKind::BeginPrepare, calls)));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::ProviderInUse);
  EXPECT_THAT(status.error().message, HasSubstr("still works on commit"));
  EXPECT_EQ(*calls, 0);
}

TEST_F(Lanes, ThoseWhoWaitBehindAStuckOperationAreRefusedWhenItsLimitPasses) {
  const auto calls = std::make_shared<std::atomic<int>>(0);
  const auto first = test::start(context_, lane_.run(blocked(OperationKind::Remove, gate_, 50ms)));
  const auto second = test::start(context_, lane_.run(noting(OperationKind::Query, calls)));
  test::run_until(context_, [&] { return first->done() && second->done(); });
  EXPECT_EQ(first->value->error().code, ErrorCode::UnexpectedProviderError);
  EXPECT_EQ(second->value->error().code, ErrorCode::ProviderInUse);
  gate_->open = true;
  test::run_until(context_, [&] { return lane_.stuck_in().empty(); });
  EXPECT_EQ(*calls, 0);
}

TEST_F(Lanes, AnAbortIsQueuedBehindAStuckOperationAndRunsWhenItReturns) {
  ASSERT_FALSE(test::run(context_, lane_.run(blocked(OperationKind::Commit, gate_, 10ms))));
  const auto calls = std::make_shared<std::atomic<int>>(0);
  const auto status = test::run(context_, lane_.run(noting(OperationKind::Abort, calls)));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::ProviderInUse);
  EXPECT_THAT(status.error().message, HasSubstr("abort follows"));
  EXPECT_EQ(*calls, 0);
  gate_->open = true;
  test::run_until(context_, [&] { return *calls == 1; });
  EXPECT_TRUE(gate_->saw_cancel);
}

TEST_F(Lanes, ACancelledCoroutineLeavesTheOperationBehindAndTellsIt) {
  using namespace asio::experimental::awaitable_operators;
  const auto first = blocked(OperationKind::EndPrepare, gate_, 20s);
  const auto race = [](Lane& lane, std::shared_ptr<Operation> operation,
                       asio::io_context& context) -> asio::awaitable<int> {
    asio::steady_timer timer(context, 20ms);
    const auto winner = co_await (lane.run(operation) || timer.async_wait(asio::use_awaitable));
    co_return static_cast<int>(winner.index());
  };
  EXPECT_EQ(test::run(context_, race(lane_, first, context_)), 1);
  EXPECT_TRUE(first->cancelled());

  const auto calls = std::make_shared<std::atomic<int>>(0);
  const auto abort = test::start(context_, lane_.run(noting(OperationKind::Abort, calls)));
  gate_->open = true;
  test::run_until(context_, [&] { return abort->done(); });
  EXPECT_TRUE(*abort->value);
  EXPECT_EQ(*calls, 1);
}

TEST(Lane, OneThatIsStuckDoesNotHoldUpTheEndOfTheProcess) {
  asio::io_context context;
  const auto gate = std::make_shared<Gate>();
  {
    Lane lane(context.get_executor(), "test");
    ASSERT_FALSE(test::run(context, lane.run(blocked(OperationKind::Commit, gate, 10ms))));
  }
  EXPECT_FALSE(gate->open);
  gate->open = true;  // its thread ends without touching the lane
  EXPECT_TRUE(test::wait_until([&] { return gate->saw_cancel.load(); }, 10s));
}

}  // namespace
}  // namespace vss::provider_host
