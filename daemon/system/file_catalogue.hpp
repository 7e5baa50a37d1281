// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// core::Catalogue as files: <state-dir>/sets/<set id>.json, one for each set.

#include <string>
#include <vector>

#include "daemon/core/snapshot_record.hpp"
#include "daemon/system/worker.hpp"

namespace vss::system {

class FileCatalogue final : public core::Catalogue {
 public:
  // Nothing is touched before the first call; that makes the directories, for root only.
  explicit FileCatalogue(std::string state_dir);

  // No call has a limit: what may still reach the disk must not be counted as failed.
  asio::awaitable<core::Status> store(core::SetRecord record) override;
  // A set that has no record is success.
  asio::awaitable<core::Status> erase(core::Guid set) override;
  // What cannot be read (malformed, foreign, of a newer version) is renamed to *.bad. Remains of a store that
  // never ended are removed.
  asio::awaitable<core::Result<std::vector<core::SetRecord>>> load() override;

 private:
  std::string state_dir_;
  Worker worker_;
};

}  // namespace vss::system
