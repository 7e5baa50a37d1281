// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/capture_attempt.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vss::core {
namespace {
// The log keeps its lines in memory while something is held.
class QuietLog {
 public:
  explicit QuietLog(LogGate& gate) : gate_(gate) { gate_.begin_hold(); }
  ~QuietLog() { gate_.end_hold(); }
  QuietLog(const QuietLog&) = delete;
  QuietLog& operator=(const QuietLog&) = delete;

 private:
  LogGate& gate_;
};

// The limit of a capture may pass together with that of the hold: what counts is that writes have begun
// again.
Error let_go(Error failure) {
  if (failure.code == ErrorCode::HoldWritesTimeout || failure.code == ErrorCode::Cancelled) return failure;
  return Error{ErrorCode::HoldWritesTimeout, "a volume was let go before all were captured"}.followed_by(
      failure);
}
}  // namespace

asio::awaitable<Status> CaptureAttempt::arm() {
  if (plan_.targets.empty()) co_return Status();
  std::vector<HoldTarget> targets = plan_.targets;
  auto armed = co_await services_.holder.arm(set_, std::move(targets), services_.limits.hold);
  if (!armed) co_return fail(std::move(armed.error()).with_context("prepare the hold"));
  window_ = std::move(*armed);
  co_return Status();
}

asio::awaitable<Status> CaptureAttempt::run(Signal cancel) {
  const QuietLog quiet(services_.log_gate);
  Status captured = co_await run_plan(std::move(cancel));
  if (!captured && has_captured_ && window_ && window_->was_let_go())
    captured = fail(let_go(std::move(captured.error())));
  Status finished = co_await disarm();
  if (finished) co_return captured;
  hold_refused_ = false;  // something is still held: no further attempt
  if (captured) co_return finished;
  co_return fail(std::move(captured.error()).followed_by(finished.error()));
}

asio::awaitable<Status> CaptureAttempt::disarm() {
  if (!window_) co_return Status();
  Status finished = co_await window_->finish();
  window_.reset();
  co_return finished;
}

asio::awaitable<Status> CaptureAttempt::run_plan(Signal cancel) {
  for (auto step = plan_.steps.begin(); step != plan_.steps.end();) {
    if (cancel.is_set()) co_return fail(ErrorCode::Cancelled, "the creation was cancelled");
    const auto next = std::find_if(step + 1, plan_.steps.end(), [](const PlanStep& s) { return !s.at_once; });
    Status done;
    if (next - step == 1) {
      PlanStep copy = *step;
      done = co_await run_step(std::move(copy));
    } else {
      std::vector<std::size_t> targets;
      std::transform(step, next, std::back_inserter(targets), [](const PlanStep& s) { return s.target; });
      done = co_await hold_at_once(std::move(targets));
    }
    if (!done) co_return done;
    step = next;
  }
  co_return Status();
}

asio::awaitable<Status> CaptureAttempt::hold(std::size_t target) {
  Status held = co_await window_->hold(target);
  if (held) co_return held;
  co_return fail(std::move(held.error()).with_context("hold " + plan_.targets[target].mount_point));
}

// Comes back when each of them is held or has failed, or the window has ended meanwhile.
asio::awaitable<Status> CaptureAttempt::hold_at_once(std::vector<std::size_t> targets) {
  const auto executor = co_await asio::this_coro::executor;
  struct Shared {
    std::size_t left;
    Status all;
    Signal done;
  };
  const auto shared = std::make_shared<Shared>(Shared{targets.size(), {}, {}});
  const auto note = [shared](const std::exception_ptr& escaped, Status held) {
    log_escaped(escaped);
    if (escaped) held = fail(ErrorCode::Unexpected, "hold");
    if (shared->all && !held) shared->all = std::move(held);
    if (--shared->left == 0) shared->done.set();
  };
  for (const std::size_t target : targets) asio::co_spawn(executor, hold(target), note);
  co_await wait_for(shared->done, TimePoint::max());
  co_return shared->all;
}

asio::awaitable<Status> CaptureAttempt::run_step(PlanStep step) {
  switch (step.kind) {
    case PlanStep::Kind::Hold:
      co_return co_await hold(step.target);
    case PlanStep::Kind::Capture:
      co_return co_await capture(std::move(step));
    case PlanStep::Kind::Release: {
      // If it had been let go before this, what was captured may be torn: the error says so and the set is
      // deleted.
      Result<HoldTimes> times = co_await window_->release(step.target);
      if (!times) co_return fail(std::move(times.error()));
      const std::chrono::duration<double, std::milli> length = times->length();
      hold_ms_[plan_.targets[step.target].superblock] = length.count();
      co_return Status();
    }
  }
  co_return Status();
}

asio::awaitable<Status> CaptureAttempt::capture(PlanStep step) {
  Provider* provider = services_.providers.find(step.provider);
  if (provider == nullptr) co_return fail(ErrorCode::ProviderNotRegistered, step.provider);
  has_captured_ = true;
  const auto start = CreationTimes::Clock::now();
  Result<CaptureReport> report = co_await provider->commit(set_, std::move(step.snapshots));
  times_.note_provider(step.provider, "commit", start);
  if (!report) co_return fail(std::move(report.error()));
  hold_refused_ = report->hold_refused;
  if (hold_refused_) co_return fail(ErrorCode::ProviderVeto, report->reason);
  if (report->one_instant) co_return Status();
  if (require_cut_) co_return fail(ErrorCode::ConsistencyNotReached, report->reason);
  not_one_instant_ += (not_one_instant_.empty() ? "" : "; ") + report->reason;
  co_return Status();
}

double CaptureAttempt::hold_ms(const std::string& superblock) const {
  const auto at = hold_ms_.find(superblock);
  return at == hold_ms_.end() ? 0 : at->second;
}

}  // namespace vss::core
