// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// One attempt at the instant: a hold plan, the window armed for it, and its run: hold, capture, release.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/core/creation_times.hpp"
#include "daemon/core/hold_plan.hpp"
#include "daemon/core/services.hpp"

namespace vss::core {

class CaptureAttempt {
 public:
  // `require_cut`: a capture that is not of one instant is an error.
  CaptureAttempt(Services& services, CreationTimes& times, Guid set, HoldPlan plan, bool require_cut)
      : services_(services), times_(times), set_(set), plan_(std::move(plan)), require_cut_(require_cut) {}

  // While everything may still block. Whatever was armed must be run or disarmed.
  asio::awaitable<Status> arm();

  // By the plan, step by step; `cancel` stops it before its next one. Nothing is held when it comes back; if
  // that is not so, it is an error.
  asio::awaitable<Status> run(Signal cancel);

  // Ends a window on which run() was never called.
  asio::awaitable<Status> disarm();

  // Whether a snapshot may exist.
  [[nodiscard]] bool has_captured() const { return has_captured_; }
  // After run() failed: nothing but the kind of hold was wrong, see CaptureReport.
  [[nodiscard]] bool hold_refused() const { return hold_refused_; }
  // After run() succeeded: why the captures are not of one instant although planned so, "" if they are.
  [[nodiscard]] const std::string& not_one_instant() const { return not_one_instant_; }
  // 0 for one that was not held.
  [[nodiscard]] double hold_ms(const std::string& superblock) const;

 private:
  asio::awaitable<Status> run_plan(Signal cancel);
  asio::awaitable<Status> run_step(PlanStep step);
  asio::awaitable<Status> hold(std::size_t target);
  asio::awaitable<Status> hold_at_once(std::vector<std::size_t> targets);
  asio::awaitable<Status> capture(PlanStep step);

  Services& services_;
  CreationTimes& times_;
  Guid set_;
  HoldPlan plan_;
  bool require_cut_;
  std::unique_ptr<HoldWindow> window_;
  bool hold_refused_ = false;
  bool has_captured_ = false;  // or begun to
  std::string not_one_instant_;
  std::map<std::string, double> hold_ms_;  // by superblock
};

}  // namespace vss::core
