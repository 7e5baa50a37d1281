// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/bus/callers.hpp"

#include <algorithm>

namespace vss::bus {
namespace {
using namespace std::chrono_literals;

constexpr const char* kPolkitInterface = "org.freedesktop.PolicyKit1.Authority";
constexpr std::uint32_t kAllowUserInteraction = 1;

const char* action_id(Action action) {
  switch (action) {
    case Action::RequestBackup:
      return "org.vssd.vss1.request-backup";
    case Action::ManageSnapshots:
      return "org.vssd.vss1.manage-snapshots";
    case Action::RegisterWriter:
      return "org.vssd.vss1.register-writer";
  }
  return "";
}

std::uint32_t number_in(const std::map<std::string, sdbus::Variant>& credentials, const char* key,
                        std::uint32_t missing) {
  const auto at = credentials.find(key);
  return at != credentials.end() && at->second.containsValueOfType<std::uint32_t>()
             ? at->second.get<std::uint32_t>()
             : missing;
}
}  // namespace

Callers::Callers(std::shared_ptr<BusConnection> bus, UnitOfPid unit_of_pid,
                 std::vector<std::uint32_t> writer_uids)
    : bus_(std::move(bus)),
      unit_of_pid_(std::move(unit_of_pid)),
      writer_uids_(std::move(writer_uids)),
      bus_daemon_(make_proxy(bus_->sdbus(), "org.freedesktop.DBus", "/org/freedesktop/DBus")),
      polkit_(
          make_proxy(bus_->sdbus(), "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority")) {}

asio::awaitable<core::Result<Caller>> Callers::identify(std::string bus_name) {
  // Before the question: should the peer leave while we ask, gone() takes it out again.
  alive_.insert(bus_name);
  auto credentials = co_await async_call<std::map<std::string, sdbus::Variant>>(
      bus_, bus_daemon_, "org.freedesktop.DBus", "GetConnectionCredentials", 10s, bus_name);
  if (!credentials) {
    alive_.erase(bus_name);
    co_return core::fail(ErrorCode::AccessDenied,
                         "the caller has no credentials: " + credentials.error().message);
  }
  const auto& values = std::get<0>(*credentials);
  Caller caller{bus_name, number_in(values, "UnixUserID", UINT32_MAX), number_in(values, "ProcessID", 0), {}};
  if (caller.pid != 0) caller.unit = co_await unit_of_pid_(caller.pid);
  if (!is_alive(bus_name)) co_return core::fail(ErrorCode::AccessDenied, "the caller left the bus");
  co_return caller;
}

asio::awaitable<core::Status> Callers::authorize(Caller caller, Action action) {
  const bool listed =
      action == Action::RegisterWriter && std::ranges::find(writer_uids_, caller.uid) != writer_uids_.end();
  if (caller.uid == 0 || listed) co_return core::Status();
  core::Status allowed = co_await ask_polkit(caller, action);
  if (allowed && !is_alive(caller.bus_name))
    co_return core::fail(ErrorCode::AccessDenied, "the caller left the bus");
  co_return allowed;
}

asio::awaitable<core::Status> Callers::ask_polkit(Caller caller, Action action) {
  // By bus name, not by pid: pids are used again.
  using Details = std::map<std::string, sdbus::Variant>;
  const Details details{{"name", sdbus::Variant(caller.bus_name)}};
  const sdbus::Struct<std::string, Details> subject("system-bus-name", details);
  const std::string id = action_id(action);
  const std::map<std::string, std::string> none;
  const std::string no_cancellation;
  auto reply = co_await async_call<sdbus::Struct<bool, bool, std::map<std::string, std::string>>>(
      bus_, polkit_, kPolkitInterface, "CheckAuthorization", 120s, subject, id, none, kAllowUserInteraction,
      no_cancellation);
  if (!reply) {
    co_return core::fail(ErrorCode::AccessDenied, "only root may do this: polkit does not answer for " + id +
                                                      " (" + reply.error().message + ")");
  }
  if (!std::get<0>(std::get<0>(*reply))) {
    co_return core::fail(ErrorCode::AccessDenied,
                         "polkit does not allow " + id + " to uid " + std::to_string(caller.uid));
  }
  co_return core::Status();
}

}  // namespace vss::bus
