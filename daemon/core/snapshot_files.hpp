// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// Port: files inside a snapshot while it is writable. Implemented in daemon/system.

#include <cstddef>
#include <string>

#include <asio/awaitable.hpp>

#include "daemon/core/error.hpp"
#include "daemon/core/writer_metadata.hpp"

namespace vss::core {

class SnapshotFiles {
 public:
  virtual ~SnapshotFiles() = default;
  // Deletes the files of the set below `root`, the directory where the snapshot is mounted; the path of the
  // set is seen from there. Only regular files and symbolic links, never through a link, never on another
  // mount. How many; files that are not there are none. The first failure ends it.
  virtual asio::awaitable<Result<std::size_t>> remove(std::string root, FileSet files) = 0;
};

}  // namespace vss::core
