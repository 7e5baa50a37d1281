// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/requester.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace vss::test {
namespace {
constexpr std::string_view kPrefix = "org.vssd.Vss1.Error.";
constexpr auto kCallLimit = std::chrono::minutes(5);

std::string short_name(const std::string& name) {
  return name.rfind(kPrefix, 0) == 0 ? name.substr(kPrefix.size()) : name;
}

// The system call changes this thread only; the function of the C library would change all.
void become(uid_t user) {
  if (::syscall(SYS_setresuid, -1, user, -1) != 0) {
    throw std::system_error(errno, std::generic_category(), "setresuid");
  }
}

std::unique_ptr<sdbus::IConnection> connect_as(uid_t user) {
  become(user);
  std::unique_ptr<sdbus::IConnection> connection;
  std::exception_ptr error;
  try {
    connection = sdbus::createSystemBusConnection();
  } catch (const sdbus::Error&) {
    error = std::current_exception();
  }
  become(0);
  if (error) std::rethrow_exception(error);
  return connection;
}
}  // namespace

void PendingCall::State::finish(sdbus::MethodReply answer, std::optional<CallError> failure) {
  const std::lock_guard lock(mutex);
  if (done) return;
  reply = std::move(answer);
  error = std::move(failure);
  done = true;
  changed.notify_all();
}

bool PendingCall::is_done() const {
  const std::lock_guard lock(state_->mutex);
  return state_->done;
}

bool PendingCall::wait_for(std::chrono::milliseconds limit) const {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, limit, [this] { return state_->done; });
}

Requester::Requester(std::unique_ptr<sdbus::IConnection> connection)
    : connection_(std::move(connection)), loop_([this] { dispatch(); }) {}

Requester::Requester() : Requester(sdbus::createSystemBusConnection()) {}

Requester::Requester(uid_t user) : Requester(connect_as(user)) {}

Requester::~Requester() {
  connection_->leaveEventLoop();
  loop_.join();
  fail_all();
  proxies_.clear();
}

void Requester::dispatch() noexcept {
  try {
    connection_->enterEventLoop();
  } catch (const std::exception&) {
    // The bus went away: every call that waits hears of it.
  }
  fail_all();
}

void Requester::fail_all() {
  std::set<std::shared_ptr<PendingCall::State>> pending;
  {
    const std::lock_guard lock(mutex_);
    lost_ = true;
    pending.swap(pending_);
  }
  for (const auto& state : pending)
    state->finish({}, CallError{"Test.ConnectionLost", "the connection ended"});
}

sdbus::IProxy& Requester::proxy_of(const std::string& path) {
  const std::lock_guard lock(mutex_);
  auto& proxy = proxies_[path];
  if (!proxy) proxy = make_proxy(*connection_, kService, path);
  return *proxy;
}

PendingCall Requester::send(sdbus::IProxy& proxy, const sdbus::MethodCall& message) {
  const auto state = std::make_shared<PendingCall::State>();
  {
    const std::lock_guard lock(mutex_);
    if (!lost_) pending_.insert(state);
  }
  const auto answered = [this, state](const sdbus::MethodReply& reply, const sdbus::Error* error) {
    {
      const std::lock_guard lock(mutex_);
      pending_.erase(state);
    }
    if (error == nullptr) return state->finish(reply, std::nullopt);
    state->finish({}, CallError{short_name(error->getName()), error->getMessage()});
  };
  try {
    call_async(proxy, message, answered, kCallLimit);
  } catch (const sdbus::Error& error) {
    state->finish({}, CallError{short_name(error.getName()), error.getMessage()});
  }
  const std::lock_guard lock(mutex_);
  if (lost_) state->finish({}, CallError{"Test.ConnectionLost", "the connection ended"});
  return PendingCall(state);
}

Reply<std::string> Requester::create_backup(const Dict& options) {
  auto path = manager<sdbus::ObjectPath>("CreateBackup", options);
  if (!path) return tl::unexpected(path.error());
  backup_path_ = *path;
  return backup_path_;
}

Reply<std::string> Requester::create_restore(const std::string& document) {
  auto path = manager<sdbus::ObjectPath>("CreateRestore", document, Dict{});
  if (!path) return tl::unexpected(path.error());
  restore_path_ = *path;
  return restore_path_;
}

std::string Requester::property(const std::string& name) {
  auto value =
      begin_at(backup_path_, "org.freedesktop.DBus.Properties", "Get", std::string(kBackupInterface), name)
          .result<sdbus::Variant>();
  return value ? value->get<std::string>() : std::string();
}

Reply<> Requester::add_components(const std::map<std::string, std::string>& components) {
  auto writers = manager<Dicts>("ListWriters");
  Reply<> done;
  if (!writers) done = tl::unexpected(writers.error());
  for (const auto& [writer, component] : components) {
    if (!done) break;
    const auto found = std::ranges::find_if(
        *writers, [&](const Dict& facts) { return get<std::string>(facts, "name") == writer; });
    if (found == writers->end()) return tl::unexpected(CallError{"Test.NoWriter", writer});
    done = backup("AddComponent", get<std::string>(*found, "instance_id"), std::string(), component);
  }
  return done;
}

Reply<> Requester::run_until(const Plan& plan, const std::string& last) {
  const bool writers = plan.context == "backup" || plan.context == "app-rollback" ||
                       plan.context == "client-accessible-writers";
  const std::vector<std::string> order{"SetContext",       "SetBackupState",   "GatherWriterMetadata",
                                       "AddComponent",     "StartSnapshotSet", "AddToSnapshotSet",
                                       "PrepareForBackup", "DoSnapshotSet"};
  if (auto made = create_backup(plan.options); !made) return tl::unexpected(made.error());
  for (const std::string& method : order) {
    Reply<> done;
    if (method == last) return done;
    if (method == "SetContext") {
      if (plan.context != "backup") done = backup(method, plan.context);
    } else if (method == "SetBackupState") {
      if (writers) done = backup(method, plan.select_components, false, std::string("full"), false);
    } else if (method == "AddComponent") {
      done = add_components(plan.components);
    } else if (method == "AddToSnapshotSet") {
      for (const std::string& volume : plan.volumes) {
        if (done) done = backup(method, volume, plan.provider);
      }
    } else if (writers || (method != "GatherWriterMetadata" && method != "PrepareForBackup")) {
      done = backup(method);
    }
    if (!done) return tl::unexpected(CallError{done.error().name, method + ": " + done.error().message});
  }
  return {};
}

}  // namespace vss::test
