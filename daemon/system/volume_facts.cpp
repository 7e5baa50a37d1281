// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/system/volume_facts.hpp"

#include <filesystem>

#include <spdlog/spdlog.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>

namespace vss::system {
namespace {
constexpr std::size_t kMostHanging = 8;

// The flushes of one call. Executor's thread only.
struct FlushGroup {
  explicit FlushGroup(const asio::any_io_executor& executor)
      : all_done(executor, asio::steady_timer::time_point::max()) {}
  std::size_t running = 0;
  std::vector<core::Error> errors;
  asio::steady_timer all_done;
};

asio::awaitable<void> flush_one(std::shared_ptr<Worker> worker, std::string path,
                                std::chrono::milliseconds limit, std::shared_ptr<FlushGroup> group) {
  auto work = [path] { return flush_filesystem(path); };
  auto flushed = co_await worker->run(std::move(work), limit);
  if (!flushed) group->errors.push_back(std::move(flushed.error()).with_context("flush " + path));
  if (--group->running == 0) group->all_done.cancel();
}
}  // namespace

SystemVolumes::SystemVolumes(VolumeSources sources, std::chrono::milliseconds limit)
    : sources_(std::move(sources)), limit_(limit), prober_(std::make_unique<Worker>("vssd-volumes")) {
  // mountinfo has paths without links.
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(sources_.runtime_dir, error);
  if (!error) sources_.runtime_dir = real.string();
}

Worker& SystemVolumes::prober() {
  std::erase_if(hanging_, [](const auto& worker) { return !worker->overran(); });
  if (prober_->overran() && hanging_.size() < kMostHanging) {
    // The others must not wait for one dead disk.
    hanging_.push_back(std::exchange(prober_, std::make_unique<Worker>("vssd-volumes")));
  }
  return *prober_;
}

asio::awaitable<core::Result<core::Volume>> SystemVolumes::resolve(std::string path) {
  auto work = [sources = sources_, path] { return resolve_volume(sources, path); };
  co_return co_await prober().run(std::move(work), limit_);
}

asio::awaitable<core::Result<std::vector<core::Volume>>> SystemVolumes::list() {
  auto work = [sources = sources_] { return list_volumes(sources); };
  co_return co_await prober().run(std::move(work), limit_);
}

std::shared_ptr<Worker> SystemVolumes::flusher(const std::string& superblock) {
  auto& worker = flushers_[superblock];
  if (!worker) worker = std::make_shared<Worker>("vssd-flush", ErrorCode::FlushWritesTimeout);
  return worker;
}

asio::awaitable<core::Status> SystemVolumes::flush(std::vector<core::Volume> volumes,
                                                   std::uint32_t limit_ms) {
  const auto executor = co_await asio::this_coro::executor;
  const auto group = std::make_shared<FlushGroup>(executor);
  std::map<std::string, std::string> filesystems;
  for (const core::Volume& volume : volumes) filesystems.emplace(volume.superblock, volume.path);

  group->running = filesystems.size();
  for (const auto& [superblock, path] : filesystems) {
    asio::co_spawn(executor, flush_one(flusher(superblock), path, std::chrono::milliseconds(limit_ms), group),
                   asio::detached);
  }
  while (group->running > 0) {
    std::error_code cancelled;
    co_await group->all_done.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
  std::erase_if(flushers_,
                [](const auto& entry) { return entry.second.use_count() == 1 && !entry.second->overran(); });

  if (group->errors.empty()) co_return core::Status{};
  core::Error first = std::move(group->errors.front());
  for (std::size_t i = 1; i < group->errors.size(); ++i) {
    first = std::move(first).followed_by(group->errors[i]);
  }
  co_return core::fail(std::move(first));
}

}  // namespace vss::system
