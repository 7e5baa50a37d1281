// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// The writer metadata document: JSON, version 1; writer-sdk/README.md describes it.

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "writer-sdk/include/vss/writer.h"

namespace vss {

struct WriterConfig {
  std::string name;
  std::string class_id;
  std::string instance_name;
  std::string version;
  std::string level;  // as on the bus
  std::chrono::milliseconds freeze_timeout{};
  std::uint32_t flags = 0;
};

}  // namespace vss

struct vss_metadata {
  explicit vss_metadata(const vss::WriterConfig& config);

  nlohmann::json document;
  std::string failure;
  std::thread::id thread = std::this_thread::get_id();
};
