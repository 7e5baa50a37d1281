// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/core/exposures.hpp"

#include <algorithm>

namespace vss::core {
namespace {
constexpr std::size_t kLongestPath = 4095;

// Each part is a name: none is empty, "." or "..".
bool is_normalised(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    path.remove_prefix(part.size());
  }
  return true;
}
}  // namespace

Status check_exposure_path(std::string_view path) {
  const auto refuse = [](const char* why) {
    return fail(ErrorCode::InvalidArgument, std::string("the path of a mount point ") + why);
  };
  if (path.starts_with("\\\\") || path.starts_with("//")) {
    return fail(ErrorCode::NotSupported,
                "snapshots are exposed at mount points of this machine only: export that as a share");
  }
  if (!path.starts_with('/')) return refuse("has to be absolute");
  if (path.size() > kLongestPath) return refuse("has at most 4095 bytes");
  if (std::ranges::any_of(path, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    return refuse("has no control characters");
  }
  if (!is_normalised(path)) return refuse("has no empty parts, no \".\" and no \"..\"");
  return {};
}

Result<Exposures::Found> Exposures::find(Guid id) const {
  const SetRecord* set = store_.find_by_snapshot(id);
  if (set == nullptr || set->state != SetState::Created) {
    return fail(ErrorCode::ObjectNotFound, "no snapshot " + id.str());
  }
  const SnapshotRecord* snapshot = set->find(id);
  return Found{set->set_id, set->context, snapshot->path, snapshot->exposed};
}

Result<Exposures::Found> Exposures::find_exposable(Guid id) const {
  Result<Found> found = find(id);
  if (!found) return found;
  if (!is_persistent(found->context) || is_client_accessible(found->context)) {
    return fail(ErrorCode::UnsupportedContext,
                "snapshots of context " + std::string(to_string(found->context)) + " are not exposed");
  }
  if (!found->exposed.empty()) {
    return fail(ErrorCode::ObjectAlreadyExists,
                "snapshot " + id.str() + " is exposed already, at " + found->exposed);
  }
  if (found->path.empty()) {
    return fail(ErrorCode::ObjectNotFound, "snapshot " + id.str() + " is not readable at present");
  }
  return found;
}

Result<Exposures::Found> Exposures::find_exposed(Guid id) const {
  Result<Found> found = find(id);
  if (found && found->exposed.empty()) {
    return fail(ErrorCode::ObjectNotFound, "snapshot " + id.str() + " is not exposed");
  }
  return found;
}

asio::awaitable<Status> Exposures::record(Guid id, std::string exposed) {
  const SetRecord* set = store_.find_by_snapshot(id);
  if (set == nullptr) co_return fail(ErrorCode::ObjectNotFound, "no snapshot " + id.str());
  SetRecord changed = *set;
  changed.find(id)->exposed = std::move(exposed);
  co_return co_await store_.put(std::move(changed));
}

asio::awaitable<Result<std::string>> Exposures::expose(Guid snapshot, std::string path) {
  if (Status fit = check_exposure_path(path); !fit) co_return fail(std::move(fit.error()));
  Result<Found> found = find_exposable(snapshot);
  if (!found) co_return fail(std::move(found.error()));
  // Before anybody has to wait for us: it may be on a file server that is gone.
  Result<std::string> target = co_await services_.mounter.find_mount_point(std::move(path));
  if (!target) co_return target;
  const auto pass = co_await store_.background().enter();
  const auto turn = co_await store_.views().turn(found->set);
  // Again: meanwhile it may have been deleted or exposed.
  found = find_exposable(snapshot);
  if (!found) co_return fail(std::move(found.error()));
  for (const SetRecord& set : store_.list({})) {
    const auto other = std::ranges::find(set.snapshots, *target, &SnapshotRecord::exposed);
    if (other == set.snapshots.end()) continue;
    co_return fail(ErrorCode::ObjectAlreadyExists,
                   *target + " is where snapshot " + other->snapshot_id.str() + " is exposed");
  }
  Status exposed = co_await record_and_mount(snapshot, found->path, *target);
  if (!exposed) co_return fail(std::move(exposed.error()));
  spdlog::info("snapshot {} is exposed at {}", snapshot.str(), *target);
  co_return target;
}

// On disk first: a mount that no record knows would outlive its snapshot.
asio::awaitable<Status> Exposures::record_and_mount(Guid snapshot, std::string source, std::string target) {
  Status done = co_await record(snapshot, target);
  if (done) done = co_await services_.mounter.expose(snapshot, std::move(source), std::move(target));
  if (done) co_return done;
  Error cause = std::move(done.error());
  std::string nowhere;
  if (Status undone = co_await record(snapshot, std::move(nowhere)); !undone) {
    cause = std::move(cause).followed_by(undone.error());
  }
  co_return fail(std::move(cause));
}

asio::awaitable<Status> Exposures::unexpose(Guid snapshot) {
  Result<Found> found = find_exposed(snapshot);
  if (!found) co_return fail(std::move(found.error()));
  const auto pass = co_await store_.background().enter();
  const auto turn = co_await store_.views().turn(found->set);
  found = find_exposed(snapshot);
  if (!found) co_return fail(std::move(found.error()));

  Status gone = co_await services_.mounter.unexpose(snapshot, found->exposed, false);
  if (!gone) co_return gone;
  std::string nowhere;
  Status recorded = co_await record(snapshot, std::move(nowhere));
  if (recorded) {
    spdlog::info("snapshot {} is no longer exposed at {}", snapshot.str(), found->exposed);
    co_return recorded;
  }
  // The next start would expose it again: so it stays.
  Error cause = std::move(recorded.error());
  if (Status back = co_await record(snapshot, found->exposed); !back) {
    spdlog::debug("snapshot {}: {}", snapshot.str(), back.error().message);
  }
  Status shown = co_await services_.mounter.expose(snapshot, found->path, found->exposed);
  if (!shown) cause = std::move(cause).followed_by(shown.error());
  co_return fail(std::move(cause));
}

}  // namespace vss::core
