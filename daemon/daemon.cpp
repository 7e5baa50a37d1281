// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/daemon.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>

#include <spdlog/spdlog.h>

#include "daemon/system/notify.hpp"

namespace vss {
namespace {
core::Limits core_limits(const system::Config& config) {
  core::Limits limits;
  limits.identify = core::Milliseconds(config.identify_ms);
  limits.prepare_for_backup = core::Milliseconds(config.prepare_for_backup_ms);
  limits.prepare_for_snapshot = core::Milliseconds(config.prepare_for_snapshot_ms);
  limits.freeze = core::Milliseconds(config.freeze_default_ms);
  limits.hold = core::Milliseconds(config.hold_limit_ms);
  limits.post_snapshot = core::Milliseconds(config.post_snapshot_ms);
  limits.abort = core::Milliseconds(config.abort_ms);
  limits.backup_complete = core::Milliseconds(config.backup_complete_ms);
  limits.restore = core::Milliseconds(config.restore_ms);
  limits.backup_shutdown = core::Milliseconds(config.backup_shutdown_ms);
  limits.flush = core::Milliseconds(config.flush_ms);
  limits.watch = core::Milliseconds(config.watch_ms);
  limits.sessions = config.max_sessions;
  limits.sessions_per_caller = config.max_sessions_per_caller;
  return limits;
}

provider_host::Limits provider_limits(const system::Config& config) {
  provider_host::Limits limits;
  limits.commit = core::Milliseconds(config.hold_limit_ms);
  limits.cap(core::Milliseconds(config.provider_ms));
  return limits;
}

std::vector<std::uint32_t> uids_of(const std::vector<std::string>& accounts) {
  std::vector<std::uint32_t> uids;
  for (const std::string& account : accounts) {
    if (const passwd* entry = ::getpwnam(account.c_str())) {
      uids.push_back(entry->pw_uid);
    } else {
      spdlog::warn("writer_accounts: no user {}", account);
    }
  }
  return uids;
}
}  // namespace

void Daemon::HoldGate::begin_hold() {
  log_->begin_hold();
  if (++depth_ == 1) loop_.begin();
}

void Daemon::HoldGate::end_hold() {
  if (--depth_ == 0) loop_.end();
  log_->end_hold();
}

Daemon::Daemon(system::Config config, std::shared_ptr<system::DeferredSink> log)
    : config_(std::move(config)),
      signals_(loop_, SIGTERM, SIGINT),
      reload_signal_(loop_, SIGHUP),
      gate_(std::move(log)),
      volumes_(system::VolumeSources{.runtime_dir = config_.runtime_dir}),
      catalogue_(config_.state_dir),
      manifests_(config_.manifest_dirs),
      mounts_(config_.runtime_dir),
      providers_(loop_.get_executor(), provider_limits(config_)),
      holder_(loop_.get_executor(), config_.helper, config_.runtime_dir),
      bus_(loop_, bus_settings()),
      coordinator_(services()) {}

namespace {
std::string machine_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}
}  // namespace

core::Services Daemon::services() {
  return {loop_.get_executor(),
          core_limits(config_),
          volumes_,
          providers_,
          holder_,
          catalogue_,
          mounts_,
          snapshot_files_,
          bus_,
          gate_,
          machine_name()};
}

bus::BusService::Settings Daemon::bus_settings() {
  const auto unit_of_pid = [this](std::uint32_t pid) -> asio::awaitable<std::string> {
    core::Result<system::ProcessInfo> info = co_await processes_.query(static_cast<pid_t>(pid));
    co_return info ? info->unit : std::string();
  };
  const auto read_document =
      [this](std::string text) -> asio::awaitable<core::Result<core::RestoreDocument>> {
    auto work = [text = std::move(text)] { return core::RestoreDocument::parse(text); };
    co_return co_await documents_.run(std::move(work));
  };
  return {unit_of_pid, uids_of(config_.writer_accounts), [this] { return gate_.is_holding(); },
          read_document};
}

asio::awaitable<core::Status> Daemon::try_start() {
  core::Status loaded = co_await providers_.load_all(config_.provider_dir, config_.runtime_dir + "/providers",
                                                     config_.providers, config_.provider_settings);
  if (!loaded) co_return loaded;
  // What a former run has mounted is mounted anew by the coordinator where it is still wanted.
  std::vector<core::Guid> none;
  if (core::Status cleared = co_await mounts_.remove_leftovers(std::move(none)); !cleared) co_return cleared;
  if (core::Status recovered = co_await coordinator_.start(); !recovered) co_return recovered;
  co_await load_manifests();
  co_return bus_.start(coordinator_);
}

asio::awaitable<void> Daemon::start() {
  const core::Status started = co_await try_start();
  if (!started) {
    spdlog::critical("{}", started.error().message);
    exit_code_ = 1;
    loop_.stop();
    co_return;
  }
  spdlog::info("vssd {} is ready", VSSD_VERSION);
  system::notify_ready();
}

asio::awaitable<void> Daemon::stop_on_signal() {
  asio::error_code error;
  co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, error));
  spdlog::info("stopping");
  system::notify_stopping();
  co_await coordinator_.close();
  bus_.stop();
  loop_.stop();
}

asio::awaitable<void> Daemon::load_manifests() {
  core::Result<std::vector<core::Manifest>> manifests = co_await manifests_.read();
  if (!manifests) {
    spdlog::error("writer manifests: {}", manifests.error().message);
    co_return;
  }
  // Not while a set is being captured: they are parsed here.
  const auto pass = co_await coordinator_.store().background().enter();
  coordinator_.static_writers().replace(std::move(*manifests));
}

asio::awaitable<void> Daemon::reload_on_signal() {
  for (;;) {
    asio::error_code error;
    co_await reload_signal_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    spdlog::info("reading the manifests of writers again");
    co_await load_manifests();
  }
}

int Daemon::run() {
  core::spawn(loop_.get_executor(), stop_on_signal());
  core::spawn(loop_.get_executor(), reload_on_signal());
  core::spawn(loop_.get_executor(), start());
  loop_.run();
  return exit_code_;
}

}  // namespace vss
