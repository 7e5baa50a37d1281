// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/coordinator.hpp"

#include <algorithm>

namespace vss::core {

Coordinator::Coordinator(Services services)
    : services_(std::move(services)),
      writers_(services_.observer),
      static_writers_(writers_),
      store_(services_),
      exposures_(services_, store_),
      watch_(services_, store_),
      breaker_(services_, store_),
      reverter_(services_, store_),
      storage_(services_, store_) {
  store_.on_watched([this] { watch_.wake(); });
}

asio::awaitable<Status> Coordinator::start() {
  Status recovered = co_await store_.recover();
  breaker_.resume();
  reverter_.resume();
  co_return recovered;
}

Status Coordinator::check_room(const Requester& requester) const {
  if (closed_) return fail(ErrorCode::BadState, "vssd is ending or has lost the bus");
  const auto is_callers = [&](const auto& entry) {
    return entry.second->requester().bus_name == requester.bus_name;
  };
  const auto of_caller =
      std::ranges::count_if(sessions_, is_callers) + std::ranges::count_if(restores_, is_callers);
  if (static_cast<std::size_t>(of_caller) >= services_.limits.sessions_per_caller) {
    return fail(
        ErrorCode::OutOfMemory,
        "a caller may have " + std::to_string(services_.limits.sessions_per_caller) + " sessions at once");
  }
  if (sessions_.size() + restores_.size() >= services_.limits.sessions)
    return fail(ErrorCode::OutOfMemory, "too many sessions");
  return {};
}

Result<std::shared_ptr<RestoreSession>> Coordinator::create_restore(Requester requester,
                                                                    RestoreDocument document) {
  if (Status room = check_room(requester); !room) return fail(std::move(room.error()));
  auto session =
      std::make_shared<RestoreSession>(services_, writers_, std::move(requester), std::move(document));
  restores_[session->id()] = session;
  spdlog::info("restore {} of {} ({})", session->id().str(), session->requester().client,
               session->requester().bus_name);
  return session;
}

Result<std::shared_ptr<BackupSession>> Coordinator::create_backup(Requester requester,
                                                                  BackupOptions options) {
  if (Status room = check_room(requester); !room) return fail(std::move(room.error()));
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

std::vector<std::shared_ptr<RestoreSession>> Coordinator::restores() const {
  std::vector<std::shared_ptr<RestoreSession>> all;
  for (const auto& [id, session] : restores_) all.push_back(session);
  return all;
}

asio::awaitable<void> Coordinator::release(std::shared_ptr<RestoreSession> session) {
  co_await session->release();
  restores_.erase(session->id());
}

void Coordinator::requester_gone(const std::string& bus_name) {
  for (const auto& session : sessions()) {
    if (session->requester().bus_name != bus_name) continue;
    spdlog::info("session {}: the requester is gone in state {}", session->id().str(),
                 to_string(session->state()));
    spawn(services_.executor, release(session));
  }
  for (const auto& session : restores()) {
    if (session->requester().bus_name != bus_name) continue;
    spdlog::info("restore {}: the requester is gone in state {}", session->id().str(),
                 to_string(session->state()));
    spawn(services_.executor, release(session));
  }
}

asio::awaitable<void> Coordinator::close() {
  closed_ = true;
  // All at once first; then wait for each.
  for (const auto& session : sessions()) spawn(services_.executor, release(session));
  for (const auto& session : restores()) spawn(services_.executor, release(session));
  while (!sessions_.empty()) {
    const std::shared_ptr<BackupSession> session = sessions_.begin()->second;
    co_await release(session);
  }
  while (!restores_.empty()) {
    const std::shared_ptr<RestoreSession> session = restores_.begin()->second;
    co_await release(session);
  }
  // What a session left for later because another set was being captured.
  if (const Result<Deletion> collected = co_await store_.collect_garbage(); !collected)
    spdlog::error("at the end: {}", collected.error().message);
}

}  // namespace vss::core
