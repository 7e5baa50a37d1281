// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The manifests of writers without a program, as packages and administrators leave them in directories.

#include <string>
#include <vector>

#include <asio/awaitable.hpp>

#include "daemon/core/static_writer.hpp"
#include "daemon/system/worker.hpp"

namespace vss::system {

// The files *.json of `directories` by name. One in a later directory takes the place of one of the same
// name, an empty one takes it away. What cannot be read, or what somebody other than root or ourselves could
// have written, has no text, and a line in the log. Errors: a directory cannot be read. Blocks.
[[nodiscard]] core::Result<std::vector<core::Manifest>> read_manifests(
    const std::vector<std::string>& directories);

class Manifests {
 public:
  explicit Manifests(std::vector<std::string> directories)
      : directories_(std::move(directories)), worker_("manifests") {}

  asio::awaitable<core::Result<std::vector<core::Manifest>>> read();

 private:
  const std::vector<std::string> directories_;
  Worker worker_;
};

}  // namespace vss::system
