// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/coordinator.hpp"

#include <algorithm>

namespace vss::core {

Coordinator::Coordinator(Services services)
    : services_(std::move(services)), writers_(services_.observer), store_(services_) {}

asio::awaitable<Status> Coordinator::start() { co_return co_await store_.recover(); }

Result<std::shared_ptr<BackupSession>> Coordinator::create_backup(Requester requester,
                                                                  BackupOptions options) {
  const auto of_caller = std::ranges::count_if(
      sessions_, [&](const auto& entry) { return entry.second->requester().bus_name == requester.bus_name; });
  if (static_cast<std::size_t>(of_caller) >= services_.limits.sessions_per_caller) {
    return fail(
        ErrorCode::OutOfMemory,
        "a caller may have " + std::to_string(services_.limits.sessions_per_caller) + " sessions at once");
  }
  if (sessions_.size() >= services_.limits.sessions) return fail(ErrorCode::OutOfMemory, "too many sessions");
  auto session =
      std::make_shared<BackupSession>(services_, lock_, store_, writers_, std::move(requester), options);
  sessions_[session->id()] = session;
  spdlog::info("session {} of {} ({})", session->id().str(), session->requester().client,
               session->requester().bus_name);
  return session;
}

std::shared_ptr<BackupSession> Coordinator::session(Guid id) const {
  const auto at = sessions_.find(id);
  return at == sessions_.end() ? nullptr : at->second;
}

std::vector<std::shared_ptr<BackupSession>> Coordinator::sessions() const {
  std::vector<std::shared_ptr<BackupSession>> all;
  for (const auto& [id, session] : sessions_) all.push_back(session);
  return all;
}

asio::awaitable<void> Coordinator::release(std::shared_ptr<BackupSession> session) {
  co_await session->release();
  sessions_.erase(session->id());
}

void Coordinator::requester_gone(const std::string& bus_name) {
  for (const auto& session : sessions()) {
    if (session->requester().bus_name != bus_name) continue;
    spdlog::info("session {}: the requester is gone in state {}", session->id().str(),
                 to_string(session->state()));
    spawn(services_.executor, release(session));
  }
}

asio::awaitable<void> Coordinator::release_all() {
  Signal all_gone;
  const auto left = std::make_shared<std::size_t>(sessions_.size());
  if (*left == 0) co_return;
  const auto release_one = [](Coordinator& self, std::shared_ptr<BackupSession> session,
                              std::shared_ptr<std::size_t> count, Signal done) -> asio::awaitable<void> {
    co_await self.release(std::move(session));
    if (--*count == 0) done.set();
  };
  for (const auto& session : sessions()) {
    spawn(services_.executor, release_one(*this, session, left, all_gone));
  }
  co_await wait_for(all_gone, TimePoint::max());
}

}  // namespace vss::core
