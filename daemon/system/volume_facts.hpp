// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// core::VolumeFacts of the running system. The work is in volume_probe; here it is kept off the coordinator's
// thread.

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/core/volume.hpp"
#include "daemon/system/volume_probe.hpp"
#include "daemon/system/worker.hpp"

namespace vss::system {

class SystemVolumes final : public core::VolumeFacts {
 public:
  // `limit`: how long resolve and list may take.
  explicit SystemVolumes(VolumeSources sources, std::chrono::milliseconds limit = std::chrono::seconds(30));

  // Beyond the errors of the port: Unexpected if a disk did not answer within the limit. Later calls go on
  // with a new thread; after eight such disks they fail until one answers.
  asio::awaitable<core::Result<core::Volume>> resolve(std::string path) override;
  asio::awaitable<core::Result<std::vector<core::Volume>>> list() override;
  // One thread per filesystem. One whose earlier flush still hangs fails at once.
  asio::awaitable<core::Status> flush(std::vector<core::Volume> volumes, std::uint32_t limit_ms) override;

 private:
  Worker& prober();
  std::shared_ptr<Worker> flusher(const std::string& superblock);

  VolumeSources sources_;
  std::chrono::milliseconds limit_;
  std::unique_ptr<Worker> prober_;
  std::vector<std::unique_ptr<Worker>> hanging_;  // probers with a call that overran its limit
  std::map<std::string, std::shared_ptr<Worker>> flushers_;
};

}  // namespace vss::system
