// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The parts of vssd put together: one loop, the adapters of the operating system, the coordinator, the bus.

#include <unistd.h>

#include <memory>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include "daemon/bus/bus_service.hpp"
#include "daemon/core/coordinator.hpp"
#include "daemon/core/urgency.hpp"
#include "daemon/hold/helper_holder.hpp"
#include "daemon/provider_host/provider_registry.hpp"
#include "daemon/system/config.hpp"
#include "daemon/system/deferred_log.hpp"
#include "daemon/system/file_catalogue.hpp"
#include "daemon/system/manifests.hpp"
#include "daemon/system/process_info.hpp"
#include "daemon/system/snapshot_file_remover.hpp"
#include "daemon/system/snapshot_mounts.hpp"
#include "daemon/system/volume_facts.hpp"
#include "daemon/system/worker.hpp"

namespace vss {

class Daemon {
 public:
  Daemon(system::Config config, std::shared_ptr<system::DeferredSink> log);

  // Runs until SIGTERM or SIGINT, or until starting fails. The exit code.
  int run();

 private:
  // The log's gate, which also knows whether a set is captured right now: then the loop runs before others.
  class HoldGate final : public core::LogGate {
   public:
    // In the thread of the loop.
    explicit HoldGate(std::shared_ptr<system::DeferredSink> log) : log_(std::move(log)), loop_(::gettid()) {}
    void begin_hold() override;
    void end_hold() override;
    [[nodiscard]] bool is_holding() const { return depth_ > 0; }

   private:
    std::shared_ptr<system::DeferredSink> log_;
    core::Urgency loop_;
    int depth_ = 0;
  };

  [[nodiscard]] core::Services services();
  [[nodiscard]] bus::BusService::Settings bus_settings();
  asio::awaitable<void> start();
  asio::awaitable<core::Status> try_start();
  asio::awaitable<void> stop_on_signal();
  asio::awaitable<void> reload_on_signal();
  asio::awaitable<void> load_manifests();

  system::Config config_;
  asio::io_context loop_{1};
  asio::signal_set signals_;
  asio::signal_set reload_signal_;
  HoldGate gate_;
  system::ProcessFacts processes_;
  system::SystemVolumes volumes_;
  system::FileCatalogue catalogue_;
  system::Manifests manifests_;
  system::Worker documents_{"documents"};
  system::SnapshotMounts mounts_;
  system::SnapshotFileRemover snapshot_files_;
  provider_host::ProviderRegistry providers_;
  hold::HelperHolder holder_;
  bus::BusService bus_;
  core::Coordinator coordinator_;
  int exit_code_ = 0;
};

}  // namespace vss
