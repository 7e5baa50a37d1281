// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/hold/release.hpp"

#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "daemon/core/urgency.hpp"

namespace vss::hold {

namespace {
using namespace std::chrono_literals;

constexpr auto kUsualEnd = 100ms;  // how long a killed process takes to end, if no thread of it is stuck
constexpr auto kReleasePatience = 200ms;  // then the next one is released beside it
constexpr auto kLastPatience = 5000ms;    // at most, for all that are not done after that

std::string name_of(const RecordTarget& target) { return target.mount_point.data(); }

// The outcome of one release, waited for with a limit.
struct Outcome {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<core::Result<int>> result;  // errno; an error: it could not even be opened
};

// The errno of the release; EALREADY: somebody else made it.
core::Result<int> release_one(const ReleaseJob& job, std::size_t index, Stamp seen) noexcept {
  try {
    RecordTarget& target = job.record->targets()[index];
    auto action = job.action(index);
    if (!action) return core::fail(std::move(action).error());
    const pid_t self = getpid();
    const bool won = seen.state() == TargetState::Held ? target.claim(self) : target.take_over(seen, self);
    return won ? release_claimed(target, **action, self) : EALREADY;
  } catch (const std::exception& error) {
    return core::fail(ErrorCode::Unexpected, error.what());
  }
}

class Pass {
 public:
  Pass(std::shared_ptr<ReleaseJob> job, ReleaseReport& report) : job_(std::move(job)), report_(report) {}

  void run() {
    for (std::size_t index = next(); index != kNone; index = next()) release(index);
  }

  // Waits for the releases that took longer than the others were to wait for.
  void wait_for_unfinished(std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (const auto& [index, outcome] : unfinished_) {
      std::unique_lock lock(outcome->mutex);
      if (outcome->changed.wait_until(lock, end,
                                      [&outcome = outcome] { return outcome->result.has_value(); }))
        note(index, *outcome->result);
    }
    unfinished_.clear();
  }

  // What is left, each with the reason.
  void report_remaining() {
    const auto targets = job_->record->targets();
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const Stamp now = targets[i].now();
      if (now.state() == TargetState::Planned || now.state() == TargetState::Released) continue;
      const auto problem = problems_.find(i);
      report_.remaining.push_back(
          name_of(targets[i]) + ": " +
          (problem != problems_.end()
               ? problem->second
               : "still " + std::string(to_string(now.state())) + " by process " + std::to_string(now.by())));
    }
  }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  // The newest that may be released: what was only begun comes first, it was the last.
  std::size_t next() {
    std::size_t best = kNone;
    std::uint32_t best_place = 0;
    const auto targets = job_->record->targets();
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const std::uint32_t place = place_of(targets[i]);
      if (place == 0 || tried_.contains(i)) continue;
      if (best == kNone || place > best_place) {
        best = i;
        best_place = place;
      }
    }
    return best;
  }

  // 0: there is nothing to release, or its owner lives.
  std::uint32_t place_of(const RecordTarget& target) const {
    const Stamp now = target.now();
    switch (now.state()) {
      case TargetState::Planned:
      case TargetState::Released:
        return 0;
      case TargetState::Held:
        return target.sequence;
      case TargetState::Holding:
        return job_->is_gone(now.by()) ? std::numeric_limits<std::uint32_t>::max() : 0;
      case TargetState::Releasing:
        return job_->is_gone(now.by()) ? target.sequence.load() : 0;
    }
    return 0;
  }

  void release(std::size_t index) {
    tried_.insert(index);
    const RecordTarget& target = job_->record->targets()[index];
    const auto outcome = std::make_shared<Outcome>();
    const Stamp seen = target.now();
    try {
      std::thread([job = job_, outcome, index, seen] {
        core::Urgency(gettid()).begin();
        auto result = release_one(*job, index, seen);
        const std::lock_guard lock(outcome->mutex);
        outcome->result = std::move(result);
        outcome->changed.notify_all();
      }).detach();
    } catch (const std::system_error&) {
      // No thread to be had: better to risk waiting here than not to release.
      outcome->result = release_one(*job_, index, seen);
    }
    std::unique_lock lock(outcome->mutex);
    outcome->changed.wait_for(lock, kReleasePatience, [&] { return outcome->result.has_value(); });
    if (outcome->result)
      note(index, *outcome->result);
    else
      unfinished_.emplace_back(index, outcome);
  }

  void note(std::size_t index, const core::Result<int>& result) {
    const std::string name = name_of(job_->record->targets()[index]);
    if (!result)
      problems_[index] = result.error().message;
    else if (*result == 0)
      report_.released.push_back(name);
    else if (*result == EINVAL)
      report_.not_held.push_back(name);
    else if (*result != EALREADY)
      problems_[index] = std::generic_category().message(*result);
  }

  std::shared_ptr<ReleaseJob> job_;
  ReleaseReport& report_;
  std::set<std::size_t> tried_;
  std::vector<std::pair<std::size_t, std::shared_ptr<Outcome>>> unfinished_;
  std::map<std::size_t, std::string> problems_;
};

bool something_is_open(const Record& record) {
  return std::ranges::any_of(record.targets(), [](const RecordTarget& target) {
    const TargetState state = target.now().state();
    return state == TargetState::Holding || state == TargetState::Releasing;
  });
}
}  // namespace

ReleaseReport release_in_place(const std::shared_ptr<ReleaseJob>& job, const ProcessWatch& helper,
                               std::chrono::milliseconds patience) {
  ReleaseReport report;
  const bool gone = helper.gone(kUsualEnd);
  Pass pass(job, report);
  pass.run();
  if (!gone && something_is_open(*job->record) && helper.gone(patience)) pass.run();
  // Also in a hurry: the end of this process would end a release that has not come to its system call.
  pass.wait_for_unfinished(patience.count() < 0 ? kLastPatience : std::min(patience, kLastPatience));
  pass.report_remaining();
  return report;
}

}  // namespace vss::hold
