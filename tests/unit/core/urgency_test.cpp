// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/urgency.hpp"

#include <gtest/gtest.h>
#include <unistd.h>
#include <thread>

#include "tests/support/priorities.hpp"

namespace vss::core {
namespace {

using test::is_urgent;

TEST(Urgency, AThreadIsUrgentFromBeginToEndWhereItMayBe) {
  const bool allowed = test::may_be_urgent();
  Urgency urgency(::gettid());
  urgency.end();
  urgency.begin();
  urgency.begin();
  EXPECT_EQ(is_urgent(0), allowed);
  urgency.end();
  EXPECT_FALSE(is_urgent(0));
}

TEST(Urgency, WhatIsStartedMeanwhileIsOrdinary) {
  Urgency urgency(::gettid());
  urgency.begin();
  bool urgent = true;
  std::thread([&] { urgent = is_urgent(0); }).join();
  urgency.end();
  EXPECT_FALSE(urgent);
}

// Where it may not be urgent at all it is ordinary, and stays that.
TEST(Urgency, AThreadThatWasUrgentBeforeStaysSo) {
  const int policy = test::may_be_urgent() ? SCHED_FIFO : SCHED_OTHER;
  std::thread([policy] {
    const sched_param before{policy == SCHED_FIFO ? ::sched_get_priority_min(SCHED_FIFO) + 1 : 0};
    ASSERT_EQ(::sched_setscheduler(0, policy, &before), 0);
    Urgency urgency(::gettid());
    const auto expect_unchanged = [&] {
      sched_param now{};
      EXPECT_EQ(::sched_getscheduler(0), policy);
      EXPECT_EQ(::sched_getparam(0, &now), 0);
      EXPECT_EQ(now.sched_priority, before.sched_priority);
    };
    urgency.begin();
    expect_unchanged();
    urgency.end();
    expect_unchanged();
  }).join();
}

}  // namespace
}  // namespace vss::core
