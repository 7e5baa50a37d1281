// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// core::SnapshotFiles on a mounted snapshot. What stands there was written by users of the volume: no link is
// followed and no mount is crossed.

#include "daemon/core/snapshot_files.hpp"
#include "daemon/system/worker.hpp"

namespace vss::system {

class SnapshotFileRemover final : public core::SnapshotFiles {
 public:
  asio::awaitable<core::Result<std::size_t>> remove(std::string root, core::FileSet files) override;

 private:
  Worker worker_{"vssd-files"};
};

// The same, at once and on the calling thread. The name of a file is matched as a shell does, `*` matches a
// leading dot too.
[[nodiscard]] core::Result<std::size_t> remove_files(const std::string& root, const core::FileSet& files);

}  // namespace vss::system
