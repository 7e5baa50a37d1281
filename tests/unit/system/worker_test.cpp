// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/worker.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/support/wait_until.hpp"
#include "tests/unit/system/awaited.hpp"

namespace vss::system {
namespace {
using namespace std::chrono_literals;
using test::awaited;

TEST(Worker, RunsElsewhereAndComesBackToTheCaller) {
  asio::io_context context;
  Worker worker("test");
  const auto caller = std::this_thread::get_id();
  std::thread::id worked_on;
  std::thread::id resumed_on;
  const auto operation = [](Worker& on, std::thread::id& worked,
                            std::thread::id& resumed) -> asio::awaitable<core::Result<int>> {
    auto work = [&worked]() -> core::Result<int> {
      worked = std::this_thread::get_id();
      return 7;
    };
    auto result = co_await on.run(std::move(work));
    resumed = std::this_thread::get_id();
    co_return result;
  };
  EXPECT_EQ(awaited(context, operation(worker, worked_on, resumed_on)).value(), 7);
  EXPECT_NE(worked_on, caller);
  EXPECT_EQ(resumed_on, caller);
}

TEST(Worker, AnExceptionBecomesAnError) {
  asio::io_context context;
  Worker worker("test");
  const auto result =
      awaited(context, worker.run([]() -> core::Status { throw std::runtime_error("no such luck"); }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::Unexpected);
  EXPECT_EQ(result.error().message, "no such luck");
}

TEST(Worker, WhoOverrunsTheLimitIsAnsweredAndBlocksTheRestUntilItReturns) {
  asio::io_context context;
  Worker worker("test", ErrorCode::FlushWritesTimeout);
  std::promise<void> gate;
  auto blocked = [until = gate.get_future().share()]() -> core::Status {
    until.wait();
    return {};
  };
  const auto late = awaited(context, worker.run(blocked, 20ms));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::FlushWritesTimeout);
  EXPECT_TRUE(worker.overran());

  const auto refused = awaited(context, worker.run([]() -> core::Status { return {}; }));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::FlushWritesTimeout);

  gate.set_value();
  EXPECT_TRUE(test::wait_until(
      [&] {
        context.restart();
        context.poll();
        return !worker.overran();
      },
      10s));
  EXPECT_TRUE(awaited(context, worker.run([]() -> core::Status { return {}; })));
}

TEST(Worker, ACallThatStillWaitsWhenItsLimitPassesIsNeverRun) {
  asio::io_context context;
  auto worker = std::make_unique<Worker>("test");
  std::promise<void> gate;
  auto blocked = [until = gate.get_future().share()]() -> core::Status {
    until.wait();
    return {};
  };
  bool blocked_returned = false;
  asio::co_spawn(context, worker->run(blocked),
                 [&](std::exception_ptr, core::Status) { blocked_returned = true; });
  std::atomic<bool> ran = false;
  const auto queued = awaited(context, worker->run(
                                           [&ran]() -> core::Status {
                                             ran = true;
                                             return {};
                                           },
                                           20ms));
  EXPECT_FALSE(queued);
  gate.set_value();
  EXPECT_TRUE(test::wait_until(
      [&] {
        context.restart();
        context.poll();
        return blocked_returned && !worker->overran();
      },
      10s));
  worker.reset();
  EXPECT_FALSE(ran);
}

TEST(Worker, AStuckThreadDoesNotKeepItsOwnerFromGoing) {
  std::promise<void> gate;
  auto reached = std::make_shared<std::promise<void>>();
  auto finished = std::make_shared<std::promise<void>>();
  auto finished_future = finished->get_future();
  bool answered = false;
  {
    asio::io_context context;
    auto worker = std::make_unique<Worker>("test");
    auto stuck = [until = gate.get_future().share(), reached, finished]() -> core::Status {
      reached->set_value();
      until.wait();
      finished->set_value();
      return {};
    };
    asio::co_spawn(context, worker->run(std::move(stuck)),
                   [&](std::exception_ptr, core::Status) { answered = true; });
    context.poll();
    reached->get_future().wait();
    const auto start = std::chrono::steady_clock::now();
    worker.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  }
  gate.set_value();  // returns into a world without an executor
  finished_future.wait();
  EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace vss::system
