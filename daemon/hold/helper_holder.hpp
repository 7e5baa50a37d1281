// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// core::Holder that holds by the helper process vssd-hold. Thread rule: the coordinator's thread.

#include <filesystem>

#include <asio/any_io_executor.hpp>

#include "daemon/core/hold.hpp"

namespace vss::hold {

class HelperHolder final : public core::Holder {
 public:
  // `helper`: the program vssd-hold. `runtime_dir`: on tmpfs, never on a volume of a set.
  HelperHolder(asio::any_io_executor executor, std::filesystem::path helper,
               std::filesystem::path runtime_dir);

  // Errors beside those of the port: VolumeInUse (two targets are one superblock), ObjectNotFound (the mount
  // point carries another filesystem by now), InvalidArgument (the record would be on a volume to be held).
  asio::awaitable<core::Result<std::unique_ptr<core::HoldWindow>>> arm(
      core::Guid set, std::vector<core::HoldTarget> targets, std::chrono::milliseconds limit) override;

 private:
  asio::any_io_executor executor_;
  std::filesystem::path helper_;
  std::filesystem::path runtime_dir_;
};

}  // namespace vss::hold
