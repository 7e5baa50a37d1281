// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/snapshot_watch.hpp"

#include <algorithm>

namespace vss::core {
namespace {
// Each transition once; a snapshot at risk again when its time has halved.
bool is_news(const HealthReport& told, const HealthReport& report) {
  if (told.health != report.health) return true;
  if (report.health != SnapshotHealth::AtRisk || report.seconds_left < 0) return false;
  return told.seconds_left < 0 ||
         (report.seconds_left < told.seconds_left && report.seconds_left <= told.seconds_left / 2);
}
}  // namespace

void SnapshotWatch::wake() {
  if (std::exchange(running_, true)) return;
  spawn(services_.executor, run());
}

asio::awaitable<void> SnapshotWatch::run() {
  while (!store_.watched().empty()) {
    asio::steady_timer timer(services_.executor, services_.limits.watch);
    asio::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    co_await round();
    forget_what_is_gone();
  }
  running_ = false;
}

asio::awaitable<void> SnapshotWatch::round() {
  const std::vector<SetRecord> sets = store_.watched();
  for (const SetRecord& set : sets) {
    for (const SnapshotRecord& snapshot : set.snapshots) {
      if (snapshot.health.health != SnapshotHealth::Lost) co_await look_at(set.set_id, snapshot.snapshot_id);
    }
  }
}

asio::awaitable<void> SnapshotWatch::look_at(Guid set, Guid snapshot) {
  const BackgroundGate::Pass pass = co_await store_.watching().enter();
  const SetRecord* record = store_.find(set);
  const SnapshotRecord* found = store_.is_watched(set) ? record->find(snapshot) : nullptr;
  if (found == nullptr) co_return;  // gone since the round began
  const std::string name = found->provider;
  Provider* provider = services_.providers.find(name);
  if (provider == nullptr) co_return;
  Member member = member_of(*record, *found);
  Result<HealthReport> report = co_await ask(provider, std::move(member));
  found = store_.is_watched(set) ? store_.find(set)->find(snapshot) : nullptr;
  if (found == nullptr || !store_.is_announced(set)) co_return;  // nobody is told of what nobody knows
  if (!report) co_return failed(name, snapshot, report.error());
  answered(name, snapshot);
  take(set, *found, std::move(*report));
}

// One that throws is one that fails: the watch goes on.
asio::awaitable<Result<HealthReport>> SnapshotWatch::ask(Provider* provider, Member member) {
  try {
    co_return co_await provider->check_health(std::move(member));
  } catch (const std::exception& error) {
    co_return fail(ErrorCode::Unexpected, error.what());
  }
}

void SnapshotWatch::take(Guid set, const SnapshotRecord& snapshot, HealthReport report) {
  const Guid id = snapshot.snapshot_id;
  const HealthReport told = announced_[id];
  if (report.health == SnapshotHealth::Good) {
    announced_.erase(id);
    if (told.health != SnapshotHealth::Good) {
      spdlog::info("snapshot {} of {} is well again", id.str(), snapshot.volume.path);
    }
  } else if (is_news(told, report)) {
    announced_[id] = report;
    spdlog::warn("snapshot {} of {} (set {}) is {}: {}", id.str(), snapshot.volume.path, set.str(),
                 to_string(report.health), report.reason);
    services_.observer.snapshot_invalidated(set, id, report);
  }
  store_.set_health(set, id, std::move(report));
}

void SnapshotWatch::failed(const std::string& provider, Guid snapshot, const Error& error) {
  std::set<Guid>& unanswered = unanswered_[provider];
  if (unanswered.empty()) {
    spdlog::warn("the health of snapshots of provider {} is unknown for now: snapshot {}: {}", provider,
                 snapshot.str(), error.message);
  }
  unanswered.insert(snapshot);
}

void SnapshotWatch::answered(const std::string& provider, Guid snapshot) {
  const auto at = unanswered_.find(provider);
  if (at == unanswered_.end() || at->second.erase(snapshot) == 0 || !at->second.empty()) return;
  unanswered_.erase(at);
  spdlog::info("provider {} tells the health of its snapshots again", provider);
}

void SnapshotWatch::forget_what_is_gone() {
  const auto is_gone = [&](Guid snapshot) { return store_.find_by_snapshot(snapshot) == nullptr; };
  std::erase_if(announced_, [&](const auto& entry) { return is_gone(entry.first); });
  for (auto& [provider, snapshots] : unanswered_) std::erase_if(snapshots, is_gone);
  std::erase_if(unanswered_, [](const auto& entry) { return entry.second.empty(); });
}

}  // namespace vss::core
